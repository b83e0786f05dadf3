//! Ephemeral events: one in flight, one to many, many to one. Nothing may be lost, so there are never more in flight
//! than a server keeps for a receiver.

use std::time::Instant;

use anyhow::Result;
use bus_benches::{Compared, Row, median, sorted};

use super::{Bench, Beside, PAYLOAD, Ready, beside, measure};
use crate::load::Load;
use crate::rounds::compare;
use crate::server::Kind::{Nats, Relay, RelayJson, SocketIo, Wse, WseRecovery};
use crate::server::{Kind, Server};
use crate::wire::Mode::{Inside, Json, Raw};

const TOPIC: &str = "bench.topic";
/// The most events between a publisher and its receivers.
const WINDOW: u64 = 512;

/// Publishes to one subscriber, the next event when the last one has arrived.
pub fn one_in_flight(bench: &Bench<'_>) -> Result<()> {
    one_in_flight_of(
        bench,
        &[
            Beside { cpu: Some(1.0), ..beside(Relay, Nats) },
            beside(Relay, SocketIo),
            beside(Relay, Wse(Raw)),
            beside(Relay, Wse(Json)),
            beside(RelayJson, Wse(Raw)),
            beside(RelayJson, Wse(Json)),
        ],
    )
}

/// The same with these servers.
pub fn one_in_flight_of(bench: &Bench<'_>, pairs: &[Beside]) -> Result<()> {
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
        let times = sorted(times.into_iter());
        Ok([cpu, median(&times), times[times.len() * 99 / 100]])
    };
    rows(bench, pairs, (1, 1), round, |pair, [cpu, p50, p99]| {
        let work = pair.work("ephemeral, one in flight");
        pair.cpu_row(&format!("{work}: CPU per message"), &cpu).print();
        Row::shown_in("us", &format!("{work}: p50"), &p50).print();
        Row::shown_in("us", &format!("{work}: p99"), &p99).print();
    })
}

/// One publisher, many subscribers.
pub fn fan_out(bench: &Bench<'_>) -> Result<()> {
    fan_out_of(
        bench,
        &[
            Beside { cpu: Some(0.9), wall: Some(1.0), ..beside(Relay, Nats) },
            beside(Relay, SocketIo),
            Beside { cpu: Some(0.9), ..beside(Relay, Wse(Inside)) },
            beside(Relay, Wse(Raw)),
            beside(Relay, Wse(Json)),
            beside(Relay, WseRecovery),
            Beside { cpu: Some(1.5), ..beside(RelayJson, Wse(Inside)) },
            beside(RelayJson, Wse(Raw)),
            beside(RelayJson, Wse(Json)),
            Beside { cpu: Some(1.3), ..beside(RelayJson, Relay) },
        ],
    )
}

/// The same with these servers.
pub fn fan_out_of(bench: &Bench<'_>, pairs: &[Beside]) -> Result<()> {
    const SUBSCRIBERS: usize = 100;
    const EVENTS: u64 = 4_000;
    let round = |ready: &mut Ready| {
        measure(ready, EVENTS as usize * SUBSCRIBERS, |load| {
            let (mut sent, before) = (0, slowest(load));
            while slowest(load) - before < EVENTS {
                let room = WINDOW.saturating_sub(sent - (slowest(load) - before));
                // In bursts, so that the publisher is not the bottleneck.
                if room >= WINDOW / 2 || sent == EVENTS {
                    let count = room.min(EVENTS - sent);
                    if count > 0 {
                        load.clients[0].burst(TOPIC, &PAYLOAD, false, count);
                        sent += count;
                    }
                    load.clients[0].flush()?;
                }
                load.turn()?;
            }
            Ok(())
        })
    };
    rows(bench, pairs, (1, SUBSCRIBERS), round, |pair, [cpu, wall]| {
        let work = pair.work(&format!("ephemeral, 1 to {SUBSCRIBERS}"));
        pair.cpu_row(&format!("{work}: CPU per delivery"), &cpu).print();
        pair.wall_row(&format!("{work}: time"), &wall).print();
    })
}

/// Many publishers, one subscriber. Each event is a WebSocket message with a write of its own.
pub fn many_to_one(bench: &Bench<'_>) -> Result<()> {
    let pairs = [
        Beside { cpu: Some(1.0), ..beside(Relay, Nats) },
        beside(Relay, SocketIo),
        beside(Relay, Wse(Raw)),
        beside(Relay, Wse(Json)),
        Beside { cpu: Some(1.0), ..beside(RelayJson, Wse(Raw)) },
        beside(RelayJson, Wse(Json)),
    ];
    many_to_one_of(bench, &pairs, |pair, work, [cpu, wall]| {
        pair.cpu_row(&format!("{work}: CPU per message"), &cpu).print();
        pair.wall_row(&format!("{work}: time"), &wall).print();
    })
}

/// The same with these servers. `print` gets the name of the work, and CPU and time.
pub fn many_to_one_of(
    bench: &Bench<'_>,
    pairs: &[Beside],
    print: impl Fn(&Beside, &str, [Compared; 2]),
) -> Result<()> {
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
    rows(bench, pairs, (PUBLISHERS, 1), round, |pair, compared| {
        print(pair, &pair.work(&format!("ephemeral, {PUBLISHERS} to 1")), compared);
    })
}

/// Compares ours with each peer. The publishers are the first of the clients.
fn rows<const N: usize>(
    bench: &Bench<'_>,
    pairs: &[Beside],
    (publishers, subscribers): (usize, usize),
    round: impl Fn(&mut Ready) -> Result<[f64; N]>,
    print: impl Fn(&Beside, [Compared; N]),
) -> Result<()> {
    let ready = |kind: Kind| {
        let server: Server = bench.start(kind)?;
        let mut load = Load::connect(&server, publishers + subscribers)?;
        for subscriber in &mut load.clients[publishers..] {
            subscriber.subscribe(TOPIC)?;
        }
        let mut ready = Ready { server, load };
        // The first round warms up.
        round(&mut ready)?;
        anyhow::Ok(ready)
    };
    for pair in pairs.iter().filter(|pair| bench.programs.has(pair.peer)) {
        let (mut ours, mut peer) = (ready(pair.ours)?, ready(pair.peer)?);
        print(pair, compare(bench.programs.rounds, || round(&mut ours), || round(&mut peer))?);
    }
    Ok(())
}

fn slowest(load: &Load) -> u64 {
    load.clients[1..].iter().map(|one| one.seen.events).min().unwrap_or(0)
}
