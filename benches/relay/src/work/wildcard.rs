//! Ephemeral events on 10,000 topics, each with one subscriber. It is found by the name of the topic, by the name next
//! to an unrelated wildcard, or by a wildcard.

use anyhow::Result;
use bus_benches::Row;

use super::{Bench, PAYLOAD, Ready, measure, row};
use crate::load::Load;
use crate::rounds::compare;
use crate::server::Kind;
use crate::wire::Mode;

const TOPICS: usize = 10_000;
/// The topics are spread over connections, since each may have only this many subscriptions.
const EACH: usize = 2_500;
const EVENTS: usize = 40_000;
const WINDOW: u64 = 512;

/// How the topics are subscribed to.
#[derive(Clone, Copy, PartialEq)]
enum Subscribed {
    /// Each topic by its name.
    Names,
    /// Each topic by its name, and a pattern that matches none of them.
    NamesAndWildcard,
    /// All topics by one pattern.
    Wildcard,
}

pub fn rows(bench: &Bench<'_>) -> Result<()> {
    use Subscribed::{Names, NamesAndWildcard, Wildcard};
    let inside = Kind::Wse(Mode::Inside);
    let pairs = [
        (
            "one wildcard beside 10,000 topics",
            (Kind::Relay, NamesAndWildcard),
            (Kind::Relay, Names),
            Some(1.1),
        ),
        (
            "one wildcard for 10,000 topics",
            (Kind::Relay, Wildcard),
            (Kind::Relay, Names),
            Some(1.1),
        ),
        (
            "WSE's one wildcard beside 10,000 topics",
            (inside, NamesAndWildcard),
            (inside, Names),
            None,
        ),
        (
            "one wildcard beside 10,000 topics",
            (Kind::Relay, NamesAndWildcard),
            (inside, NamesAndWildcard),
            None,
        ),
    ];
    for (work, ours, peer, bar) in pairs {
        if !bench.programs.has(peer.0) {
            continue;
        }
        let (mut one, mut other) = (ready(bench, ours)?, ready(bench, peer)?);
        let rounds = bench.programs.rounds;
        let [cpu, wall] = compare(rounds, || round(&mut one), || round(&mut other))?;
        let beside = if ours.0 == peer.0 { "names only" } else { peer.0.name() };
        row("ns", &format!("{work}, beside {beside}: CPU per event"), &cpu, bar).print();
        Row::shown_in("ns", &format!("{work}, beside {beside}: time"), &wall).print();
    }
    Ok(())
}

fn ready(bench: &Bench<'_>, (kind, subscribed): (Kind, Subscribed)) -> Result<Ready> {
    let server = bench.start(kind)?;
    let mut load = Load::connect(&server, 1 + TOPICS / EACH)?;
    if subscribed == Subscribed::Wildcard {
        load.clients[1].subscribe("w.*.x")?;
    } else {
        for (at, subscriber) in load.clients[1..].iter_mut().enumerate() {
            subscriber.subscribe_all((at * EACH..(at + 1) * EACH).map(topic))?;
        }
    }
    if subscribed == Subscribed::NamesAndWildcard {
        load.clients[1].subscribe("w.*.y")?;
    }
    let mut ready = Ready { server, load };
    // The first round warms up.
    round(&mut ready)?;
    Ok(ready)
}

fn topic(number: usize) -> String {
    format!("w.{number}.x")
}

fn round(ready: &mut Ready) -> Result<[f64; 2]> {
    measure(ready, EVENTS, |load| {
        let come = |load: &Load| load.clients[1..].iter().map(|one| one.seen.events).sum::<u64>();
        let (before, mut sent) = (come(load), 0);
        while come(load) - before < EVENTS as u64 {
            let flying = sent as u64 - (come(load) - before);
            if flying <= WINDOW / 2 && sent < EVENTS {
                let count = ((WINDOW - flying) as usize).min(EVENTS - sent);
                for number in sent..sent + count {
                    load.clients[0].publish(&topic(number % TOPICS), &PAYLOAD, false);
                }
                sent += count;
                load.clients[0].flush()?;
            }
            load.turn()?;
        }
        Ok(())
    })
}
