//! The commands that make keys and tokens, and the options for accounts.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use futures_util::StreamExt;
use serde_json::json;
use tokio::time::timeout;

use super::{AUDIENCE, ISSUER};
use crate::support::{PATIENCE, Process};
use crate::texts::Texts;

#[test]
fn keys_and_tokens_are_made_by_commands_and_changed_keys_are_read_by_a_running_relay() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [one, two, keys, data] = ["one.json", "two.json", "keys.json", "data"].map(path);
    let run = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_event-relay")).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), String::from_utf8(output.stdout).unwrap().trim().to_owned(), said)
    };
    assert!(run(&["keys", "--key", &one, "--public", &keys]).0);
    let again = run(&["keys", "--key", &one, "--public", &keys]);
    assert!(!again.0 && again.2.contains("one.json"), "{again:?}");
    let token = |key: &str, more: &[&str]| {
        let all = ["token", "--key", key, "--auth-issuer", ISSUER, "--auth-audience", AUDIENCE];
        run(&[&all[..], &["--sub", "ann", "--pub", "a,b", "--subscribe", "a"], more].concat())
    };
    let (is_made, first, _) = token(&one, &["--expires", "30m"]);
    assert!(is_made && first.split('.').count() == 3, "{first}");
    let too_long = token(&one, &["--expires", "25h"]);
    assert!(!too_long.0 && too_long.2.contains("--expires"), "{too_long:?}");
    assert!(!token(&one, &["--history", "a..b"]).0);

    let options = ["--auth-keys", &keys, "--auth-issuer", ISSUER, "--auth-audience", AUDIENCE];
    let relay = Process::start_with(Path::new(&data), &options);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let is_admitted = |token: &str| {
        runtime.block_on(async {
            let bearer = format!("Bearer {token}");
            let mut texts = Texts::connect_with(&relay, &[("authorization", &bearer)]).await;
            texts.ask("$link.subscribe", json!({ "pattern": "a" })).await;
            timeout(PATIENCE, texts.0.socket.next()).await.unwrap().unwrap().unwrap().is_text()
        })
    };
    assert!(is_admitted(&first));
    // The second key joins while the relay runs.
    assert!(run(&["keys", "--key", &two, "--public", &keys]).0);
    let (_, second, _) = token(&two, &[]);
    assert!(is_admitted(&second) && is_admitted(&first));
}

#[test]
fn a_relay_beyond_loopback_needs_accounts_or_the_word_that_it_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_event-relay"));
    command.args(["--listen", "0.0.0.0:0", "--host", "example.org", "--data"]).arg(folder.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("--auth-keys") && said.contains("--anonymous"), "{said}");
    let mut child = command.arg("--anonymous").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("listening on http://0.0.0.0:"), "{line}");
}
