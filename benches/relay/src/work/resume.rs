//! A client comes back and reads the 1,000 events that it has missed: from the connect to the last event.

use anyhow::Result;
use bus_benches::Row;

use super::durable::{TOPIC, publish};
use super::{Bench, Ready};
use crate::load::Load;
use crate::rounds::compare;
use crate::server::Kind;

const MISSED: u64 = 1_000;

pub fn rows(bench: &Bench<'_>) -> Result<()> {
    let ready = |kind| {
        let server = bench.start(kind)?;
        let mut load = Load::connect(&server, 1)?;
        publish(&mut load, MISSED)?;
        let position = load.clients[0].seen.position;
        publish(&mut load, MISSED)?;
        let mut ready = (Ready { server, load }, position);
        round(&mut ready)?;
        anyhow::Ok(ready)
    };
    let (mut ours, mut nats) = (ready(Kind::Relay)?, ready(Kind::Nats)?);
    let [cpu, wall] = compare(bench.programs.rounds, || round(&mut ours), || round(&mut nats))?;
    let work = "resume of 1,000 missed, beside nats-server's ordered consumer";
    Row::at_most_in("ms", &format!("{work}: time"), &wall, 1.0).print();
    Row::shown_in("ms", &format!("{work}: CPU"), &cpu).print();
    Ok(())
}

/// The mean of some, in milliseconds.
fn round((ready, position): &mut (Ready, (u64, u64))) -> Result<[f64; 2]> {
    const TIMES: usize = 10;
    let server = &ready.server;
    let mut loads = Vec::new();
    let (cpu, wall) = (server.cpu_time()?, std::time::Instant::now());
    for _ in 0..TIMES {
        let mut load = Load::connect(server, 1)?;
        load.clients[0].say(|wire, out| wire.resume(TOPIC, *position, out))?;
        load.until("resume", |clients| clients[0].seen.events >= MISSED)?;
        loads.push(load);
    }
    let (wall, cpu) = (wall.elapsed(), server.cpu_time()?.saturating_sub(cpu));
    Ok([cpu, wall].map(|time| time.as_secs_f64() * 1e3 / TIMES as f64))
}
