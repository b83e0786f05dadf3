//! One WebSocket: feeds the protocol's state machine and carries out its effects.
//!
//! It awaits each send before it feeds more, so that a slow receiver costs a position and not a queue.

mod reading;
mod services;
mod socket;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::ws::WebSocket;
use session::CloseCode;
#[cfg(feature = "echo")]
use session::server::Message;
use session::server::{ChangedPatterns, Effect, Opened, Options, Server, Wire};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::authority::Authority;
use crate::hub::{Answer, Forwarded, Hub, Recent};
use crate::store::{Search, Store, Write};
use reading::{Lookup, none};
use socket::{Heard, Socket};

/// A connection goes on hearing before it answers, up to so many bytes. With more, what it was told first has
/// left the processor's cache.
const TOGETHER: usize = 16 << 10;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: Arc<Options>,
    /// Judges credentials; without one everybody may connect.
    pub(crate) authority: Option<Arc<dyn Authority>>,
    /// Where the client is, if new clients from there are limited.
    pub(crate) address: Option<IpAddr>,
    /// Becomes true when the relay shuts down.
    pub(crate) stopping: watch::Receiver<bool>,
}

struct Connection {
    shared: Shared,
    server: Server,
    socket: Socket,
    number: u64,
    began: Instant,
    /// Of each stream the offset up to which the machine has been told.
    told: Vec<u64>,
    answers: mpsc::UnboundedSender<Vec<Answer>>,
    /// What was heard together goes to the writer together.
    writes: Vec<Write>,
    lookups: VecDeque<Lookup>,
    /// The client that says hello and is not welcomed yet, and its fencing token.
    greeting: Option<([u8; 16], u64)>,
    /// The client that this connection has, and its fencing token.
    client: Option<([u8; 16], u64)>,
    fenced: Option<oneshot::Receiver<()>>,
    /// Rings when who is present has changed where this connection watches.
    bell: Arc<Notify>,
    stopping: bool,
}

/// Speaks with one client until either end closes.
pub(crate) async fn run(socket: WebSocket, wire: Wire, shared: Shared) {
    let mut heads = shared.hub.heads();
    let mut last = heads.borrow_and_update().to_vec();
    let (answers, mut answered) = mpsc::unbounded_channel();
    let number = shared.hub.number();
    let mailbox = shared.hub.mailbox(number);
    let mut arrived = VecDeque::new();
    let mut connection = Connection {
        server: Server::new(Arc::clone(&shared.options), wire, &last, 0),
        socket: Socket::new(socket),
        number,
        began: Instant::now(),
        told: last.clone(),
        answers,
        writes: Vec::new(),
        lookups: VecDeque::new(),
        greeting: None,
        client: None,
        fenced: None,
        bell: Arc::default(),
        stopping: false,
        shared,
    };
    if wire == Wire::Json {
        let mut guest = [0; 16];
        match getrandom::fill(&mut guest) {
            Ok(()) => connection.server.set_guest(guest),
            Err(_) => {
                connection.server.close(CloseCode::Unavailable, "the system gives no randomness");
            }
        }
        // It has no hello in which a credential could stand.
        connection.authorize(None);
    }
    let mut stopping = connection.shared.stopping.clone();
    let mut stopped = pin!(stopping.wait_for(|stopping| *stopping));
    let mut alarm = pin!(tokio::time::sleep(Duration::ZERO));
    let mut reading = None;
    while connection.carry_out().await {
        if connection.forwarded(&mut arrived) {
            continue;
        }
        if let Some(ChangedPatterns { begun, ended }) = connection.server.changed_patterns() {
            mailbox.want(&begun, &ended);
        }
        last.copy_from_slice(&heads.borrow_and_update());
        let is_behind = connection.told.iter().zip(&last).any(|(told, head)| told < head);
        if reading.is_none() {
            reading = connection.next_read();
        }
        // What moves the deadline back is far more frequent than the deadline.
        let deadline = connection.deadline();
        if deadline < alarm.deadline() {
            alarm.as_mut().reset(deadline);
        }
        tokio::select! {
            heard = connection.socket.hear(), if !connection.server.is_full() => {
                connection.heard_all(heard);
            }
            Some(answers) = answered.recv() => {
                answers.into_iter().for_each(|answer| connection.answered(answer));
            }
            found = async { reading.as_mut().unwrap_or(&mut none()).await }, if reading.is_some() => {
                reading = None;
                connection.found(found);
            }
            () = std::future::ready(()), if is_behind => connection.catch_up(&last),
            Ok(()) = heads.changed(), if !is_behind => {}
            () = poll_fn(|context| mailbox.poll_take(context, &mut arrived)) => {}
            () = connection.bell.notified() => connection.tell_presence(),
            () = alarm.as_mut() => {
                let now = connection.now();
                connection.server.tick(now);
                alarm.as_mut().reset(connection.deadline());
            }
            () = ended(&mut connection.fenced) => {
                connection.fenced = None;
                connection.server.fenced();
            }
            Ok(_) = stopped.as_mut(), if !connection.stopping => {
                connection.stopping = true;
                connection.server.shut_down("the relay shuts down");
            }
        }
    }
    connection.shared.hub.presence().gone(connection.number);
    if let Some((client, fence)) = connection.client {
        connection.shared.hub.leave(client, fence);
    }
}

/// Closes a socket with which no protocol was agreed on.
pub(crate) async fn reject(socket: WebSocket, code: CloseCode, message: &str) {
    Socket::new(socket).close(code, message).await;
}

/// Sends back what comes.
#[cfg(feature = "echo")]
pub(crate) async fn echo(socket: WebSocket) {
    let mut socket = Socket::new(socket);
    loop {
        let message = match socket.hear().await {
            Heard::Binary(bytes) => Message::Binary(bytes.into()),
            Heard::Text(text) => Message::Text(text.as_str().to_owned()),
            Heard::Ping => continue,
            Heard::TooLarge | Heard::Broken(_) => return socket.refuse().await,
            Heard::Gone => return,
        };
        if !socket.feed(message).await || !socket.flush().await {
            return;
        }
    }
}

/// By the system's clock.
fn since_1970() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

async fn ended(fenced: &mut Option<oneshot::Receiver<()>>) {
    match fenced {
        // The sender is dropped, never used.
        Some(end) => drop(end.await),
        None => std::future::pending().await,
    }
}

impl Connection {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn deadline(&self) -> Instant {
        self.began + Duration::from_millis(self.server.deadline())
    }

    /// Carries out what the machine asks for; false once the connection is closed.
    async fn carry_out(&mut self) -> bool {
        while self.carry_out_most().await {
            if self.writes.is_empty() {
                return self.socket.flush().await;
            }
            let writes = std::mem::take(&mut self.writes);
            if !self.shared.hub.write(writes, &self.answers).await {
                self.server.close(CloseCode::Unavailable, "the store has stopped");
            }
        }
        // What was heard before the end is logged all the same.
        if !self.writes.is_empty() {
            let writes = std::mem::take(&mut self.writes);
            self.shared.hub.write(writes, &self.answers).await;
        }
        false
    }

    /// Collects the writes; false once the connection is closed.
    async fn carry_out_most(&mut self) -> bool {
        while let Some(effect) = self.server.poll() {
            match effect {
                Effect::Send(message) => {
                    if !self.socket.feed(message).await {
                        return false;
                    }
                }
                Effect::Close(code, reason) => {
                    self.socket.close(code, &reason).await;
                    return false;
                }
                Effect::Open(hello) if !self.authorize(hello.token.as_deref()) => {}
                Effect::Open(hello) => {
                    self.greeting = Some((hello.client, hello.fence));
                    self.writes.push(Write::Open(hello, self.shared.address));
                }
                Effect::Append(append) => {
                    if self.writes.is_empty() {
                        self.writes.reserve(1 + self.server.pending_effects());
                    }
                    self.writes.push(Write::Append(append.into()));
                }
                Effect::Forward(event) => {
                    self.shared.hub.forward(Forwarded { from: self.number, event });
                }
                Effect::Locate { ticket, pattern, start } => {
                    self.lookups.push_back(Lookup::Locate(
                        ticket,
                        pattern,
                        start,
                        Search::default(),
                    ));
                }
                Effect::Read { ticket, stream, pattern, from, limit } => {
                    self.lookups.push_back(Lookup::Read(ticket, stream, pattern, from, limit));
                }
                Effect::History { ticket, stream, pattern, before, limit } => {
                    self.lookups.push_back(Lookup::History(ticket, stream, pattern, before, limit));
                }
                Effect::Refresh(token) => {
                    self.authorize(Some(&token));
                }
                effect @ (Effect::Join { .. }
                | Effect::Leave(_)
                | Effect::Watch(_)
                | Effect::Unwatch(_)) => self.attend(effect),
            }
        }
        true
    }

    /// Takes committed events, some of each stream, up to the offsets `heads`; if they are no longer at
    /// hand, each subscription reads on from the log.
    fn catch_up(&mut self, heads: &[u64]) {
        for (stream, head) in heads.iter().enumerate() {
            let told = self.told[stream];
            if told >= *head {
                continue;
            }
            match self.shared.hub.recent(stream, told + 1) {
                Recent::Events(events) => {
                    self.server.committed(&events);
                    self.told[stream] = events.last().map_or(told, |last| last.offset);
                }
                Recent::Older => {
                    self.server.lagged(stream, *head);
                    self.told[stream] = *head;
                }
            }
        }
    }

    /// Tells the machine of ephemeral events until it has a message to send; false if there are none. Many
    /// messages at a time would be memory that the allocator gives back, and gets anew with each burst.
    fn forwarded(&mut self, arrived: &mut VecDeque<Arc<Forwarded>>) -> bool {
        let some = !arrived.is_empty();
        while self.server.pending_effects() == 0
            && let Some(event) = arrived.pop_front()
        {
            self.server.forwarded(&event.event);
        }
        some
    }

    fn heard(&mut self, heard: Heard) {
        let now = self.now();
        self.server.set_clock(now, since_1970());
        match heard {
            Heard::Binary(bytes) => self.server.received(&bytes, now),
            Heard::Text(text) => self.server.received_text(text.as_str(), now),
            Heard::Ping => self.server.heard(now),
            Heard::TooLarge => self.server.too_large(),
            Heard::Broken(message) => self.server.close(CloseCode::ProtocolError, &message),
            Heard::Gone => {
                // Nobody is there to be told; the machine forgets what it would have sent.
                self.socket.gone();
                self.server.close(CloseCode::Silent, "");
            }
        }
    }

    /// With what has come already, so that it is answered and handed on together.
    fn heard_all(&mut self, first: Heard) {
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(heard) = next.take() {
            bytes += match &heard {
                Heard::Binary(bytes) => bytes.len(),
                Heard::Text(text) => text.as_str().len(),
                // What follows an end is not asked for.
                _ => TOGETHER,
            };
            self.heard(heard);
            if bytes < TOGETHER && !self.server.is_full() {
                next = self.socket.hear_now();
            }
        }
    }

    fn answered(&mut self, answer: Answer) {
        match answer {
            Answer::Opened(opened) => {
                // Until then it may be anybody with another's id.
                if let (Opened::Welcome { .. }, Some((client, fence))) =
                    (&opened, self.greeting.take())
                {
                    self.client = Some((client, fence));
                    self.fenced = Some(self.shared.hub.arrive(client, fence));
                }
                self.server.opened(opened);
            }
            Answer::Decided(ticket, decided) => self.server.decided(ticket, decided),
        }
    }
}
