//! Starting programs, and saying clearly which one failed.

use anyhow::{Context, Result, anyhow, bail};
use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A command without what `cargo run` has put into our environment: variables about the xtask
/// package would only make build scripts of other packages run again.
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

/// The cargo that runs us: native code is built with it.
pub fn native_cargo() -> Command {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    colour(&mut cargo);
    cargo
}

/// Cargo sees a pipe where its output is counted, so it is told whether a person looks on.
pub fn colour(cargo: &mut Command) {
    if env::var_os("CARGO_TERM_COLOR").is_none() && io::stderr().is_terminal() {
        cargo.env("CARGO_TERM_COLOR", "always");
    }
}

/// Runs it in the foreground.
pub fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = command.status().with_context(|| unstartable(command))?;
    check(command, status)
}

/// Runs an installation in the foreground; it has printed why it failed, so the error says only what to do.
pub fn install(command: &mut Command, what: &str, registry: &str) -> Result<()> {
    run(command).map_err(|_| {
        anyhow!(
            "{what} could not be installed (is {registry} reachable?); by hand: `{}`",
            line(command)
        )
    })
}

/// What it prints to standard output; its standard error is kept for the error.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| unstartable(command))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.trim().lines().last().unwrap_or_default();
        bail!("`{}` failed: {last}", line(command));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What it prints to standard output; its standard error is shown.
pub fn capture_shown(command: &mut Command) -> Result<String> {
    announce(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| unstartable(command))?;
    check(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What it prints to standard error.
pub fn capture_errors(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| unstartable(command))?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("`{}` failed: {text}", line(command));
    }
    Ok(text)
}

/// Runs it in the foreground, but no longer than that.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    announce(command);
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

/// `None` when it is still running after that time.
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

/// Shows the command, in a form that can be copied.
pub fn announce(command: &Command) {
    eprintln!("$ {}", line(command));
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

/// The command as one would type it.
pub fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    // Those that are on PATH are typed without their folder.
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
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/no/such/tool");
        command.args(["--name=x", "two words", "it's", ""]);
        assert_eq!(line(&command), r"/no/such/tool --name=x 'two words' 'it'\''s' ''");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_takes_too_long_is_ended() {
        let started = Instant::now();
        let error =
            run_within(Command::new("sleep").arg("30"), Duration::from_millis(100)).unwrap_err();
        assert!(error.to_string().contains("took longer"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_fails_is_named_with_its_last_words() {
        let error = capture(Command::new("sh").args(["-c", "echo one; echo two >&2; exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("`sh -c") && error.ends_with("failed: two"), "{error}");
    }
}
