//! Durable publishes, 256 in flight. The relay acks after the fsync, JetStream before it.

use std::fs::File;
use std::io::Write;
use std::time::Instant;

use anyhow::Result;
use bus_benches::Row;

use super::{Bench, PAYLOAD, Ready, measure};
use crate::load::Load;
use crate::rounds::compare;
use crate::server::Kind;

pub const TOPIC: &str = "durable.topic";
const IN_FLIGHT: u64 = 256;

pub fn rows(bench: &Bench<'_>) -> Result<()> {
    const EVENTS: u64 = 20_000;
    let ready = |kind| {
        let server = bench.start(kind)?;
        let mut ready = Ready { load: Load::connect(&server, 1)?, server };
        publish(&mut ready.load, EVENTS)?;
        anyhow::Ok(ready)
    };
    let (mut ours, mut nats) = (ready(Kind::Relay)?, ready(Kind::Nats)?);
    let mut disk = Disk::new(bench)?;
    let round = |ready: &mut Ready| {
        let [cpu, wall] = measure(ready, EVENTS as usize, |load| publish(load, EVENTS))?;
        anyhow::Ok([cpu, 1e9 / wall])
    };
    let [cpu, rate, of_bar, synced] = compare(
        bench.programs.rounds,
        || {
            let [cpu, rate] = round(&mut ours)?;
            Ok([cpu, rate, rate, rate])
        },
        || {
            let [cpu, rate] = round(&mut nats)?;
            let synced = disk.rate()?;
            Ok([cpu, rate, rate.min(synced), synced])
        },
    )?;
    let work = "durable, 256 in flight, acked after fsync";
    let smaller = format!("{work}, beside the smaller of the next two");
    Row::at_least_in("/s", &smaller, &of_bar, 0.6).print();
    Row::shown_in("/s", &format!("{work}, beside JetStream on file"), &rate).print();
    Row::shown_in("/s", &format!("{work}, beside 256 per fsync"), &synced).print();
    Row::shown_in("ns", &format!("{work}, beside JetStream: CPU per event"), &cpu).print();
    Ok(())
}

/// Publishes events and waits for their acks.
pub fn publish(load: &mut Load, events: u64) -> Result<()> {
    publish_to(load, TOPIC, events)
}

/// Like [`publish`], to another topic.
pub fn publish_to(load: &mut Load, topic: &str, events: u64) -> Result<()> {
    let (mut sent, before) = (0, load.clients[0].seen.acks);
    loop {
        let acked = load.clients[0].seen.acks - before;
        if acked == events {
            return Ok(());
        }
        let room = IN_FLIGHT.min(events - acked) - (sent - acked);
        for _ in 0..room {
            load.clients[0].publish(topic, &PAYLOAD, true);
        }
        if room > 0 {
            load.clients[0].flush()?;
            sent += room;
        }
        load.turn()?;
    }
}

/// A file to which the bytes of 256 events are appended and synced.
struct Disk {
    file: File,
    block: Vec<u8>,
}

impl Disk {
    fn new(bench: &Bench<'_>) -> Result<Self> {
        let file = tempfile::tempfile_in(&bench.programs.data)?;
        // An event takes about one and a half times its payload.
        Ok(Self { file, block: vec![1; IN_FLIGHT as usize * (PAYLOAD.len() * 3 / 2)] })
    }

    /// Events per second.
    fn rate(&mut self) -> Result<f64> {
        const SYNCS: u32 = 100;
        let begin = Instant::now();
        for _ in 0..SYNCS {
            self.file.write_all(&self.block)?;
            self.file.sync_data()?;
        }
        Ok(f64::from(SYNCS) * IN_FLIGHT as f64 / begin.elapsed().as_secs_f64())
    }
}
