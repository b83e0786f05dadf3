//! Starts the relay for each attack, and prints what the other clients noticed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use bus_benches::Row;
use clap::{Parser, ValueEnum};

use crate::attack::Attack;
use crate::lookups;
use crate::machine::{self, Cores};
use crate::victims::{Seen, Victims};

const WARM_UP: Duration = Duration::from_secs(2);
/// In milliseconds.
const EPHEMERAL: f64 = 20.0;
const DURABLE: f64 = 100.0;
/// In bytes, and per connection of the attacker.
const MEMORY: u64 = 64 << 20;
const CONNECTION: u64 = 100 << 10;

/// The command line.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// The relay
    #[arg(long)]
    relay: PathBuf,
    /// The folder for the relay's store; on a disk, not in memory
    #[arg(long, default_value = ".")]
    data: PathBuf,
    /// How long each attack lasts, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Run only these attacks
    #[arg(long, value_enum)]
    only: Vec<Attack>,
    /// Only attack this address, without measuring
    #[arg(long, requires = "only")]
    attack: Option<SocketAddr>,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments { relay, data, seconds, only, attack } = arguments;
    if let (Some(address), Some(attack)) = (attack, only.first()) {
        return attack.run(address);
    }
    let cores = Cores::choose()?;
    for &attack in Attack::value_variants() {
        if only.is_empty() || only.contains(&attack) {
            one(attack, &relay, &data, cores, Duration::from_secs(seconds))?;
        }
    }
    if only.is_empty() || only.contains(&Attack::History) {
        lookups::rows(&relay, &data, cores)?;
    }
    Ok(())
}

/// A process that is killed on drop.
pub struct Running(Child);

impl Running {
    /// Starts the relay on its core. Also returns its address.
    pub fn relay(
        program: &Path,
        data: &Path,
        options: &[&str],
        cores: Cores,
    ) -> Result<(Self, SocketAddr)> {
        let mut relay = Command::new(program);
        relay.args(["--listen", "127.0.0.1:0", "--data"]).arg(data).args(options);
        relay.env("RUST_LOG", "error").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut relay = Self(cores.on_the_servers(|| Ok(relay.spawn()?))?);
        let mut line = String::new();
        BufReader::new(relay.0.stdout.take().context("the relay has no output")?)
            .read_line(&mut line)?;
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .context("the relay printed no address")?;
        Ok((relay, address.parse()?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn one(attack: Attack, program: &Path, data: &Path, cores: Cores, time: Duration) -> Result<()> {
    let data = tempfile::TempDir::new_in(data)?;
    let (relay, address) = Running::relay(program, data.path(), &[], cores)?;
    let mut victims = Victims::connect(address)?;
    victims.run(WARM_UP);
    let before = machine::memory(relay.0.id())?;
    let name = attack.to_possible_value().context("an attack has no name")?.get_name().to_owned();
    let mut attacker = Command::new("nice");
    attacker.arg("-n").arg("19").arg(std::env::current_exe()?).arg("--relay").arg(program);
    attacker.args(["--only", &name, "--attack"]).arg(address.to_string());
    let _attacker = Running(attacker.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    // The other clients keep running during the attack.
    let is_over = AtomicBool::new(false);
    let id = relay.0.id();
    let (seen, most) = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = 0;
            while !is_over.load(Ordering::Relaxed) {
                most = most.max(machine::memory(id).unwrap_or(0));
                thread::sleep(Duration::from_millis(100));
            }
            most
        });
        let seen = victims.run(time);
        is_over.store(true, Ordering::Relaxed);
        (seen, watching.join().unwrap_or(0))
    });
    let allowed = MEMORY + attack.connections() * CONNECTION;
    print(&name, &seen, most.saturating_sub(before), allowed);
    Ok(())
}

fn print(name: &str, seen: &Seen, memory: u64, allowed: u64) {
    let mib = |bytes: u64| (bytes as f64 / f64::from(1 << 20)).round();
    let p99 = |times: &[f64]| times.get(times.len() * 99 / 100).copied().unwrap_or(f64::INFINITY);
    let row = |what: &str, unit, ours, most| {
        Row::counted(&format!("attack {name}: {what}"), unit, ours, most).print();
    };
    row("refused durable events of others", "events", seen.refused as f64, 0.0);
    row("ephemeral p99 of others", "ms", p99(&seen.ephemeral), EPHEMERAL);
    row("durable p99 of others", "ms", p99(&seen.durable), DURABLE);
    row("memory more", "MiB", mib(memory), mib(allowed));
}
