//! An event's text in `cloudevents.json`, rendered for the first receiver that wants it and kept for the others.

#[cfg(feature = "json")]
use std::sync::OnceLock;

#[cfg(feature = "json")]
use crate::json::Text;

/// The text of an event, once rendered. Ignored by comparisons, because it follows from the event. A clone has none: it
/// renders its own if it needs one.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Not in an `Arc`: among so many events, memory of its own would rarely be in the processor's cache.
    #[cfg(feature = "json")]
    text: OnceLock<Text>,
}

impl Clone for Rendered {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Rendered {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Rendered {}

#[cfg(feature = "json")]
impl Rendered {
    /// The maximum memory of a kept text for a body of this size. Control characters can make the text much longer, but
    /// caches count only the bytes of bodies.
    const fn most(body: usize) -> usize {
        2 * body + 512
    }

    /// Keeps a rendered text, unless it is too long for its body.
    pub(crate) fn keep(&self, body: &[u8], text: Text) {
        if text.capacity() <= Self::most(body.len()) {
            // Another connection may have rendered it meanwhile.
            let _ = self.text.set(text);
        }
    }

    /// The length of the text, if it is kept.
    pub(crate) fn length(&self) -> Option<usize> {
        self.text.get().map(Text::len)
    }

    /// Calls `used` with the text, rendering it with `made` if necessary.
    pub(crate) fn with(
        &self,
        body: &[u8],
        made: impl FnOnce() -> Option<Text>,
        used: impl FnOnce(&Text),
    ) {
        if let Some(text) = self.text.get() {
            return used(text);
        }
        let Some(text) = made() else { return };
        used(&text);
        self.keep(body, text);
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use crate::Body;
    use topic::Topic;

    fn made_times(data: Vec<u8>) -> usize {
        let content_type = Some("text/plain".to_owned());
        let body = Body { id: "1".to_owned(), content_type, data, ..Body::default() };
        let (encoded, rendered) = (body.encode(), Rendered::default());
        let mut times = 0;
        for _ in 0..3 {
            let text = || {
                times += 1;
                Some(Text::new(&Topic::parse("t").unwrap(), &body, None))
            };
            rendered.with(&encoded, text, |text| assert!(text.len() > body.data.len()));
        }
        times
    }

    #[test]
    fn a_text_is_made_once_unless_it_is_much_longer_than_the_body() {
        assert_eq!(made_times(vec![b'x'; 10_000]), 1);
        assert_eq!(made_times(vec![0; 10_000]), 3);
    }
}
