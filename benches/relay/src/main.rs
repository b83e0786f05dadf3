//! The load generator: starts the relay and its peers, drives them in turn over WebSocket and prints a
//! row of JSON for each kind of work. `cargo xtask bench relay` builds and runs it.
//!
//! The servers run on one core and this on another; what is compared is the server's CPU time for one
//! piece of work, and the time on the wall. It counts processes' CPU time as Linux does.

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
    eprintln!("the relay is measured on Linux only: it is where a process's CPU time can be read");
    std::process::exit(1);
}
