//! Publishing by handle to a number of listeners, and a bare loop over as many closures.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use crate::{Number, bus, count, time, topic};

type Boxed = Box<dyn Fn(&Number)>;

/// The nanoseconds per event with the bus.
pub fn ours(listeners: u64, events: u64) -> f64 {
    let (bus, counter) = (bus(), Rc::new(Cell::new(0)));
    let _subscriptions: Vec<_> = (0..listeners).map(|_| count(&bus, "a.b", &counter)).collect();
    let handle = bus.topic(&topic("a.b")).expect("not of the runtime");
    let took = time(events, || {
        handle.publish(black_box(Number(1))).ok();
    });
    assert_eq!(counter.get(), listeners * events);
    took
}

/// The nanoseconds per event with a loop over boxed closures.
pub fn bare(listeners: u64, events: u64) -> f64 {
    loop_over(listeners, events, |handlers, number| {
        handlers.iter().for_each(|handler| handler(number));
    })
}

/// Like [`bare`], with the loop in a function that is called for each event, as in any emitter.
pub fn bare_function(listeners: u64, events: u64) -> f64 {
    #[inline(never)]
    fn call_all(handlers: &[Boxed], number: &Number) {
        handlers.iter().for_each(|handler| handler(number));
    }
    loop_over(listeners, events, call_all)
}

#[inline(always)]
fn loop_over(listeners: u64, events: u64, call_all: impl Fn(&[Boxed], &Number)) -> f64 {
    let counter = Rc::new(Cell::new(0));
    let handlers: Vec<Boxed> = (0..listeners)
        .map(|_| {
            let counter = counter.clone();
            Box::new(move |_: &Number| counter.set(counter.get() + 1)) as Boxed
        })
        .collect();
    let handlers = black_box(handlers);
    let took = time(events, || call_all(&handlers, &black_box(Number(1))));
    assert_eq!(counter.get(), listeners * events);
    took
}
