//! Reads CPU time and memory of processes, and pins them to cores.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

/// The core of the servers and the core of the load generator.
#[derive(Clone, Copy)]
pub struct Cores {
    server: usize,
    load: usize,
}

impl Cores {
    /// Chooses the first two cores that this process may use.
    pub fn choose() -> Result<Self> {
        let allowed = sched_getaffinity(Pid::this())?;
        let mut cores = (0..CpuSet::count()).filter(|&core| allowed.is_set(core).unwrap_or(false));
        let two = cores.next().zip(cores.next());
        let (server, load) = two.context("two cores are needed: one each for server and load")?;
        Ok(Self { server, load })
    }

    /// Runs `start` on the servers' core. A process that it starts stays there.
    pub fn on_the_servers<T>(self, start: impl FnOnce() -> Result<T>) -> Result<T> {
        pin(self.server)?;
        let started = start();
        pin(self.load)?;
        started
    }
}

fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &set).context("the core cannot be chosen")
}

/// The CPU time of a process in user and kernel mode, including threads that have ended.
pub fn cpu_time(process: u32) -> Result<Duration> {
    let clock = clock_getcpuclockid(pid(process)?)?;
    Ok(ClockId::from_raw(clock.as_raw()).now()?.into())
}

/// The resident memory in bytes.
pub fn memory(process: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    Ok(kilobytes.context("the process's memory cannot be read")? * 1024)
}

/// The process id as system calls take it.
pub fn pid(process: u32) -> Result<Pid> {
    Ok(Pid::from_raw(i32::try_from(process).context("a process id is out of range")?))
}
