//! One WebSocket: feeds the protocol's state machine and carries out its effects.
//!
//! It awaits each send before it feeds more, so that a slow receiver costs a position and not a queue.

mod socket;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::WebSocket;
use bus::Pattern;
use session::CloseCode;
use session::server::{Effect, Located, Message, Opened, Options, Page, Server, Ticket, Wire};
use tokio::sync::{mpsc, oneshot, watch};

use crate::hub::{Answer, Forwarded, Hub, Recent};
use crate::store::{Store, StoreError, Write};
use socket::{Heard, Socket};

/// A connection goes on hearing before it answers, up to so many bytes.
const TOGETHER: usize = 16 << 10;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: Arc<Options>,
    /// Where the client is, if new clients from there are limited.
    pub(crate) address: Option<IpAddr>,
    /// Becomes true when the relay shuts down.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// A read that the store is to do; one at a time, so that pages do not pile up.
enum Lookup {
    Locate(Ticket, Pattern, session::Start),
    Read(Ticket, Pattern, u64, usize),
}

/// What a read found.
enum Found {
    Located(Ticket, Located),
    Page(Ticket, Page),
    Committed(Page),
    Nothing,
}

struct Connection {
    shared: Shared,
    server: Server,
    socket: Socket,
    number: u64,
    began: Instant,
    /// The first offset that the machine has not been told of.
    cursor: u64,
    answers: mpsc::UnboundedSender<Answer>,
    lookups: VecDeque<Lookup>,
    /// The client that says hello, and the fencing token.
    client: Option<([u8; 16], u64)>,
    fenced: Option<oneshot::Receiver<()>>,
    stopping: bool,
}

/// Speaks with one client until either end closes.
pub(crate) async fn run(socket: WebSocket, wire: Wire, shared: Shared) {
    let mut head = shared.hub.head();
    let last = *head.borrow_and_update();
    let (answers, mut answered) = mpsc::unbounded_channel();
    let number = shared.hub.number();
    let mailbox = shared.hub.mailbox(number);
    let mut arrived = Vec::new();
    let mut connection = Connection {
        server: Server::new(Arc::clone(&shared.options), wire, last, 0),
        socket: Socket::new(socket),
        number,
        began: Instant::now(),
        cursor: last + 1,
        answers,
        lookups: VecDeque::new(),
        client: None,
        fenced: None,
        stopping: false,
        shared,
    };
    let mut stopping = connection.shared.stopping.clone();
    let mut stopped = pin!(stopping.wait_for(|stopping| *stopping));
    let mut alarm = pin!(tokio::time::sleep(Duration::ZERO));
    let mut reading = None;
    while connection.carry_out().await {
        if let Some(patterns) = connection.server.interests() {
            mailbox.want(patterns);
        }
        if reading.is_none() {
            reading = connection.next_read(*head.borrow_and_update());
        }
        tokio::select! {
            heard = connection.socket.hear() => connection.heard_all(heard),
            Some(answer) = answered.recv() => connection.answered(answer),
            found = async { reading.as_mut().unwrap_or(&mut none()).await }, if reading.is_some() => {
                reading = None;
                connection.found(found);
            }
            Ok(()) = head.changed() => {}
            () = poll_fn(|context| mailbox.poll_take(context, &mut arrived)) => {
                for event in arrived.drain(..) {
                    connection.server.forwarded(&event.event);
                }
            }
            () = alarm.as_mut() => {
                let now = connection.now();
                connection.server.tick(now);
                // What moves the deadline is far more frequent than the deadline.
                let deadline = Duration::from_millis(connection.server.deadline());
                alarm.as_mut().reset((connection.began + deadline).into());
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
    if let Some((client, fence)) = connection.client {
        connection.shared.hub.leave(client, fence);
    }
}

/// Closes a socket with which no protocol was agreed on.
pub(crate) async fn reject(socket: WebSocket, code: CloseCode, message: &str) {
    Socket::new(socket).close(code, message).await;
}

type Reading = std::pin::Pin<Box<dyn Future<Output = Result<Found, StoreError>> + Send>>;

/// Stands where `select!` wants a future in a branch that is off.
fn none() -> Reading {
    Box::pin(std::future::pending())
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

    /// Carries out what the machine asks for; false once the connection is closed.
    async fn carry_out(&mut self) -> bool {
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
                Effect::Open(hello) => {
                    self.client = Some((hello.client, hello.fence));
                    self.write(Write::Open(hello, self.shared.address)).await;
                }
                Effect::Append(append) => self.write(Write::Append(append)).await,
                Effect::Forward(event) => {
                    self.shared.hub.forward(Forwarded { from: self.number, event });
                }
                Effect::Locate { ticket, pattern, start } => {
                    self.lookups.push_back(Lookup::Locate(ticket, pattern, start));
                }
                Effect::Read { ticket, pattern, from, limit } => {
                    self.lookups.push_back(Lookup::Read(ticket, pattern, from, limit));
                }
                Effect::History { .. }
                | Effect::Refresh(_)
                | Effect::Join { .. }
                | Effect::Leave(_)
                | Effect::Watch(_)
                | Effect::Unwatch(_) => {}
            }
        }
        self.socket.flush().await
    }

    async fn write(&mut self, write: Write) {
        if !self.shared.hub.write(write, &self.answers).await {
            self.server.close(CloseCode::Unavailable, "the store has stopped");
        }
    }

    /// The next thing to read: committed events first, for they keep the connection up to date.
    fn next_read(&mut self, head: u64) -> Option<Reading> {
        let from = self.cursor;
        if from <= head {
            if let Recent::Events(events) = self.shared.hub.recent(from) {
                let next = events.last().map_or(from, |last| last.offset + 1);
                return Some(Box::pin(async move {
                    Ok(Found::Committed(Page { events, next, gap: None }))
                }));
            }
            let page = self.shared.options.page;
            let everything = Pattern::parse(">").ok()?;
            return Some(
                self.blocking(move |store| {
                    store.read(&everything, from, page).map(Found::Committed)
                }),
            );
        }
        Some(match self.lookups.pop_front()? {
            Lookup::Locate(ticket, pattern, start) => self.blocking(move |store| {
                store.locate(&pattern, &start).map(|located| Found::Located(ticket, located))
            }),
            Lookup::Read(ticket, pattern, from, limit) => self.blocking(move |store| {
                store.read(&pattern, from, limit).map(|page| Found::Page(ticket, page))
            }),
        })
    }

    fn blocking(
        &self,
        work: impl FnOnce(&dyn Store) -> Result<Found, StoreError> + Send + 'static,
    ) -> Reading {
        let store = Arc::clone(&self.shared.store);
        let task = tokio::task::spawn_blocking(move || work(&*store));
        // A task is cancelled only when the runtime ends.
        Box::pin(async move { task.await.unwrap_or(Ok(Found::Nothing)) })
    }

    fn found(&mut self, found: Result<Found, StoreError>) {
        match found {
            Ok(Found::Located(ticket, located)) => self.server.located(ticket, located),
            Ok(Found::Page(ticket, page)) => self.server.page(ticket, &page),
            Ok(Found::Committed(page)) => {
                self.server.committed(&page.events);
                self.cursor = self.cursor.max(page.next);
            }
            Ok(Found::Nothing) => {}
            Err(error) => {
                tracing::error!(%error, "a connection ends because it cannot be served");
                self.server.close(CloseCode::Unavailable, "the store cannot be used now");
            }
        }
    }

    fn heard(&mut self, heard: Heard) {
        let now = self.now();
        match heard {
            Heard::Message(Message::Binary(bytes)) => self.server.received(&bytes, now),
            Heard::Message(Message::Text(text)) => self.server.received_text(&text, now),
            Heard::Message(Message::Ping) => self.server.heard(now),
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
                Heard::Message(Message::Binary(message)) => message.len(),
                Heard::Message(Message::Text(message)) => message.len(),
                // What follows an end is not asked for.
                _ => TOGETHER,
            };
            self.heard(heard);
            if bytes < TOGETHER {
                next = self.socket.hear_now();
            }
        }
    }

    fn answered(&mut self, answer: Answer) {
        match answer {
            Answer::Opened(opened) => {
                match (&opened, self.client) {
                    (Opened::Welcome { .. }, Some((client, fence))) => {
                        self.fenced = Some(self.shared.hub.arrive(client, fence));
                    }
                    _ => self.client = None,
                }
                self.server.opened(opened);
            }
            Answer::Decided(ticket, decided) => self.server.decided(ticket, decided),
        }
    }
}
