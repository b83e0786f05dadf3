//! How long the first page of a query takes that scans a large log: a million topics with one event each.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use bus_benches::Row;
use session::{FromClient, FromPeer, History, Start, Stream};

use crate::machine::Cores;
use crate::measure::Running;
use crate::socket::{Client, publish, subscribe};

const TOPICS: u64 = 1_000_000;
const IN_FLIGHT: u64 = 256;
const TIMES: u32 = 20;
/// In milliseconds.
const MAX_MS: f64 = 50.0;

pub fn rows(relay: &Path, data: &Path, cores: Cores) -> Result<()> {
    let data = tempfile::TempDir::new_in(data)?;
    // One client fills the log.
    let options = ["--raise-limits", "1000"];
    let (_relay, address) = Running::relay(relay, data.path(), &options, cores)?;
    let mut client = Client::welcomed(address, 10, 1)?;
    fill(&mut client)?;
    let mut id = 1;
    for (work, look) in [
        ("the first event of the last 2^64-1", last as fn(&mut Client, u32) -> Result<()>),
        ("the first page of history over a million topics", page),
    ] {
        let mut slowest = 0_f64;
        for number in 0..TIMES {
            id += 1;
            let mut reader = Client::welcomed(address, 11, id)?;
            let began = Instant::now();
            look(&mut reader, number)?;
            slowest = slowest.max(began.elapsed().as_secs_f64() * 1e3);
        }
        Row::counted(&format!("{work}: slowest of {TIMES}"), "ms", slowest, MAX_MS).print();
    }
    Ok(())
}

fn fill(client: &mut Client) -> Result<()> {
    let (mut sent, mut acked) = (0, 0);
    while acked < TOPICS {
        let until = (acked + IN_FLIGHT).min(TOPICS);
        let frames: Vec<_> = (sent..until)
            .map(|at| publish(Some(at + 1), &format!("many.{}.{at}", at % 1_000), 16))
            .collect();
        client.say(&frames)?;
        sent = until;
        while acked < sent {
            match client.frame()? {
                FromPeer::Ack(_) => acked += 1,
                other => bail!("expected an ack, got {other:?}"),
            }
        }
    }
    Ok(())
}

fn last(reader: &mut Client, number: u32) -> Result<()> {
    reader.say(&[subscribe(number, "many.*.7", Start::Last(u64::MAX))])?;
    loop {
        match reader.frame()? {
            FromPeer::Event(_) => return Ok(()),
            FromPeer::Subscribed(_) => {}
            other => bail!("expected an event, got {other:?}"),
        }
    }
}

fn page(reader: &mut Client, number: u32) -> Result<()> {
    let (pattern, stream) = ("many.>".to_owned(), Stream::MAIN);
    let history = History { request: number, pattern, before: None, limit: u32::MAX, stream };
    reader.say(&[FromClient::History(history)])?;
    match reader.frame()? {
        FromPeer::Page(page) if !page.entries.is_empty() => Ok(()),
        other => bail!("expected a page, got {other:?}"),
    }
}
