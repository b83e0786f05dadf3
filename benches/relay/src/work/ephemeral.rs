//! Ephemeral events: one in flight, one to many, many to one. Nothing may be lost on the way, so that
//! what is in flight stays below what a server keeps for a receiver.

use std::time::Instant;

use anyhow::Result;
use bus_benches::Row;

use super::{Bench, PAYLOAD, Ready, measure};
use crate::load::Load;
use crate::rounds::{compare, median, sorted};
use crate::server::{Kind, Server};

const TOPIC: &str = "bench.topic";
/// The most events between a publisher and its receivers.
const WINDOW: u64 = 512;

/// Publish to one subscriber, the next when it has come.
pub fn one_in_flight(bench: &Bench<'_>) -> Result<()> {
    const EVENTS: usize = 4_000;
    let round = |ready: &mut Ready| {
        let mut times = Vec::with_capacity(EVENTS);
        let [cpu, _] = measure(ready, EVENTS, |load| {
            for _ in 0..EVENTS {
                let (begin, expected) = (Instant::now(), load.clients[1].seen.events + 1);
                load.clients[0].publish(TOPIC, &PAYLOAD, false);
                load.clients[0].flush()?;
                while load.clients[1].seen.events < expected {
                    load.turn()?;
                }
                times.push(begin.elapsed().as_nanos() as f64 / 1e3);
            }
            Ok(())
        })?;
        Ok([cpu, median(&sorted(times.into_iter()))])
    };
    rows(bench, (1, 1), round, |[cpu, p50], peer| {
        let work = format!("ephemeral, one in flight, beside {peer}");
        let by_cpu = format!("{work}: CPU per message");
        if peer == NATS {
            Row::at_most_in("ns", &by_cpu, &cpu, 1.0).print();
        } else {
            Row::shown_in("ns", &by_cpu, &cpu).print();
        }
        Row::shown_in("us", &format!("{work}: p50"), &p50).print();
    })
}

/// One publisher, many subscribers.
pub fn fan_out(bench: &Bench<'_>) -> Result<()> {
    const SUBSCRIBERS: usize = 100;
    const EVENTS: u64 = 4_000;
    let round = |ready: &mut Ready| {
        measure(ready, EVENTS as usize * SUBSCRIBERS, |load| {
            let (mut sent, before) = (0, slowest(load));
            while slowest(load) - before < EVENTS {
                let room = WINDOW.saturating_sub(sent - (slowest(load) - before));
                // In bursts, so that the publisher is not what limits.
                if room >= WINDOW / 2 || sent == EVENTS {
                    for _ in 0..room.min(EVENTS - sent) {
                        load.clients[0].publish(TOPIC, &PAYLOAD, false);
                        sent += 1;
                    }
                    load.clients[0].flush()?;
                }
                load.turn()?;
            }
            Ok(())
        })
    };
    rows(bench, (1, SUBSCRIBERS), round, |[cpu, wall], peer| {
        let work = format!("ephemeral, 1 to {SUBSCRIBERS}, beside {peer}");
        let (by_cpu, by_wall) = (format!("{work}: CPU per delivery"), format!("{work}: time"));
        if peer == NATS {
            Row::at_most_in("ns", &by_cpu, &cpu, 0.9).print();
            Row::at_most_in("ns", &by_wall, &wall, 1.0).print();
        } else {
            Row::shown_in("ns", &by_cpu, &cpu).print();
            Row::shown_in("ns", &by_wall, &wall).print();
        }
    })
}

/// Many publishers, one subscriber; each event is a WebSocket message and a write of its own.
pub fn many_to_one(bench: &Bench<'_>) -> Result<()> {
    const PUBLISHERS: usize = 100;
    const EVENTS: u64 = 40_000;
    let round = |ready: &mut Ready| {
        measure(ready, EVENTS as usize, |load| {
            let (mut sent, before) = (0, load.clients[PUBLISHERS].seen.events);
            loop {
                let taken = load.clients[PUBLISHERS].seen.events - before;
                if taken >= EVENTS {
                    return Ok(());
                }
                if sent < EVENTS && sent - taken + PUBLISHERS as u64 <= WINDOW {
                    for publisher in &mut load.clients[..PUBLISHERS] {
                        publisher.publish(TOPIC, &PAYLOAD, false);
                        publisher.flush()?;
                    }
                    sent += PUBLISHERS as u64;
                } else {
                    load.turn()?;
                }
            }
        })
    };
    rows(bench, (PUBLISHERS, 1), round, |[cpu, wall], peer| {
        let work = format!("ephemeral, {PUBLISHERS} to 1, beside {peer}");
        let by_cpu = format!("{work}: CPU per message");
        if peer == NATS {
            Row::at_most_in("ns", &by_cpu, &cpu, 1.0).print();
        } else {
            Row::shown_in("ns", &by_cpu, &cpu).print();
        }
        Row::shown_in("ns", &format!("{work}: time"), &wall).print();
    })
}

const NATS: &str = "nats-server";

/// Ours beside each peer; publishers come first among the clients.
fn rows(
    bench: &Bench<'_>,
    (publishers, subscribers): (usize, usize),
    round: impl Fn(&mut Ready) -> Result<[f64; 2]>,
    print: impl Fn([bus_benches::Compared; 2], &str),
) -> Result<()> {
    let ready = |server: Server| {
        let mut load = Load::connect(&server, publishers + subscribers)?;
        for subscriber in &mut load.clients[publishers..] {
            subscriber.subscribe(TOPIC)?;
        }
        let mut ready = Ready { server, load };
        // The first round warms up.
        round(&mut ready)?;
        anyhow::Ok(ready)
    };
    let mut ours = ready(bench.start(Kind::Relay)?)?;
    let mut nats = ready(bench.start(Kind::Nats)?)?;
    let rounds = bench.programs.rounds;
    print(compare(rounds, || round(&mut ours), || round(&mut nats))?, NATS);
    drop(nats);
    if let Some(server) = bench.start_socket_io()? {
        let mut peer = ready(server)?;
        print(compare(rounds, || round(&mut ours), || round(&mut peer))?, "socket.io");
    }
    Ok(())
}

fn slowest(load: &Load) -> u64 {
    load.clients[1..].iter().map(|one| one.seen.events).min().unwrap_or(0)
}
