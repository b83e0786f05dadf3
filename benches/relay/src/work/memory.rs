//! The memory of connections: idle ones, and ones whose clients have stopped reading.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use bus_benches::{Compared, Row};

use super::durable::{TOPIC, publish};
use super::{Bench, PAYLOAD};
use crate::load::Load;
use crate::rounds::compare;
use crate::server::{Kind, Server};
use crate::wire::Mode;

/// 1,000 connections with one subscription each, in a freshly started server.
pub fn idle(bench: &Bench<'_>) -> Result<()> {
    let round = |kind| {
        let server = bench.start(kind)?;
        Ok([idle_cost(&server)?])
    };
    let rounds = bench.programs.rounds;
    if bench.programs.has(Kind::Nats) {
        let [bytes] = compare(rounds, || round(Kind::Relay), || round(Kind::Nats))?;
        Row::at_most_in("bytes", "an idle connection, beside nats-server's", &bytes, 0.6).print();
        Row::counted("an idle connection", "bytes", bytes.ours, 16_000.0).print();
    }
    let others = [
        (Kind::Relay, Kind::SocketIo, "beside socket.io's"),
        (Kind::Relay, Kind::Wse(Mode::Raw), "beside WSE's"),
        (Kind::Relay, Kind::WseRecovery, "beside WSE's with recovery"),
        (Kind::RelayJson, Kind::Wse(Mode::Raw), "JSON, beside WSE's"),
    ];
    for (ours, peer, beside) in others {
        if bench.programs.has(peer) {
            let [bytes] = compare(rounds, || round(ours), || round(peer))?;
            Row::shown_in("bytes", &format!("an idle connection, {beside}"), &bytes).print();
        }
    }
    Ok(())
}

fn idle_cost(server: &Server) -> Result<f64> {
    const CONNECTIONS: usize = 1_000;
    // Memory that the first connections allocate for all is not counted.
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
    let (server, mut publisher) = filled(bench)?;
    let mut subscribers = connect(&server, STALLED)?;
    settle();
    let before = server.memory()?;
    let published = publish_for(&mut publisher, MINUTE)?;
    let cost = server.memory()?.saturating_sub(before) as f64 / STALLED as f64;
    let begin = Instant::now();
    subscribers
        .until("stalled", |clients| clients.iter().all(|client| client.seen.events >= published))?;
    if let Some(client) = subscribers.clients.iter().find(|one| one.seen.events != published) {
        bail!("a subscriber received {} of {published} events", client.seen.events);
    }
    eprintln!(
        "{STALLED} subscribers that had not read for a minute caught up with {published} events each in {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    let work = "a subscriber that has not read for a minute, and then catches up";
    Row::counted(work, "bytes", cost, 65_536.0).print();
    Ok(())
}

/// A relay with a publisher that has filled the caches that the relay fills even without subscribers.
fn filled(bench: &Bench<'_>) -> Result<(Server, Load)> {
    let server = bench.start(Kind::Relay)?;
    let mut publisher = Load::connect(&server, 1)?;
    // The cache of the store, and the newest events.
    publish(&mut publisher, 500_000)?;
    // The allocator returns temporary memory while little happens. Otherwise it would hide the cost of the subscribers.
    publish_for(&mut publisher, Duration::from_secs(30))?;
    Ok((server, publisher))
}

/// A few subscribers read nothing during very many events, and then read all that is left for them.
pub fn few_stalled(bench: &Bench<'_>) -> Result<()> {
    const STALLED: usize = 10;
    const EVENTS: u64 = 200_000;
    let work = format!("one of {STALLED} subscribers that do not read while 200,000 events go on");
    let lost = format!("{work}: events lost");
    let (server, mut publisher) = filled(bench)?;
    let mut subscribers = connect(&server, STALLED)?;
    settle();
    let before = server.memory()?;
    publish_paced(&mut publisher, EVENTS)?;
    let cost = server.memory()?.saturating_sub(before) as f64 / STALLED as f64;
    let missing = missing(&mut subscribers, EVENTS)?;
    Row::counted(&work, "bytes", cost, 65_536.0).print();
    Row::counted(&lost, "events", missing, 0.0).print();
    drop(server);

    if bench.programs.has(Kind::Wse(Mode::Inside)) {
        let server = bench.start(Kind::Wse(Mode::Inside))?;
        let mut publisher = Load::connect(&server, 1)?;
        let mut subscribers = connect(&server, STALLED)?;
        settle();
        let before = server.memory()?;
        for _ in 0..EVENTS / EACH {
            publisher.clients[0].burst(TOPIC, &PAYLOAD, true, EACH);
            publisher.clients[0].flush()?;
            std::thread::sleep(PACE);
        }
        settle();
        let theirs = server.memory()?.saturating_sub(before) as f64 / STALLED as f64;
        let theirs_missing = self::missing(&mut subscribers, EVENTS)?;
        let row = |unit, work: &str, ours: f64, peer: f64| {
            let ratio = ours / peer;
            let compared = Compared { ours, peer, ratio, low: ratio, high: ratio };
            Row::shown_in(unit, &format!("{work}, beside WSE's"), &compared).print();
        };
        row("bytes", &work, cost, theirs);
        row("events", &lost, missing, theirs_missing);
    }
    Ok(())
}

/// Reads until all subscribers have everything or nothing more arrives. Returns how many events a subscriber misses on
/// average.
fn missing(subscribers: &mut Load, events: u64) -> Result<f64> {
    const NOTHING: Duration = Duration::from_secs(5);
    let wanted = events * subscribers.clients.len() as u64;
    let (mut seen, mut last) = (0, Instant::now());
    while seen < wanted && last.elapsed() < NOTHING {
        // A server may disconnect subscribers that do not read.
        if subscribers.turn_within(Duration::from_millis(100)).is_err() {
            break;
        }
        let now = subscribers.clients.iter().map(|client| client.seen.events).sum();
        if now != seen {
            (seen, last) = (now, Instant::now());
        }
    }
    Ok(wanted.saturating_sub(seen) as f64 / subscribers.clients.len() as f64)
}

/// The time between two bursts.
const PACE: Duration = Duration::from_millis(10);
/// The events of a burst: enough to fill subscribers that do not read long before the relay's first ping, which they
// would not answer.
const EACH: u64 = 50;

/// Publishes durable events at a steady pace, with few in flight. Returns how many.
fn publish_for(load: &mut Load, time: Duration) -> Result<u64> {
    let begin = Instant::now();
    let mut sent = 0;
    while begin.elapsed() < time {
        publish_paced(load, EACH)?;
        sent += EACH;
    }
    Ok(sent)
}

/// Publishes a number of durable events at that pace.
fn publish_paced(load: &mut Load, events: u64) -> Result<()> {
    for _ in 0..events / EACH {
        publish(load, EACH)?;
        std::thread::sleep(PACE);
    }
    Ok(())
}
