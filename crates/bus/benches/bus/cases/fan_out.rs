//! Publishing by handle, beside a bare loop over closures and the channels that broadcast.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use super::{Number, bus, count, topic};
use crate::rounds::{compare, time};
use crate::table::Table;

type Boxed = Box<dyn Fn(&Number)>;

const EVENTS: usize = 20_000;

pub fn rows(table: &mut Table) {
    for listeners in [1, 10, 100] {
        let events = EVENTS / listeners.min(10);
        let row = compare(|| ours(listeners, events), || bare(listeners, events));
        match listeners {
            1 => table.at_most_over("publish by handle to 1, beside the bare call", &row, 12.0),
            _ => {
                let work = format!("publish by handle to {listeners}, beside a bare loop");
                table.at_most(&work, &row, 2.0);
            }
        }
        let row = compare(|| ours(listeners, events), || tokio(listeners, events));
        table.at_most(&format!("to {listeners}, beside tokio::sync::broadcast"), &row, 1.0);
        let row = compare(|| ours(listeners, events), || async_broadcast(listeners, events));
        table.at_most(&format!("to {listeners}, beside async-broadcast"), &row, 1.0);
    }
}

fn ours(listeners: usize, events: usize) -> f64 {
    let (bus, counter) = (bus(), Rc::new(Cell::new(0)));
    let _subscriptions: Vec<_> = (0..listeners).map(|_| count(&bus, "a.b", &counter)).collect();
    let handle = bus.topic(&topic("a.b")).expect("not of the runtime");
    let took = time(events, || {
        handle.publish(black_box(Number(1))).ok();
    });
    assert_eq!(counter.get() as usize, listeners * events);
    took
}

fn bare(listeners: usize, events: usize) -> f64 {
    let counter = Rc::new(Cell::new(0));
    let handlers: Vec<Boxed> = (0..listeners)
        .map(|_| {
            let counter = counter.clone();
            Box::new(move |_: &Number| counter.set(counter.get() + 1)) as Boxed
        })
        .collect();
    let handlers = black_box(handlers);
    let took = time(events, || {
        let number = black_box(Number(1));
        handlers.iter().for_each(|handler| handler(&number));
    });
    assert_eq!(counter.get(), listeners * events);
    took
}

fn tokio(listeners: usize, events: usize) -> f64 {
    let (sender, first) = tokio::sync::broadcast::channel(16);
    let mut receivers: Vec<_> = (1..listeners).map(|_| sender.subscribe()).collect();
    receivers.push(first);
    let mut counter = 0;
    let took = time(events, || {
        sender.send(black_box(1_u64)).ok();
        for receiver in &mut receivers {
            counter += receiver.try_recv().unwrap_or(0);
        }
    });
    assert_eq!(counter as usize, listeners * events);
    took
}

fn async_broadcast(listeners: usize, events: usize) -> f64 {
    let (sender, first) = async_broadcast::broadcast(16);
    let mut receivers: Vec<_> = (1..listeners).map(|_| sender.new_receiver()).collect();
    receivers.push(first);
    let mut counter = 0;
    let took = time(events, || {
        sender.try_broadcast(black_box(1_u64)).ok();
        for receiver in &mut receivers {
            counter += receiver.try_recv().unwrap_or(0);
        }
    });
    assert_eq!(counter as usize, listeners * events);
    took
}
