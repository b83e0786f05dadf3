//! Runs the relay with a port and a data folder that survive restarts.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::tool;

/// A running relay that serves a page.
#[derive(Debug)]
pub struct Relay {
    page: PathBuf,
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
        let page = tool(page);
        let data = tempfile::tempdir().expect("a folder for the relay's data");
        let (process, address) = spawn("127.0.0.1:0", data.path(), &page).await;
        Self { page, data, address, process }
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
        (self.process, self.address) = spawn(&self.address, self.data.path(), &self.page).await;
    }
}

async fn spawn(listen: &str, data: &Path, page: &Path) -> (Child, String) {
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
