//! Prepares a relay with accounts: its keys, and a token for all clients.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

const ISSUER: [&str; 4] = ["--auth-issuer", "https://example.org", "--auth-audience", "bench"];
/// The number of patterns in the lists of a token. The topics of the benchmark match the last one.
const PATTERNS: usize = 64;

/// Makes the keys in the folder `data`. Returns the relay's options, and the token.
pub fn prepare(relay: &Path, data: &Path) -> Result<(Vec<OsString>, String)> {
    let (key, public) = (data.join("issuer.json"), data.join("keys.json"));
    run(Command::new(relay).arg("keys").arg("--key").arg(&key).arg("--public").arg(&public))?;
    let others = (2..PATTERNS).map(|number| format!("room.{number}.>"));
    let patterns: Vec<_> = others.chain(["*.topic".to_owned(), "greet.*".to_owned()]).collect();
    let patterns = patterns.join(",");
    let mut token = Command::new(relay);
    token.arg("token").arg("--key").arg(&key).args(ISSUER).args(["--subject", "ann"]);
    token.args(["--publish", &patterns, "--subscribe", &patterns]);
    let token = run(&mut token)?.trim().to_owned();
    // Like a deployed relay. Without a host, a proof is tried for each name of loopback.
    let options =
        [OsString::from("--auth-keys"), public.into(), "--host".into(), "127.0.0.1".into()];
    Ok((options.into_iter().chain(ISSUER.map(OsString::from)).collect(), token))
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} could not be started"))?;
    if !output.status.success() {
        bail!("{command:?} has failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
