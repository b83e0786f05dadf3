//! Attacks on the relay, one after the other: what others notice while one address attacks, and the memory
//! that it takes. `cargo xtask bench attacks` builds and runs it.
//!
//! The relay runs on one core with its default limits. The others, whose latencies are measured, run on a
//! second core, and so does the attacker: a process of its own that gives way to them.

#[cfg(target_os = "linux")]
mod attack;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "shared with the load, which uses the rest")]
#[path = "../frame.rs"]
mod frame;
#[cfg(target_os = "linux")]
mod lookups;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "shared with the load, which uses the rest")]
#[path = "../machine.rs"]
mod machine;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod socket;
#[cfg(target_os = "linux")]
mod victims;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    measure::run(clap::Parser::parse())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the relay is attacked on Linux only: it is where a process's memory can be read");
    std::process::exit(1);
}
