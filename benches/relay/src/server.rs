//! Starts the servers on their core, reads their CPU time and memory, and stops them.

mod accounts;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use tempfile::TempDir;

use accounts::Token;

use crate::client::Client;
use crate::machine::{self, Cores};
use crate::wire::{Mode, Nats, Relay, RelayJson, SocketIo, Wse};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);

/// How many messages of a topic WSE keeps for clients that reconnect, with recovery.
const RECOVERED: usize = 4_096;

/// A server, and how clients talk to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Over `event-driven-kit.v1`.
    Relay,
    /// Over `cloudevents.json`.
    RelayJson,
    /// The relay with accounts, over `event-driven-kit.v1`. Each client signs in with a token.
    Accounts,
    /// The same over `cloudevents.json`.
    AccountsJson,
    Nats,
    SocketIo,
    Wse(Mode),
    /// The server publishes by itself, and keeps messages in memory for clients that reconnect.
    WseRecovery,
}

impl Kind {
    /// The name in the rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relay => "our CBOR",
            Self::RelayJson => "our JSON",
            Self::Accounts => "our CBOR with accounts",
            Self::AccountsJson => "our JSON with accounts",
            Self::Nats => "nats-server",
            Self::SocketIo => "socket.io",
            Self::Wse(Mode::Raw) => "WSE",
            Self::Wse(Mode::Json) => "WSE's JSON",
            Self::Wse(Mode::Inside) => "WSE published inside",
            Self::WseRecovery => "WSE with recovery",
        }
    }
}

/// The command line: where the programs are, and what to measure.
#[derive(Debug, clap::Parser)]
pub struct Programs {
    /// The relay
    #[arg(long)]
    pub relay: PathBuf,
    /// nats-server
    #[arg(long, default_value = "nats-server")]
    pub nats: PathBuf,
    /// A folder whose `node_modules` has socket.io; without it, its rows are left out
    #[arg(long)]
    pub socket_io: Option<PathBuf>,
    /// A Python that has wse-server; without it, its rows are left out
    #[arg(long)]
    pub wse: Option<PathBuf>,
    /// The folder for the data of the servers; on a disk, not in memory
    #[arg(long, default_value = ".")]
    pub data: PathBuf,
    /// The number of interleaved rounds of each row
    #[arg(long, default_value_t = 9)]
    pub rounds: usize,
    /// Only kinds of work whose name contains this
    #[arg(long)]
    pub only: Option<String>,
    /// The rows about accounts instead of those about the peers
    #[arg(long)]
    pub trust: bool,
    /// Only comparisons with peers whose name contains this
    #[arg(long)]
    pub beside: Option<String>,
}

impl Programs {
    /// Whether rows against this peer are selected and the peer is installed.
    pub fn has(&self, peer: Kind) -> bool {
        let is_there = match peer {
            Kind::Relay | Kind::RelayJson | Kind::Accounts | Kind::AccountsJson | Kind::Nats => {
                true
            }
            Kind::SocketIo => self.socket_io.is_some(),
            Kind::Wse(_) | Kind::WseRecovery => self.wse.is_some(),
        };
        is_there && self.beside.as_ref().is_none_or(|beside| peer.name().contains(beside.as_str()))
    }
}

pub struct Server {
    kind: Kind,
    child: Child,
    address: SocketAddr,
    /// The token with which its clients sign in.
    token: Option<Token>,
    _data: TempDir,
}

impl Server {
    pub fn start(kind: Kind, programs: &Programs, cores: Cores) -> Result<Self> {
        let data = TempDir::new_in(&programs.data)
            .context("could not create a folder for the data of a server")?;
        let address = free_address()?;
        let mut token = None;
        let mut command = match kind {
            Kind::Relay | Kind::RelayJson => relay(&programs.relay, address, data.path()),
            Kind::Accounts | Kind::AccountsJson => {
                let (keys, signed) = accounts::prepare(&programs.relay, data.path())?;
                token = Some(signed);
                let mut relay = relay(&programs.relay, address, data.path());
                relay.args(keys);
                relay
            }
            Kind::Wse(_) | Kind::WseRecovery => {
                let python = programs.wse.as_deref().context("wse-server is not installed")?;
                wse(python, address, data.path(), kind == Kind::WseRecovery)?
            }
            Kind::Nats => nats(&programs.nats, address, data.path())?,
            Kind::SocketIo => {
                let folder = programs.socket_io.as_deref().context("socket.io is not installed")?;
                socket_io(folder, address, data.path())?
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = cores.on_the_servers(|| {
            command.spawn().with_context(|| format!("{command:?} could not be started"))
        })?;
        let mut server = Self { kind, child, address, token, _data: data };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("{kind:?} ended right after its start: {status}");
            }
            if started.elapsed() > START {
                bail!("{kind:?} does not listen");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if kind == Kind::Nats {
            let mut client = server.connect()?;
            client.say(|_, out| Nats::make_stream(out))?;
            client.settle(|seen| seen.ready >= 2)?;
        }
        Ok(server)
    }

    /// Connects, and waits until the server has answered the greeting.
    pub fn connect(&self) -> Result<Client> {
        let mut client = self.greet()?;
        client.settle(|seen| seen.ready >= 1)?;
        Ok(client)
    }

    /// Connects, and sends the greeting. All clients sign in with one token.
    pub fn greet(&self) -> Result<Client> {
        self.greet_with(self.token.as_ref().map(|token| token.text.clone()))
    }

    /// The same with a token that the relay has not verified yet.
    pub fn greet_with_fresh_token(&self) -> Result<Client> {
        self.greet_with(self.token.as_ref().map(Token::fresh).transpose()?)
    }

    fn greet_with(&self, token: Option<String>) -> Result<Client> {
        Client::greet(
            self.address,
            match self.kind {
                Kind::Relay | Kind::Accounts => Box::new(Relay::new(token)),
                Kind::RelayJson | Kind::AccountsJson => Box::new(RelayJson::new(token)),
                Kind::Wse(mode) => Box::new(Wse(mode)),
                Kind::WseRecovery => Box::new(Wse(Mode::Inside)),
                Kind::Nats => Box::new(Nats::new()),
                Kind::SocketIo => Box::new(SocketIo),
            },
        )
    }

    pub fn cpu_time(&self) -> Result<Duration> {
        machine::cpu_time(self.child.id())
    }

    pub fn memory(&self) -> Result<u64> {
        machine::memory(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(pid) = machine::pid(self.child.id()) {
            let _ = kill(pid, Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

fn relay(program: &Path, address: SocketAddr, data: &Path) -> Command {
    let mut relay = Command::new(program);
    relay.arg("--listen").arg(address.to_string()).arg("--data").arg(data);
    // All clients connect from one address.
    relay.args(["--raise-limits", "1000"]);
    relay.env("RUST_LOG", "warn");
    relay
}

fn nats(program: &Path, address: SocketAddr, data: &Path) -> Result<Command> {
    let config = format!(
        "listen: \"{}\"\nwebsocket {{ listen: \"{address}\", no_tls: true }}\n\
         jetstream {{ store_dir: \"{}\" }}\n",
        free_address()?,
        data.display()
    );
    let file = data.join("nats.conf");
    std::fs::write(&file, config)?;
    let mut nats = Command::new(program);
    nats.arg("--config").arg(file);
    Ok(nats)
}

fn socket_io(folder: &Path, address: SocketAddr, data: &Path) -> Result<Command> {
    let script = data.join("server.cjs");
    std::fs::write(&script, include_str!("../socket-io.cjs"))?;
    let mut node = Command::new("node");
    node.arg(script).arg(address.port().to_string()).env("NODE_PATH", folder.join("node_modules"));
    Ok(node)
}

fn wse(python: &Path, address: SocketAddr, data: &Path, recovery: bool) -> Result<Command> {
    let script = data.join("wse-app.py");
    std::fs::write(&script, include_str!("../wse-app.py"))?;
    let mut wse = Command::new(python);
    wse.arg(script).arg(address.port().to_string());
    if recovery {
        wse.arg(RECOVERED.to_string());
    }
    Ok(wse)
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
