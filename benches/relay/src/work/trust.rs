//! What accounts cost: the relay with accounts beside the relay without.

use anyhow::{Context, Result};
use bus_benches::Row;
use session::json::{EventPosition, event};
use session::{Body, Stream};
use topic::Topic;

use super::durable::publish;
use super::ephemeral::{fan_out_of, many_to_one_of, one_in_flight_of};
use super::{Bench, Beside, Ready, beside, measure};
use crate::client::Client;
use crate::load::Load;
use crate::rounds::compare;
use crate::server::Kind::{Accounts, AccountsJson, Relay, RelayJson};
use crate::server::{Kind, Server};

/// The bar for the ratio of CPU with accounts to CPU without.
const CPU: f64 = 1.05;
/// The bar for connects with a token and, but for JSON, the proof of a key, in milliseconds of CPU.
const CONNECT: f64 = 0.3;
/// The bar for the check of rights, in nanoseconds of CPU.
const RIGHTS: f64 = 1_000.0;
/// The bar for the attributes of identity, in bytes.
const IDENTITY: f64 = 45.0;

/// Clients connect at the same time. Measures everything from the TCP connection to the answer to the hello, with the
/// checks of the token and of the proof. Clients that reconnect sign in with a token that the relay has verified
/// before, and so do these. Only in one row does each client have a token of its own.
pub fn connect(bench: &Bench<'_>) -> Result<()> {
    const CLIENTS: usize = 64;
    const TIMES: usize = 8;
    type Greet = fn(&Server) -> Result<Client>;
    let all = |server: &Server, greet: Greet| {
        for _ in 0..TIMES {
            let clients: Result<Vec<Client>> = (0..CLIENTS).map(|_| greet(server)).collect();
            for mut client in clients? {
                client.settle(|seen| seen.ready >= 1)?;
            }
        }
        anyhow::Ok(())
    };
    let round = |server: &Server, greet: Greet| {
        let before = server.cpu_time()?;
        all(server, greet)?;
        let cpu = server.cpu_time()?.saturating_sub(before);
        anyhow::Ok([cpu.as_secs_f64() * 1e3 / (CLIENTS * TIMES) as f64])
    };
    let (same, fresh): (Greet, Greet) = (Server::greet, Server::greet_with_fresh_token);
    for (shown, with, without, greet, bar) in [
        ("a token and a proof", Accounts, Relay, same, Some(CONNECT)),
        ("a token, JSON", AccountsJson, RelayJson, same, Some(CONNECT)),
        ("a token of its own and a proof", Accounts, Relay, fresh, None),
    ] {
        let [with, without] = [bench.start(with)?, bench.start(without)?];
        all(&with, greet)?;
        all(&without, same)?;
        let rounds = bench.programs.rounds;
        let [cpu] = compare(rounds, || round(&with, greet), || round(&without, same))?;
        let work = format!("connect with {shown}: CPU");
        if let Some(bar) = bar {
            Row::counted(&work, "ms", cpu.ours, bar).print();
        }
        Row::shown_in("ms", &format!("{work}, beside none"), &cpu).print();
    }
    Ok(())
}

/// The bytes of the attributes that say whose an event is.
pub fn identity(_: &Bench<'_>) -> Result<()> {
    let source = format!("/clients/{:032x}", 7);
    let guests = Body { id: "e".to_owned(), source, ..Body::default() };
    let account = Body { authid: Some("ann".to_owned()), ..guests.clone() };
    let bytes = account.encode().len() - guests.encode().len();
    Row::counted("identity: bytes of an event", "bytes", bytes as f64, IDENTITY).print();
    let position = EventPosition { stream: &Stream::MAIN, epoch: 7, offset: 7, previous: None };
    let topic = Topic::parse("chat.lobby.TEXT_MESSAGE")?;
    let text = event(&topic, &account, Some(position));
    let begin = text.find("\"authtype\"").context("an event has no `authtype`")?;
    let name = "\"ann\",";
    let end = text[begin..].find(name).context("an event has no `authid`")? + name.len();
    Row::counted("identity: bytes of an event, JSON", "bytes", end as f64, IDENTITY).print();
    Ok(())
}

/// The relay with accounts beside the one without, on both wires.
const PAIRS: [Beside; 2] = [
    Beside { cpu: Some(CPU), ..beside(Accounts, Relay) },
    Beside { cpu: Some(CPU), ..beside(AccountsJson, RelayJson) },
];

/// Ephemeral events, the next one when the last one has arrived.
pub fn one_in_flight(bench: &Bench<'_>) -> Result<()> {
    one_in_flight_of(bench, &PAIRS)
}

/// Ephemeral events from one publisher to many subscribers.
pub fn fan_out(bench: &Bench<'_>) -> Result<()> {
    fan_out_of(bench, &PAIRS)
}

/// Ephemeral events from many publishers to one subscriber. Each event is a message of its own, so the extra cost is
/// that of checking the rights and adding the identity.
pub fn many_to_one(bench: &Bench<'_>) -> Result<()> {
    many_to_one_of(bench, &PAIRS, |pair, work, [cpu, _]| {
        pair.cpu_row(&format!("{work}: CPU per message"), &cpu).print();
        Row::at_most_over(&format!("{work}: rights of a publish"), &cpu, RIGHTS).print();
    })
}

/// Durable events, 256 in flight.
pub fn durable(bench: &Bench<'_>) -> Result<()> {
    const EVENTS: u64 = 20_000;
    let ready = |kind: Kind| {
        let server = bench.start(kind)?;
        let mut ready = Ready { load: Load::connect(&server, 1)?, server };
        publish(&mut ready.load, EVENTS)?;
        anyhow::Ok(ready)
    };
    let round = |ready: &mut Ready| measure(ready, EVENTS as usize, |load| publish(load, EVENTS));
    let pair = Beside { cpu: Some(CPU), ..beside(Accounts, Relay) };
    let (mut with, mut without) = (ready(pair.ours)?, ready(pair.peer)?);
    let [cpu, wall] = compare(bench.programs.rounds, || round(&mut with), || round(&mut without))?;
    let work = pair.work("durable, 256 in flight");
    pair.cpu_row(&format!("{work}: CPU per event"), &cpu).print();
    pair.wall_row(&format!("{work}: time"), &wall).print();
    Ok(())
}
