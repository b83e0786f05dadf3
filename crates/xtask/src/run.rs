//! `run`: builds the page and the relay, and starts the relay. It ends when the relay does, or on Ctrl-C, which it
//! passes on so that the relay can close its sockets and its store.

mod accounts;

use crate::page::{self, Page, Part};
use crate::process;
use crate::process::running;
use crate::progress::{self, say, task};
use crate::setup;
use crate::side_by_side::side_by_side;
use crate::workspace::Workspace;
use anyhow::{Context, Error, Result, bail};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Where `trunk serve` serves the page that it builds; see Trunk.toml.
const TRUNK_SERVE: [&str; 2] = ["http://127.0.0.1:8081", "http://localhost:8081"];
/// The stream of the last values: profiles, read positions, and the titles of rooms.
const STATE: [&str; 4] = ["--stream", "state=person.>,chat.*.ROOM", "--keep-topic", "state=1"];
/// How long the relay may take to stop before it is killed.
const GRACE: Duration = Duration::from_secs(15);

/// Which page the relay serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    Chat,
    /// The chat with accounts instead of guests.
    ChatWithAccounts,
    /// The Yew example.
    Example,
}

/// Builds and starts the relay, and waits until it ends.
pub fn run(
    workspace: &Workspace,
    served: Served,
    listen: SocketAddr,
    hosts: &[String],
    data: Option<&Path>,
) -> Result<()> {
    let started = Instant::now();
    check_free(listen)?;
    if hosts.is_empty() && !listen.ip().is_loopback() {
        bail!(
            "{listen} is not a loopback address: name the host by which clients reach it with `--host`"
        );
    }
    setup::check_c_compiler()?;
    let (page, default) = match served {
        Served::Chat => {
            build(workspace)?;
            (workspace.dist(), workspace.root.join("data"))
        }
        Served::ChatWithAccounts => {
            accounts::check(listen)?;
            build(workspace)?;
            (workspace.dist(), workspace.own_target().join("accounts/data"))
        }
        Served::Example => {
            relay(workspace)?;
            (page::example::ensure(workspace)?, workspace.own_target().join("page/example-data"))
        }
    };
    let mut relay = relay_command(workspace, listen, data.unwrap_or(&default), &page);
    relay.args(hosts.iter().flat_map(|host| ["--host", host]));
    accounts::remove(&page)?;
    match served {
        Served::ChatWithAccounts => relay.args(accounts::make(workspace, &page)?),
        Served::Chat | Served::Example => relay.arg("--anonymous"),
    };
    let interrupts = count_interrupts()?;
    let mut child = start(&mut relay)?;
    if let Some(output) = child.stdout.take() {
        let workspace = workspace.clone();
        thread::spawn(move || print_output(output, started, &workspace, served));
    }
    let status = attend(child, &interrupts)?;
    running::stop_all();
    if interrupts.load(Ordering::SeqCst) == 0 {
        process::check(&relay, status)?;
        bail!("the relay ended unexpectedly");
    }
    Ok(())
}

/// Builds what the chat needs in parallel: the relay, the wasm-bindgen tool, and the program in wasm.
fn build(workspace: &Workspace) -> Result<()> {
    if !workspace.relay().exists() {
        say("the first start compiles the chat and its tools: about 13 minutes on two idle cores");
    }
    let cause = Mutex::new(None);
    let built = side_by_side(
        || first_of(&cause, || relay(workspace)),
        || first_of(&cause, || chat(workspace, &cause)),
    );
    match cause.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => built.map(drop),
    }
}

/// Keeps the first error of the parallel builds, and stops the others.
fn first_of<T>(cause: &Mutex<Option<Error>>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    work().map_err(|error| {
        let mut cause = cause.lock().unwrap_or_else(PoisonError::into_inner);
        if cause.is_none() {
            *cause = Some(error);
            running::stop_all();
        }
        Error::msg("stopped")
    })
}

fn relay(workspace: &Workspace) -> Result<()> {
    let what = if workspace.relay().exists() { "compiling what has changed" } else { "compiling" };
    task("relay", what, || build_relay(workspace))
}

fn chat(workspace: &Workspace, cause: &Mutex<Option<Error>>) -> Result<()> {
    if Part::Chat.is_current(workspace)? {
        say("page: up to date");
        return Ok(());
    }
    let page = Page::read(workspace)?;
    let compile = || {
        let toolchain = setup::ensure(workspace, page::COMPILE_NEEDS)?;
        let wasm = task("page", "compiling the chat", || page.compile(workspace, &toolchain))?;
        Ok((toolchain, wasm))
    };
    let ((), (toolchain, wasm)) = side_by_side(
        || first_of(cause, || setup::ensure_wasm_bindgen(workspace)),
        || first_of(cause, compile),
    )?;
    task("page", "assembling the page", || page.build(workspace, &toolchain, &wasm))
}

/// Checks the address before minutes of building.
fn check_free(listen: SocketAddr) -> Result<()> {
    match TcpListener::bind(listen) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "{listen} is in use: stop the program that listens there, or choose another address with `--listen {}:{}`",
            listen.ip(),
            listen.port().checked_add(10).unwrap_or(8080)
        ),
        Err(error) => Err(error)
            .context(format!("cannot listen on {listen}: choose another address with `--listen`")),
    }
}

/// Does nothing if the relay is up to date.
pub fn build_relay(workspace: &Workspace) -> Result<()> {
    let mut cargo = process::native_cargo();
    cargo
        .args(["build", "--profile", "native", "--package", "event-driven-kit-relay"])
        .current_dir(&workspace.root);
    process::run(&mut cargo)
}

fn relay_command(workspace: &Workspace, listen: SocketAddr, data: &Path, page: &Path) -> Command {
    let mut relay = process::command(workspace.relay());
    relay.arg("--listen").arg(listen.to_string());
    relay.arg("--data").arg(data);
    relay.arg("--page").arg(page).args(STATE);
    for origin in TRUNK_SERVE {
        relay.args(["--allow-origin", origin]);
    }
    relay
}

fn start(relay: &mut Command) -> Result<Child> {
    // In its own process group, so that Ctrl-C in the terminal reaches it only once, through xtask.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(relay, 0);
    relay.stdin(Stdio::null()).stdout(Stdio::piped());
    relay.spawn().with_context(|| process::unstartable(relay))
}

/// Prints the relay's output, with a friendlier line for its address. Then starts to build what the chat does not need.
fn print_output(output: impl Read, started: Instant, workspace: &Workspace, served: Served) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let Some(address) = line.strip_prefix("listening on ") else {
            progress::print(&line);
            continue;
        };
        let took = progress::duration(started.elapsed());
        let (name, path) = match served {
            Served::Chat => ("chat is", ""),
            Served::ChatWithAccounts => ("accounts of the chat are", accounts::PATH),
            Served::Example => ("counter is", ""),
        };
        progress::print(&format!(
            "\nThe {name} at {address}{path} (press Ctrl-C to stop; started in {took})"
        ));
        if served == Served::Example {
            continue;
        }
        let (workspace, address) = (workspace.clone(), address.to_owned());
        thread::spawn(move || embedding(&workspace, &address));
    }
}

/// Builds the page that embeds the npm package. The chat works without it.
fn embedding(workspace: &Workspace, address: &str) {
    let is_current = Part::Embedding.is_current(workspace).unwrap_or(false);
    if is_current {
        return;
    }
    match page::ensure_embedding(workspace) {
        Ok(()) => {
            progress::print(&format!("A page without a framework is at {address}/embed.html"))
        }
        Err(error) => say(&format!("the page without a framework could not be built: {error:#}")),
    }
}

fn count_interrupts() -> Result<Arc<AtomicUsize>> {
    let interrupts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&interrupts);
    ctrlc::set_handler(move || {
        counted.fetch_add(1, Ordering::SeqCst);
    })
    .context("cannot handle Ctrl-C")?;
    Ok(interrupts)
}

/// Waits until the relay ends. Asks it to stop at the first Ctrl-C, and kills it at the second or when it takes too
/// long.
fn attend(mut child: Child, interrupts: &AtomicUsize) -> Result<ExitStatus> {
    let tick = Duration::from_millis(50);
    while interrupts.load(Ordering::SeqCst) == 0 {
        if let Some(status) = process::wait_within(&mut child, tick)? {
            return Ok(status);
        }
    }
    say("\nstopping the relay");
    interrupt(&child)?;
    let mut waited = Duration::ZERO;
    while interrupts.load(Ordering::SeqCst) < 2 && waited < GRACE {
        if let Some(status) = process::wait_within(&mut child, tick)? {
            return Ok(status);
        }
        waited += tick;
    }
    say("the relay has not stopped: killing it");
    child.kill()?;
    Ok(child.wait()?)
}

#[cfg(unix)]
fn interrupt(child: &Child) -> Result<()> {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    let id = i32::try_from(child.id()).context("the relay's process id is out of range")?;
    match kill(Pid::from_raw(id), Signal::SIGINT) {
        // It has already ended.
        Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
        Err(error) => Err(error).context("could not ask the relay to stop"),
    }
}

/// The console sends Ctrl-C to the relay itself.
#[cfg(not(unix))]
fn interrupt(_: &Child) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_use_is_an_error_that_says_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = check_free(address).unwrap_err().to_string();
        assert!(error.contains("is in use") && error.contains("--listen"), "{error}");
        drop(taken);
        check_free(address).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn ctrl_c_reaches_the_relay_once_and_run_waits_for_its_end() {
        let child =
            started("$SIG{INT} = sub { $count++ };", "sleep 1 until $count; exit 6 + $count");
        let status = attend(child, &AtomicUsize::new(1)).unwrap();
        assert_eq!(status.code(), Some(7));
    }

    #[cfg(unix)]
    #[test]
    fn a_second_ctrl_c_kills_a_relay_that_does_not_stop() {
        let child = started("$SIG{INT} = 'IGNORE';", "sleep 1 while 1");
        let status = attend(child, &AtomicUsize::new(2)).unwrap();
        assert_eq!(status.code(), None);
    }

    /// In Perl: a shell cannot trap a signal that is ignored where it starts, as in `nohup`.
    #[cfg(unix)]
    fn started(handler: &str, body: &str) -> Child {
        let mut relay = Command::new("perl");
        relay.arg("-e").arg(format!("$| = 1; {handler} print \"ready\\n\"; {body}"));
        let mut child = start(&mut relay).unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        child
    }
}
