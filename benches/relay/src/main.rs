//! The load generator. It starts the relay and its peers, drives them in turn over WebSocket and prints a row of JSON
//! for each kind of work. `cargo xtask bench relay` builds and runs it.
//!
//! The servers run on one core and the load generator on another. Compared are the CPU time of the server for one piece
//! of work, and the wall-clock time. CPU time is read from Linux.

#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod frame;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod rounds;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod wire;
#[cfg(target_os = "linux")]
mod work;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    work::run(&clap::Parser::parse())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this runs only on Linux, where the CPU time of a process can be read");
    std::process::exit(1);
}
