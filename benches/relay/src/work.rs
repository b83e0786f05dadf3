//! The rows of the table, one kind of work each.

mod durable;
mod ephemeral;
mod memory;
mod resume;

use std::time::Instant;

use anyhow::Result;

use crate::load::Load;
use crate::machine::Cores;
use crate::server::{Kind, Programs, Server};

/// What each event carries.
pub const PAYLOAD: [u8; 128] = [b'x'; 128];

/// What the kinds of work share.
pub struct Bench<'p> {
    pub programs: &'p Programs,
    pub cores: Cores,
}

/// Measures one kind of work and prints its rows.
type Rows = fn(&Bench<'_>) -> Result<()>;

/// Prints all rows.
pub fn run(programs: &Programs) -> Result<()> {
    let cores = Cores::choose()?;
    // From here on this process stays on its core.
    cores.on_the_servers(|| Ok(()))?;
    let bench = Bench { programs, cores };
    let works: [(&str, Rows); 7] = [
        ("one in flight", ephemeral::one_in_flight),
        ("fan-out", ephemeral::fan_out),
        ("many to one", ephemeral::many_to_one),
        ("durable", durable::rows),
        ("resume", resume::rows),
        ("idle", memory::idle),
        ("stalled", memory::stalled),
    ];
    for (name, rows) in works {
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

    /// A peer without a bar, if it is installed.
    pub fn start_socket_io(&self) -> Result<Option<Server>> {
        self.programs.socket_io.is_some().then(|| self.start(Kind::SocketIo)).transpose()
    }
}

/// A server with its clients, ready to be measured again and again.
pub struct Ready {
    pub server: Server,
    pub load: Load,
}

/// One round: nanoseconds of the server's CPU and of the wall for one of so many pieces of work.
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
