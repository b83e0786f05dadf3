//! Attacks the relay in several ways, one after the other. Measures what other clients notice while one address
//! attacks, and how much memory the relay takes. `cargo xtask bench attacks` builds and runs it.
//!
//! The relay runs on one core with its default limits. The clients whose latencies are measured run on a second core.
//! The attacker is another process on that core, with a lower priority.

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
    eprintln!("this runs only on Linux, where the memory of a process can be read");
    std::process::exit(1);
}
