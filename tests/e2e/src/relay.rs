//! Runs the relay with a port and a data folder that survive restarts.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::tool;

/// An account of the relay, with a token that is valid for an hour.
#[derive(Debug)]
pub struct Account {
    /// The account's name.
    pub name: String,
    /// Its token.
    pub token: String,
}

/// A running relay that serves a page.
#[derive(Debug)]
pub struct Relay {
    page: PathBuf,
    data: TempDir,
    address: String,
    process: Child,
    options: Vec<String>,
}

/// The rights of the accounts, and of guests.
const RIGHTS: [&str; 4] = ["--publish", ">", "--subscribe", ">"];

impl Relay {
    /// Starts a relay on a free port with an empty data folder and the chat as its page.
    pub async fn start() -> Self {
        Self::start_with("EDK_PAGE").await
    }

    /// Like [`Relay::start`], with the page in the folder of this environment variable.
    pub async fn start_with(page: &str) -> Self {
        let data = tempfile::tempdir().expect("a folder for the relay's data");
        Self::start_in(data, tool(page), vec![]).await
    }

    /// Like [`Relay::start`], with more options of the relay.
    pub async fn start_with_options(options: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a folder for the relay's data");
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Self::start_in(data, tool("EDK_PAGE"), options).await
    }

    /// The folder of the relay's data.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Like [`Relay::start`], with accounts and guests, who may all read and write everything.
    pub async fn start_with_accounts<const N: usize>(names: [&str; N]) -> (Self, [Account; N]) {
        let data = tempfile::tempdir().expect("a folder for the relay's data");
        let [key, keys] = ["issuer.json", "keys.json"].map(|name| data.path().join(name));
        let run = async |command: &mut Command| {
            let output = command.output().await.expect("EDK_RELAY names the relay's binary");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("the relay writes text").trim().to_owned()
        };
        let relay = || Command::new(tool("EDK_RELAY"));
        let claims = ["--auth-issuer", "https://issuer.example", "--auth-audience", "chat"];
        run(relay().arg("keys").arg("--key").arg(&key).arg("--public").arg(&keys)).await;
        let mut accounts = Vec::new();
        for name in names {
            let mut making = relay();
            making.arg("token").arg("--key").arg(&key).args(claims).args(RIGHTS);
            let token = run(making.args(["--subject", name, "--expires", "1h"])).await;
            accounts.push(Account { name: name.to_owned(), token });
        }
        let mut options = vec!["--auth-keys".to_owned(), keys.display().to_string()];
        options.extend(claims.map(str::to_owned));
        options.extend(["--anonymous", "pub=>;sub=>"].map(str::to_owned));
        let relay = Self::start_in(data, tool("EDK_PAGE"), options).await;
        (relay, accounts.try_into().expect("an account for each name"))
    }

    async fn start_in(data: TempDir, page: PathBuf, options: Vec<String>) -> Self {
        let (process, address) = spawn("127.0.0.1:0", data.path(), &page, &options).await;
        Self { page, data, address, process, options }
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
        (self.process, self.address) =
            spawn(&self.address, self.data.path(), &self.page, &self.options).await;
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
