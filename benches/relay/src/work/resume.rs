//! A client reconnects and reads the 1,000 events that it missed: from the connect to the last event.

use std::time::Instant;

use anyhow::Result;

use super::durable::{TOPIC, publish, publish_to};
use super::{Bench, Beside, PAYLOAD, Ready, beside, row};
use crate::load::Load;
use crate::rounds::compare;
use crate::server::Kind;

const MISSED: u64 = 1_000;
/// More events than the relay keeps in memory.
const SINCE: u64 = 10_000;

/// A server, and the position of the client before the missed events.
type Prepared = (Ready, (u64, u64));

pub fn rows(bench: &Bench<'_>) -> Result<()> {
    let pairs = [
        ("", Beside { wall: Some(1.0), ..beside(Kind::Relay, Kind::Nats) }, 0),
        (" that are in memory no more", beside(Kind::Relay, Kind::Nats), SINCE),
        ("", Beside { cpu: Some(1.2), ..beside(Kind::Relay, Kind::WseRecovery) }, 0),
        ("", beside(Kind::RelayJson, Kind::WseRecovery), 0),
    ];
    for (which, pair, since) in pairs.iter().filter(|(_, pair, _)| bench.programs.has(pair.peer)) {
        let mut ours = prepared(bench, pair.ours, *since)?;
        let mut peer = prepared(bench, pair.peer, *since)?;
        let rounds = bench.programs.rounds;
        let [cpu, wall] = compare(rounds, || round(&mut ours), || round(&mut peer))?;
        let work = pair.work(&format!("resume of 1,000 missed{which}"));
        row("ms", &format!("{work}: time"), &wall, pair.wall).print();
        row("ms", &format!("{work}: CPU"), &cpu, pair.cpu).print();
    }
    Ok(())
}

fn prepared(bench: &Bench<'_>, kind: Kind, since: u64) -> Result<Prepared> {
    let server = bench.start(kind)?;
    let mut load = Load::connect(&server, 1)?;
    let mut position = (0, 0);
    for _ in 0..2 {
        position = load.clients[0].seen.position;
        if kind == Kind::WseRecovery {
            published_inside(&mut load)?;
        } else {
            publish(&mut load, MISSED)?;
        }
    }
    publish_to(&mut load, "durable.other", since)?;
    let mut prepared = (Ready { server, load }, position);
    round(&mut prepared)?;
    Ok(prepared)
}

/// WSE sends positions only to subscribers.
fn published_inside(load: &mut Load) -> Result<()> {
    if load.clients[0].seen.events == 0 {
        load.clients[0].subscribe(TOPIC)?;
    }
    let all = load.clients[0].seen.events + MISSED;
    load.clients[0].burst(TOPIC, &PAYLOAD, true, MISSED);
    load.clients[0].flush()?;
    load.until("publish", |clients| clients[0].seen.events >= all)
}

/// The mean in milliseconds.
fn round((ready, position): &mut Prepared) -> Result<[f64; 2]> {
    const TIMES: usize = 10;
    let server = &ready.server;
    let mut loads = Vec::new();
    let (cpu, wall) = (server.cpu_time()?, Instant::now());
    for _ in 0..TIMES {
        let mut load = Load::connect(server, 1)?;
        load.clients[0].say(|wire, out| wire.resume(TOPIC, *position, out))?;
        load.until("resume", |clients| clients[0].seen.events >= MISSED)?;
        loads.push(load);
    }
    let (wall, cpu) = (wall.elapsed(), server.cpu_time()?.saturating_sub(cpu));
    Ok([cpu, wall].map(|time| time.as_secs_f64() * 1e3 / TIMES as f64))
}
