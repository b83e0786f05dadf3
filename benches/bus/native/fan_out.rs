//! Publishing by handle, compared with a bare loop over closures and with broadcast channels.

use std::hint::black_box;

use bus_benches::fan_out::{bare, ours};
use bus_benches::{Row, time};

use crate::side_by_side::SideBySide;

pub fn rows(bench: &mut SideBySide) {
    for listeners in [1, 10, 100] {
        let ours = |events| ours(listeners, events);
        if listeners == 1 {
            let work = "publish by handle to 1, beside the bare call";
            let compared = bench.compare(work, ours, |events| bare(1, events));
            Row::at_most_over(work, &compared, 12.0).print();
        } else {
            let work = format!("publish by handle to {listeners}, beside a bare loop");
            let compared = bench.compare(&work, ours, |events| bare(listeners, events));
            Row::at_most(&work, &compared, 2.0).print();
        }
        let work = format!("to {listeners}, beside tokio::sync::broadcast");
        let compared = bench.compare(&work, ours, |events| tokio(listeners, events));
        Row::at_most(&work, &compared, 1.0).print();
        let work = format!("to {listeners}, beside async-broadcast");
        let compared = bench.compare(&work, ours, |events| async_broadcast(listeners, events));
        Row::at_most(&work, &compared, 1.0).print();
    }
}

fn tokio(listeners: u64, events: u64) -> f64 {
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
    assert_eq!(counter, listeners * events);
    took
}

fn async_broadcast(listeners: u64, events: u64) -> f64 {
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
    assert_eq!(counter, listeners * events);
    took
}
