//! Interceptors: code that sees an event before its subscribers do, and has a say.

use std::any::Any;
use std::fmt;
use std::rc::{Rc, Weak};

use crate::core::{Check, Core, Stop};
use crate::{Bus, Pattern, Payload, Topic};

/// What an interceptor says to an event.
#[derive(Debug)]
pub enum Verdict<P> {
    /// It goes on, with this payload: the one that came, or another.
    Pass(P),
    /// It ends here; the publisher is told [`Published::Dropped`](crate::Published::Dropped).
    Drop,
    /// It ends here, and is an error to the publisher:
    /// [`PublishError::Denied`](crate::PublishError::Denied) with the payload and the reason.
    Deny(P, Box<str>),
}

/// Keeps an interceptor in place; dropped, it intercepts no more.
#[must_use = "an interceptor ends when this is dropped: keep it as long as it shall see events"]
pub struct Interception<P: Payload> {
    core: Weak<Core<P>>,
    check: Rc<dyn Check<P>>,
}

struct Interceptor<F> {
    pattern: Pattern,
    judge: F,
}

impl<P: Payload> Bus<P> {
    /// Shows each event that is published on a topic that `pattern` matches to `judge`, at the publish
    /// call and before the event takes its place in the order. Older interceptors come first.
    ///
    /// The runtime's own events are not intercepted. What `judge` publishes itself is older than the
    /// event it looks at.
    ///
    /// ```
    /// # use bus::{Bus, Failure, Payload, PublishError, Topic, Verdict};
    /// # struct Text(String);
    /// # impl Payload for Text {
    /// #     type Cause = String;
    /// #     fn failure(_: Failure<String>) -> Self { Text(String::new()) }
    /// # }
    /// let bus = Bus::<Text>::new(|_| {});
    /// let _polite = bus.intercept("chat.>".try_into()?, |_, text: Text| match text.0.as_str() {
    ///     "damn" => Verdict::Deny(text, "language!".into()),
    ///     _ => Verdict::Pass(Text(text.0.trim().to_owned())),
    /// });
    /// let refused = bus.publish(Topic::parse("chat.lobby")?, Text("damn".into()));
    /// assert!(matches!(refused, Err(PublishError::Denied(_, _, why)) if &*why == "language!"));
    /// # Ok::<(), bus::TopicError>(())
    /// ```
    pub fn intercept(
        &self,
        pattern: Pattern,
        judge: impl Fn(&Topic, P) -> Verdict<P> + 'static,
    ) -> Interception<P> {
        let check: Rc<dyn Check<P>> = Rc::new(Interceptor { pattern, judge });
        self.core.add_check(check.clone());
        Interception { core: Rc::downgrade(&self.core), check }
    }
}

impl<P: Payload, F: Fn(&Topic, P) -> Verdict<P>> Check<P> for Interceptor<F> {
    fn check(&self, topic: &Topic, payload: P, _: &mut Vec<Box<dyn Any>>) -> Result<P, Stop<P>> {
        if !self.pattern.matches(topic) {
            return Ok(payload);
        }
        match (self.judge)(topic, payload) {
            Verdict::Pass(payload) => Ok(payload),
            Verdict::Drop => Err(Stop::Dropped),
            Verdict::Deny(payload, why) => Err(Stop::Denied(payload, why)),
        }
    }
}

impl<P: Payload> Drop for Interception<P> {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            core.remove_check(&self.check);
        }
    }
}

impl<P: Payload> fmt::Debug for Interception<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Interception")
    }
}
