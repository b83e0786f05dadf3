//! What connections cost: idle ones, and ones whose clients have stopped reading.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use bus_benches::Row;

use super::durable::{TOPIC, publish};
use super::{Bench, PAYLOAD};
use crate::load::Load;
use crate::rounds::compare;
use crate::server::{Kind, Server};

/// 1,000 connections, each with a subscription, in a server that has just been started.
pub fn idle(bench: &Bench<'_>) -> Result<()> {
    let round = |kind| {
        let server = bench.start(kind)?;
        Ok([idle_cost(&server)?])
    };
    let rounds = bench.programs.rounds;
    let [bytes] = compare(rounds, || round(Kind::Relay), || round(Kind::Nats))?;
    Row::at_most_in("bytes", "an idle connection, beside nats-server's", &bytes, 0.6).print();
    Row::counted("an idle connection", "bytes", bytes.ours, 16_000.0).print();
    if bench.programs.socket_io.is_some() {
        let [bytes] = compare(rounds, || round(Kind::Relay), || round(Kind::SocketIo))?;
        Row::shown_in("bytes", "an idle connection, beside socket.io's", &bytes).print();
    }
    Ok(())
}

fn idle_cost(server: &Server) -> Result<f64> {
    const CONNECTIONS: usize = 1_000;
    // What the first connections bring with them is not theirs.
    let _first = connect(server, 10)?;
    settle();
    let before = server.memory()?;
    let _idle = connect(server, CONNECTIONS)?;
    settle();
    Ok(server.memory()?.saturating_sub(before) as f64 / CONNECTIONS as f64)
}

fn connect(server: &Server, connections: usize) -> Result<Load> {
    let mut load = Load::connect(server, connections)?;
    for client in &mut load.clients {
        client.subscribe(TOPIC)?;
    }
    Ok(load)
}

fn settle() {
    std::thread::sleep(Duration::from_millis(500));
}

/// Many subscribers stop reading for a minute while events go on, and then catch up.
pub fn stalled(bench: &Bench<'_>) -> Result<()> {
    const STALLED: usize = 100;
    const MINUTE: Duration = Duration::from_secs(60);
    let server = bench.start(Kind::Relay)?;
    let mut publisher = Load::connect(&server, 1)?;
    // What the store's cache and the newest events take, they take without a subscriber too: these fill
    // them.
    publish(&mut publisher, 500_000)?;
    // What that took for a moment is given back while little happens; it would hide what the subscribers cost.
    publish_for(&mut publisher, MINUTE / 2)?;
    let mut subscribers = connect(&server, STALLED)?;
    settle();
    let before = server.memory()?;
    let published = publish_for(&mut publisher, MINUTE)?;
    let cost = server.memory()?.saturating_sub(before) as f64 / STALLED as f64;
    let begin = Instant::now();
    subscribers
        .until("stalled", |clients| clients.iter().all(|client| client.seen.events >= published))?;
    if let Some(client) = subscribers.clients.iter().find(|one| one.seen.events != published) {
        bail!("{} events came to one that was sent {published}", client.seen.events);
    }
    eprintln!(
        "{STALLED} subscribers that had not read for a minute caught up with {published} events each in {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    let work = "a subscriber that has not read for a minute, and then catches up";
    Row::counted(work, "bytes", cost, 65_536.0).print();
    Ok(())
}

/// Publishes durable events at a steady pace, with few in flight; answers how many.
fn publish_for(load: &mut Load, time: Duration) -> Result<u64> {
    const PACE: Duration = Duration::from_millis(10);
    // So many that those who do not read are full long before the relay's first ping, which they would
    // leave without an answer.
    const EACH: u64 = 50;
    let (begin, before) = (Instant::now(), load.clients[0].seen.acks);
    let mut sent = 0;
    while begin.elapsed() < time {
        for _ in 0..EACH {
            load.clients[0].publish(TOPIC, &PAYLOAD, true);
        }
        sent += EACH;
        load.clients[0].flush()?;
        let all = before + sent;
        load.until("publish", |clients| clients[0].seen.acks >= all)?;
        std::thread::sleep(PACE);
    }
    Ok(sent)
}
