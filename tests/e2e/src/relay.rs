//! Runs the relay with a port and a data folder that survive restarts.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::tool;

/// What an account may do, as in `cargo xtask run --auth`.
const PUBLISH: &str =
    "chat.>,person.{sub}.>,person.*.inbox.>,dm.{sub}.*.>,dm.*.{sub}.>";
const SUBSCRIBE: &str = "chat.>,person.{sub}.>,person.*.PROFILE,dm.{sub}.*.>,dm.*.{sub}.>";

/// A running relay that serves a page.
#[derive(Debug)]
pub struct Relay {
    page: PathBuf,
    options: Vec<String>,
    data: TempDir,
    address: String,
    process: Child,
}

impl Relay {
    /// Starts a relay on a free port with an empty data folder and the chat as its page.
    pub async fn start() -> Self {
        Self::start_with("EDK_PAGE").await
    }

    /// Like [`Relay::start`], with the page in the folder of this environment variable.
    pub async fn start_with(page: &str) -> Self {
        Self::start_in(tool(page), tempfile::tempdir().expect("a folder for data"), vec![]).await
    }

    /// Like [`Relay::start`], for accounts instead of guests. Returns a token for each account, which may read and write
    /// in all rooms.
    pub async fn start_with_accounts(names: &[&str]) -> (Self, Vec<String>) {
        let data = tempfile::tempdir().expect("a folder for data");
        let (key, keys) = (data.path().join("issuer.json"), data.path().join("keys.json"));
        let claims = ["--auth-issuer", "test", "--auth-audience", "chat"];
        let mut making = Command::new(tool("EDK_RELAY"));
        making.arg("keys").arg("--key").arg(&key).arg("--public").arg(&keys);
        assert!(making.output().await.expect("the relay makes keys").status.success());
        let mut tokens = Vec::new();
        for name in names {
            let mut making = Command::new(tool("EDK_RELAY"));
            making.arg("token").arg("--key").arg(&key).args(claims);
            making.args(["--subject", name, "--expires", "1h", "--publish", PUBLISH]);
            let made = making.args(["--subscribe", SUBSCRIBE]).output().await;
            let made = made.expect("the relay makes a token");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            tokens.push(String::from_utf8_lossy(&made.stdout).trim().to_owned());
        }
        let mut options = vec!["--auth-keys".to_owned(), keys.display().to_string()];
        options.extend(claims.map(str::to_owned));
        (Self::start_in(tool("EDK_PAGE"), data, options).await, tokens)
    }

    async fn start_in(page: PathBuf, data: TempDir, options: Vec<String>) -> Self {
        let (process, address) = spawn("127.0.0.1:0", data.path(), &page, &options).await;
        Self { page, options, data, address, process }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// The URL of the page: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `ws://127.0.0.1:PORT/ws`.
    pub fn socket(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Kills the process without a chance to clean up.
    pub async fn kill(&mut self) {
        self.process.kill().await.expect("the relay was running");
    }

    /// Starts the relay again with the same port and data.
    pub async fn restart(&mut self) {
        let Self { page, options, data, address, .. } = self;
        (self.process, self.address) = spawn(address, data.path(), page, options).await;
    }
}

async fn spawn(listen: &str, data: &Path, page: &Path, options: &[String]) -> (Child, String) {
    let mut process = Command::new(tool("EDK_RELAY"))
        .args(["--listen", listen])
        .arg("--data")
        .arg(data)
        .arg("--page")
        .arg(page)
        // As `cargo xtask run` does: a stream of last values.
        .args(["--stream", "state=person.>,chat.*.ROOM", "--keep-topic", "state=1"])
        // All browsers of a test share one address.
        .args(["--raise-limits", "1000"])
        .args(options)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("EDK_RELAY names the relay's binary");
    let stdout = process.stdout.take().expect("it is piped");
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await.expect("the relay writes text") {
        if let Some(address) = line.strip_prefix("listening on http://") {
            return (process, address.trim().to_owned());
        }
    }
    panic!("the relay ended before it listened on {listen}");
}
