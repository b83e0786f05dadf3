//! Starts programs, and reports clearly which one failed.

use crate::progress::{self, Task, output};
use anyhow::{Context, Result, anyhow, bail};
use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Output without a line break is passed on in pieces of this size.
const LONGEST_PIECE: usize = 64 << 10;

/// A command without the environment variables of `cargo run`. Those about the xtask package would make build scripts
/// of other packages run again.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text == "CARGO_PRIMARY_PACKAGE"
            || text == "CARGO_BIN_NAME"
        {
            command.env_remove(&name);
        }
    }
    for name in ["LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
        let Some(value) = env::var_os(name) else {
            continue;
        };
        let kept = env::split_paths(&value).filter(|dir| !belongs_to_a_build(dir));
        match env::join_paths(kept) {
            Ok(paths) if !paths.is_empty() => command.env(name, paths),
            _ => command.env_remove(name),
        };
    }
    command
}

fn belongs_to_a_build(dir: &Path) -> bool {
    dir.as_os_str().is_empty()
        || dir.components().any(|part| part.as_os_str() == "rustlib")
        || dir.join("deps").is_dir()
        || dir.ends_with("deps")
        || dir.components().any(|part| part.as_os_str() == ".rustup")
}

/// The cargo that runs xtask. It builds native code.
pub fn native_cargo() -> Command {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    colour(&mut cargo);
    cargo
}

/// Turns colours on if xtask runs on a terminal. Cargo itself sees only a pipe when xtask reads its output.
pub fn colour(cargo: &mut Command) {
    if env::var_os("CARGO_TERM_COLOR").is_none() && io::stderr().is_terminal() {
        cargo.env("CARGO_TERM_COLOR", "always");
    }
}

/// Runs the command. In a task, the task shows progress, and the output if the command fails; otherwise it runs in the
/// foreground.
pub fn run(command: &mut Command) -> Result<()> {
    let Some(task) = progress::current() else {
        announce(command);
        let status = command.status().with_context(|| unstartable(command))?;
        return check(command, status);
    };
    let status = run_in(&task, command, |_| ())?;
    if status.success() {
        return Ok(());
    }
    if running::is_stopped() {
        bail!("stopped");
    }
    let lines = task.failure();
    if !task.has_log() {
        for line in &lines {
            progress::show(line);
        }
    }
    match output::cause(&lines) {
        Some(cause) => bail!("{cause}: `{}` failed", line(command)),
        None => check(command, status),
    }
}

/// Runs the command as a part of the task, which gets all of its output. `out` also gets standard output, line by line.
pub fn run_in(
    task: &Arc<Task>,
    command: &mut Command,
    mut out: impl FnMut(&str),
) -> Result<ExitStatus> {
    task.begin(&line(command));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Cargo reports progress only on a terminal, unless it is forced.
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "100");
    let mut child = running::start(command)?;
    let errors = child.stderr.take();
    let reader = thread::spawn({
        let task = Arc::clone(task);
        move || errors.map(|errors| in_pieces(errors, |piece| task.add_output(piece)))
    });
    let read = child.stdout.take().map_or(Ok(()), |output| {
        in_pieces(output, |piece| {
            task.add_output(piece);
            out(&String::from_utf8_lossy(piece));
        })
    });
    let status = running::wait(&mut child)?;
    // A process that the command left behind may hold the pipe open, so this does not wait for long.
    let end = Instant::now() + Duration::from_secs(2);
    while !reader.is_finished() && Instant::now() < end {
        thread::sleep(Duration::from_millis(10));
    }
    read?;
    Ok(status)
}

/// Tracks running programs, so that an error in one can stop those that run in parallel.
pub mod running {
    use super::{Child, Command, Context, ExitStatus, Result, bail, unstartable};
    use std::sync::{Mutex, PoisonError};

    /// The ids of running programs; `None` once no more may start.
    static RUNNING: Mutex<Option<Vec<u32>>> = Mutex::new(Some(Vec::new()));

    pub fn start(command: &mut Command) -> Result<Child> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = running.as_mut() else {
            bail!("stopped");
        };
        let child = command.spawn().with_context(|| unstartable(command))?;
        running.push(child.id());
        Ok(child)
    }

    pub fn wait(child: &mut Child) -> Result<ExitStatus> {
        let status = child.wait()?;
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.as_mut() {
            running.retain(|id| *id != child.id());
        }
        Ok(status)
    }

    pub fn is_stopped() -> bool {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Asks all programs to end, and prevents new ones from starting.
    pub fn stop_all() {
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).take();
        for id in running.unwrap_or_default() {
            ask_to_end(id);
        }
    }

    #[cfg(unix)]
    fn ask_to_end(id: u32) {
        use nix::sys::signal::{Signal, kill};
        if let Ok(id) = i32::try_from(id) {
            let _ = kill(nix::unistd::Pid::from_raw(id), Signal::SIGTERM);
        }
    }

    #[cfg(not(unix))]
    fn ask_to_end(_: u32) {}
}

/// Splits output into lines and into progress lines, which end with a carriage return and are redrawn.
fn in_pieces(output: impl io::Read, mut pass_on: impl FnMut(&[u8])) -> io::Result<()> {
    let mut output = BufReader::new(output);
    let mut piece = Vec::new();
    loop {
        let read = match output.fill_buf() {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if read.is_empty() {
            break;
        }
        let end = read.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let taken = end.map_or(read.len(), |end| end + 1);
        piece.extend_from_slice(&read[..taken]);
        output.consume(taken);
        if end.is_some() || piece.len() > LONGEST_PIECE {
            pass_on(&piece);
            piece.clear();
        }
    }
    if !piece.is_empty() {
        pass_on(&piece);
    }
    Ok(())
}

/// Runs an installation. It has already printed why it failed, so the error only says what to do.
pub fn install(command: &mut Command, what: &str, registry: &str) -> Result<()> {
    run(command).map_err(|error| {
        let error = error.to_string();
        let reason = error.split_once(": `").map(|(cause, _)| cause);
        let reason = reason.map_or_else(|| format!("is {registry} reachable?"), str::to_owned);
        anyhow!("{what} could not be installed ({reason}); by hand: `{}`", line(command))
    })
}

/// Runs the command and returns its standard output. If it fails, the error has the last line of its standard error.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| unstartable(command))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.trim().lines().last().unwrap_or_default();
        bail!("`{}` failed: {last}", line(command));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs the command and returns its standard output. Its standard error is shown.
pub fn capture_shown(command: &mut Command) -> Result<String> {
    announce(command);
    let shown = if progress::current().is_some() { Stdio::null() } else { Stdio::inherit() };
    let output = command
        .stdin(Stdio::null())
        .stderr(shown)
        .output()
        .with_context(|| unstartable(command))?;
    check(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs the command and returns its standard error.
pub fn capture_errors(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| unstartable(command))?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("`{}` failed: {text}", line(command));
    }
    Ok(text)
}

/// Runs the command, and kills it after `limit`. Its output is shown only outside a task.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    match progress::current() {
        Some(task) => {
            task.begin(&line(command));
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        None => announce(command),
    }
    let mut child = command.stdin(Stdio::null()).spawn().with_context(|| unstartable(command))?;
    match wait_within(&mut child, limit)? {
        Some(status) => check(command, status),
        None => {
            child.kill()?;
            child.wait()?;
            bail!("`{}` took longer than {limit:?}", line(command))
        }
    }
}

/// Returns `None` if the program still runs after `limit`.
pub fn wait_within(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(Some(status)),
            None if Instant::now() >= end => return Ok(None),
            None => thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Prints the command in a form that can be copied.
pub fn announce(command: &Command) {
    progress::say(&format!("$ {}", line(command)));
}

pub fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

pub fn unstartable(command: &Command) -> String {
    format!("`{}` could not be started", line(command))
}

/// The command as a user would type it.
pub fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    // Programs on PATH are typed without their folder.
    let name = match program.file_name() {
        Some(name) if which::which(name).is_ok() => name,
        _ => program.as_os_str(),
    };
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| quote(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=+./:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_printed_as_a_user_would_type_it() {
        let mut command = Command::new("/no/such/tool");
        command.args(["--name=x", "two words", "it's", ""]);
        assert_eq!(line(&command), r"/no/such/tool --name=x 'two words' 'it'\''s' ''");
    }

    #[test]
    fn output_is_split_at_line_feeds_and_carriage_returns() {
        let mut pieces = Vec::new();
        let keep = |piece: &[u8]| pieces.push(String::from_utf8_lossy(piece).into_owned());
        in_pieces(&b"one\ntwo 1/2\rtwo 2/2\r\nthree"[..], keep).unwrap();
        assert_eq!(pieces, ["one\n", "two 1/2\r", "two 2/2\r", "\n", "three"]);
    }

    #[cfg(unix)]
    #[test]
    fn the_error_of_a_failed_program_in_a_task_names_the_cause() {
        let failed = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            progress::task("a test", "fails", || run(&mut command)).unwrap_err().to_string()
        };
        let error = failed("echo fine; echo 'error: No space left on device' >&2; exit 101");
        assert!(error.starts_with("the disk is full: `sh -c"), "{error}");
        let error = failed("exit 3");
        assert!(error.starts_with("`sh -c") && error.contains("exit status: 3"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_takes_too_long_is_killed() {
        let started = Instant::now();
        let error =
            run_within(Command::new("sleep").arg("30"), Duration::from_millis(100)).unwrap_err();
        assert!(error.to_string().contains("took longer"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[cfg(unix)]
    #[test]
    fn the_error_of_a_failed_program_has_the_last_line_of_its_output() {
        let error = capture(Command::new("sh").args(["-c", "echo one; echo two >&2; exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("`sh -c") && error.ends_with("failed: two"), "{error}");
    }
}
