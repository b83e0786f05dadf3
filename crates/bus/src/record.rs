//! Recording the events of a bus. The format in which a recording is stored is up to the caller, which knows
//! the payload type.

use std::rc::Rc;

use crate::{Bus, Message, Pattern, Payload, Recorded, Schedule, Subscription};

impl<P: Payload + Clone> Bus<P> {
    /// Calls `write` with each event whose topic `pattern` matches, before the event's other subscribers
    /// receive it, until the returned subscription is dropped. A [`Tape`](crate::Tape) plays the recording.
    pub fn record(
        &self,
        pattern: Pattern,
        clock: Rc<dyn Schedule>,
        write: impl Fn(Recorded<P>) + 'static,
    ) -> Subscription {
        let start = clock.now();
        self.subscriber(pattern).priority(i32::MAX).label("$bus.record").handle(move |event| {
            let at = clock.now().saturating_sub(start);
            let event = Message { topic: event.topic.clone(), payload: event.payload.clone() };
            write(Recorded { at, event });
            Ok(())
        })
    }
}
