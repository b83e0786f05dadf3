//! The streams of an open store: which one takes a topic, and what each keeps.

use session::Stream;
use topic::{Pattern, Topic};

use crate::{Keep, Settings, StoreError};

#[derive(Debug)]
pub(crate) struct Streams {
    /// By their numbers.
    pub(crate) names: Vec<Stream>,
    /// By their numbers too.
    keep: Vec<Keep>,
    routes: Vec<(u32, Vec<Pattern>)>,
}

impl Streams {
    /// The streams that the settings name.
    pub(crate) fn wanted(settings: &Settings) -> Vec<Stream> {
        settings.routes.iter().map(|route| route.stream.clone()).collect()
    }

    /// The existing streams `names`, with their settings.
    pub(crate) fn new(names: Vec<Stream>, settings: &Settings) -> Result<Self, StoreError> {
        if let Some((stream, _)) = settings.keep_of.iter().find(|(it, _)| !names.contains(it)) {
            return Err(StoreError::NoStream(stream.as_str().to_owned()));
        }
        let keep = |name: &Stream| {
            let own = settings.keep_of.iter().find(|(stream, _)| stream == name);
            own.map_or(&settings.keep, |(_, keep)| keep).clone()
        };
        let number = |stream: &Stream| (0..).zip(&names).find(|(_, name)| *name == stream);
        let routes = settings.routes.iter().filter_map(|route| {
            let (number, _) = number(&route.stream)?;
            Some((number, route.patterns.clone()))
        });
        Ok(Self { keep: names.iter().map(keep).collect(), routes: routes.collect(), names })
    }

    /// The number of the stream that takes a topic.
    pub(crate) fn of(&self, topic: &Topic) -> u32 {
        let takes = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(topic));
        let first = self.routes.iter().find(|(_, patterns)| takes(patterns));
        first.map_or(0, |(number, _)| *number)
    }

    /// What each stream keeps, with its number.
    pub(crate) fn keep(&self) -> impl Iterator<Item = (u32, &Keep)> {
        (0..).zip(&self.keep)
    }
}
