//! The kinds of work, each with its rows.

mod durable;
mod ephemeral;
mod memory;
mod resume;
mod trust;
mod wildcard;

use std::time::Instant;

use anyhow::Result;
use bus_benches::{Compared, Row};

use crate::load::Load;
use crate::machine::Cores;
use crate::server::{Kind, Programs, Server};

/// The payload of each event.
pub const PAYLOAD: [u8; 128] = [b'x'; 128];

/// Shared by all kinds of work.
pub struct Bench<'p> {
    pub programs: &'p Programs,
    pub cores: Cores,
}

/// Measures one kind of work and prints its rows.
type Rows = fn(&Bench<'_>) -> Result<()>;

/// Prints all rows.
pub fn run(programs: &Programs) -> Result<()> {
    let cores = Cores::choose()?;
    // This process stays on its core from here on.
    cores.on_the_servers(|| Ok(()))?;
    let bench = Bench { programs, cores };
    let peers: [(&str, Rows); 9] = [
        ("one in flight", ephemeral::one_in_flight),
        ("fan-out", ephemeral::fan_out),
        ("many to one", ephemeral::many_to_one),
        ("durable", durable::rows),
        ("resume", resume::rows),
        ("idle", memory::idle),
        ("stalled", memory::stalled),
        ("few stalled", memory::few_stalled),
        ("wildcard", wildcard::rows),
    ];
    let trust: [(&str, Rows); 6] = [
        ("connect", trust::connect),
        ("identity", trust::identity),
        ("one in flight", trust::one_in_flight),
        ("fan-out", trust::fan_out),
        ("many to one", trust::many_to_one),
        ("durable", trust::durable),
    ];
    let works = if programs.trust { &trust[..] } else { &peers };
    for &(name, rows) in works {
        if programs.only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            rows(&bench)?;
        }
    }
    Ok(())
}

impl Bench<'_> {
    pub fn start(&self, kind: Kind) -> Result<Server> {
        Server::start(kind, self.programs, self.cores)
    }
}

/// Ours and a peer, and the bars for the ratios of CPU and time.
pub struct Beside {
    pub ours: Kind,
    pub peer: Kind,
    pub cpu: Option<f64>,
    pub wall: Option<f64>,
}

/// Without bars.
pub const fn beside(ours: Kind, peer: Kind) -> Beside {
    Beside { ours, peer, cpu: None, wall: None }
}

impl Beside {
    /// The name of the work with the peer.
    pub fn work(&self, work: &str) -> String {
        let is_json = matches!(self.ours, Kind::RelayJson | Kind::AccountsJson);
        let wire = if is_json { ", JSON" } else { "" };
        format!("{work}{wire}, beside {}", self.peer.name())
    }

    /// A row in nanoseconds of CPU.
    pub fn cpu_row(&self, work: &str, cpu: &Compared) -> Row {
        row("ns", work, cpu, self.cpu)
    }

    /// A row in nanoseconds of time.
    pub fn wall_row(&self, work: &str, wall: &Compared) -> Row {
        row("ns", work, wall, self.wall)
    }
}

/// A row with or without a bar.
pub fn row(unit: &'static str, work: &str, compared: &Compared, bar: Option<f64>) -> Row {
    match bar {
        Some(bar) => Row::at_most_in(unit, work, compared, bar),
        None => Row::shown_in(unit, work, compared),
    }
}

/// A server with its clients, ready to be measured repeatedly.
pub struct Ready {
    pub server: Server,
    pub load: Load,
}

/// Runs one round. Returns nanoseconds of CPU and of wall-clock time for each of the pieces of work.
pub fn measure(
    ready: &mut Ready,
    pieces: usize,
    work: impl FnOnce(&mut Load) -> Result<()>,
) -> Result<[f64; 2]> {
    let (cpu, wall) = (ready.server.cpu_time()?, Instant::now());
    work(&mut ready.load)?;
    let wall = wall.elapsed();
    let cpu = ready.server.cpu_time()?.saturating_sub(cpu);
    Ok([cpu.as_nanos() as f64 / pieces as f64, wall.as_nanos() as f64 / pieces as f64])
}
