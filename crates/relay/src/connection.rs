//! One WebSocket: drives the protocol's state machine.
//!
//! It awaits each send before it feeds more, so that a slow receiver costs a position and not a queue.

mod admission;
mod incoming;
mod outgoing;
mod pace;
mod reading;
mod services;
mod socket;
mod subscribed;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use session::server::{ChangedPatterns, Effect, Options, Server, SocketMessage, Wire};
use session::{Bye, CloseCode, FromPeer};
use store::{Store, Write};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::authority::Authority;
use crate::border::{Border, Client, Peer};
use crate::budget::Permit;
use crate::certificates::Certificates;
use crate::certificates::revocations::next_revocation;
use crate::hub::{Answer, Forwarded, Greeting, Hub, Queued};
use crate::metrics::{Meter, Metrics};
use crate::proof::ProofHosts;
use crate::websocket::WebSocket;
use pace::{Debt, Rest, paid};
use reading::{Asked, none};
use socket::Socket;

/// The time limit for a write to wait for memory.
pub(crate) const FULL: Duration = Duration::from_secs(10);

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: Arc<Options>,
    pub(crate) border: Arc<Border>,
    /// The time limit for a large message; zero for none.
    pub(crate) message_timeout: Duration,
    /// Checks credentials. Without one, every client may connect.
    pub(crate) authority: Option<Arc<dyn Authority>>,
    pub(crate) proof_hosts: ProofHosts,
    /// Checks the certificates of keys. Without it, none are taken.
    pub(crate) certificates: Option<Arc<Certificates>>,
    pub(crate) metrics: Arc<Metrics>,
    /// Becomes true when the relay is shutting down.
    pub(crate) stopping: watch::Receiver<bool>,
}

struct Connection {
    shared: Shared,
    /// The other end of its TCP connection,
    peer: Arc<Peer>,
    /// and the client behind it.
    from: Client,
    server: Server,
    socket: Socket,
    /// A message that was fed in part, and waits for the debt of that part.
    rest: Option<Rest>,
    /// The socket is not read until this debt is paid.
    debt: Option<Debt>,
    /// Whether the stream waits, as far as the connection knows.
    is_shut: bool,
    /// When to send a sign of life to a client that is not read.
    next_sign: Instant,
    /// The memory of large messages whose effects are not carried out yet.
    received: Option<Permit>,
    /// The memory of its writes that wait for the store.
    queued: Queued,
    /// The memory of large events that are being sent.
    sending: Option<Permit>,
    /// The memory of its subscriptions.
    subscribed: Option<Permit>,
    /// Whether the client has said hello, or has sent something valid.
    is_known: bool,
    number: u64,
    began: Instant,
    /// For each stream, the offset up to which the machine was fed.
    fed: Vec<u64>,
    meter: Meter,
    answers: mpsc::UnboundedSender<Vec<Answer>>,
    /// Writes that arrived together go to the writer together.
    writes: Vec<Write>,
    queries: VecDeque<Asked>,
    /// The hello that is not answered yet.
    greeting: Option<Greeting>,
    /// The client of this connection, and its fencing token.
    client: Option<([u8; 16], u64)>,
    fenced: Option<oneshot::Receiver<()>>,
    /// Rings when presence has changed at a topic that this connection watches.
    bell: Arc<Notify>,
    stopping: bool,
}

/// Serves one client until either end closes.
///
/// The connection is made before the future, because an async function would hold its arguments twice.
pub(crate) fn run(
    socket: WebSocket,
    wire: Wire,
    shared: Shared,
    peer: Arc<Peer>,
    from: Client,
    token: Option<String>,
) -> impl Future<Output = ()> + Send {
    let mut heads = shared.hub.heads();
    let mut last = heads.borrow_and_update().to_vec();
    let (answers, mut answered) = mpsc::unbounded_channel();
    let mut connection = Connection::new(socket, wire, shared, peer, from, &last, answers);
    // From before the authority is asked, so that no revocation is missed.
    let changes = connection.shared.certificates.as_ref().map(|it| it.revocations.changes());
    if wire == Wire::Json {
        connection.begin_json(token.as_deref());
    }
    let mailbox = connection.shared.hub.mailbox(connection.number);
    let mut arrived = VecDeque::new();
    let mut stopping = connection.shared.stopping.clone();
    async move {
        // A copy, because the guard of the value is not `Send`.
        let mut stopped = pin!(async { stopping.wait_for(|stopping| *stopping).await.is_ok() });
        let mut alarm = pin!(tokio::time::sleep(Duration::ZERO));
        let mut revoked = pin!(next_revocation(changes));
        let mut reading = None;
        while connection.carry_out().await {
            // A credential may have ended during a long send.
            if connection.deadline() <= Instant::now() {
                connection.tick();
                continue;
            }
            if connection.forwarded(&mut arrived).await || connection.next_part() {
                continue;
            }
            if let Some(ChangedPatterns { begun, ended }) = connection.server.changed_patterns() {
                mailbox.want(&begun, &ended);
            }
            last.copy_from_slice(&heads.borrow_and_update());
            let is_behind = connection.fed.iter().zip(&last).any(|(fed, head)| fed < head);
            if reading.is_none() {
                if connection.read_newest().await {
                    continue;
                }
                reading = connection.next_read();
            }
            connection.meter.look(&connection.server, &connection.fed, reading.is_none());
            // What moves the deadline back is far more frequent than the deadline.
            let deadline = connection.deadline();
            if deadline < alarm.deadline() {
                alarm.as_mut().reset(deadline);
            }
            tokio::select! {
                heard = connection.socket.hear(), if connection.may_hear() => {
                    connection.heard_all(heard);
                }
                () = paid(&mut connection.debt) => connection.debt = None,
                () = poll_fn(|context| connection.peer.gate.poll_shut(context, connection.is_shut)) => {
                    connection.shut();
                }
                Some(answers) = answered.recv() => {
                    answers.into_iter().for_each(|answer| connection.answered(answer));
                }
                found = async { reading.as_mut().unwrap_or(&mut none()).await }, if reading.is_some() => {
                    reading = None;
                    connection.found(found).await;
                }
                () = std::future::ready(()), if is_behind => connection.catch_up(&last).await,
                Ok(()) = heads.changed(), if !is_behind => {}
                first = poll_fn(|context| mailbox.poll_first(context)) => {
                    connection.take(&mailbox, &first, &mut arrived).await;
                }
                () = connection.bell.notified() => connection.tell_presence(),
                () = alarm.as_mut() => {
                    connection.tick();
                    alarm.as_mut().reset(connection.deadline());
                }
                changes = revoked.as_mut() => {
                    revoked.set(next_revocation(changes));
                    connection.end_if_revoked();
                }
                () = ended(&mut connection.fenced) => {
                    connection.fenced = None;
                    connection.server.fenced();
                }
                true = stopped.as_mut(), if !connection.stopping => {
                    connection.stopping = true;
                    connection.server.shut_down("the relay is shutting down");
                }
            }
        }
        connection.shared.hub.presence().gone(connection.number);
        if let Some((client, fence)) = connection.client {
            connection.shared.hub.leave(client, fence);
        }
    }
}

/// Closes a socket that is not served. Its client should not reconnect for `retry` milliseconds.
pub(crate) async fn reject(
    socket: WebSocket,
    wire: Wire,
    metrics: Arc<Metrics>,
    code: CloseCode,
    reason: &str,
    retry: Option<u32>,
) {
    metrics.connections.closed(code);
    let mut socket = Socket::new(socket, metrics.connections.stalled.clone());
    if wire == Wire::Frames {
        let mut bye = Vec::new();
        let (code, message) = (code.code(), reason.to_owned());
        FromPeer::Bye(Bye { code, message, retry }).encode(&mut bye);
        if !socket.feed(SocketMessage::Binary(bye)).await {
            return;
        }
    }
    socket.close(code, reason).await;
}

/// Echoes messages.
#[cfg(feature = "echo")]
pub(crate) async fn echo(socket: WebSocket) {
    use session::server::Texts;
    use socket::Heard;
    let mut socket = Socket::new(socket, prometheus_client::metrics::gauge::Gauge::default());
    loop {
        let message = match socket.hear().await {
            Heard::Binary(bytes) => SocketMessage::Binary(bytes.into()),
            Heard::Text(text) => SocketMessage::Texts(Texts::one(text.as_str())),
            Heard::Ping => continue,
            Heard::TooLarge | Heard::Broken(_) => return socket.refuse().await,
            Heard::Gone => return,
        };
        if !socket.feed(message).await || !socket.flush().await {
            return;
        }
    }
}

async fn ended(fenced: &mut Option<oneshot::Receiver<()>>) {
    match fenced {
        // The sender is kept and never used.
        Some(end) => drop(end.await),
        None => std::future::pending().await,
    }
}

impl Connection {
    fn new(
        socket: WebSocket,
        wire: Wire,
        shared: Shared,
        peer: Arc<Peer>,
        from: Client,
        last: &[u64],
        answers: mpsc::UnboundedSender<Vec<Answer>>,
    ) -> Self {
        let meter = Meter::new(&shared.metrics, wire, last);
        Self {
            server: Server::new(Arc::clone(&shared.options), wire, last, 0),
            socket: Socket::new(socket, meter.stalled()),
            meter,
            rest: None,
            debt: None,
            is_shut: false,
            next_sign: Instant::now(),
            received: None,
            queued: Queued::new(from.share.clone()),
            sending: None,
            subscribed: None,
            is_known: false,
            peer,
            from,
            number: shared.hub.number(),
            began: Instant::now(),
            fed: last.to_vec(),
            answers,
            writes: Vec::new(),
            queries: VecDeque::new(),
            greeting: None,
            client: None,
            fenced: None,
            bell: Arc::default(),
            stopping: false,
            shared,
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn deadline(&self) -> Instant {
        let deadline = self.began + Duration::from_millis(self.server.deadline());
        if self.is_held_back() { deadline.min(self.next_sign) } else { deadline }
    }

    /// Carries out effects. Returns false once the connection is closed.
    async fn carry_out(&mut self) -> bool {
        while self.carry_out_most().await {
            if self.writes.is_empty() {
                self.received = None;
                self.meter.add_up(&mut self.server);
                let is_sent = self.socket.flush().await;
                self.sending = None;
                return is_sent;
            }
            self.write().await;
        }
        self.meter.add_up(&mut self.server);
        // What arrived before the end is still logged.
        if !self.writes.is_empty() {
            self.write().await;
        }
        false
    }

    /// Queues the collected writes.
    async fn write(&mut self) {
        let writes = std::mem::take(&mut self.writes);
        let Ok(charge) = timeout(FULL, self.queued.charge(&writes)).await else {
            return self.overloaded("too many writes from your address are waiting");
        };
        let from = Some(self.from.address);
        if !self.shared.hub.write(writes, from, &self.answers, charge).await {
            self.server.close(CloseCode::Unavailable, "the store has stopped");
        }
    }

    /// Collects writes. Returns false once the connection is closed.
    async fn carry_out_most(&mut self) -> bool {
        while let Some(effect) = self.server.poll() {
            match effect {
                Effect::Send(message) => {
                    if !self.socket.feed(message).await {
                        return false;
                    }
                }
                Effect::Close(code, reason) => {
                    self.audit_close(code);
                    self.shared.metrics.connections.closed(code);
                    self.socket.close(code, &reason).await;
                    return false;
                }
                Effect::Open(hello) if !self.admits(&hello) => {}
                Effect::Open(mut hello) => {
                    // The store needs no credential and no proof.
                    (hello.token, hello.proof) = (None, None);
                    // The rights of a guest may name its id, which others then know. And only the fencing token in the
                    // store keeps a proof from being used twice.
                    let is_guest = self.server.subject().is_some_and(|it| it.starts_with('~'));
                    hello.reading &= !is_guest && hello.key.is_none();
                    self.greeting = Some(Greeting::of(&hello));
                    self.open(hello);
                }
                Effect::Record(hello) => self.open(hello),
                Effect::Append(mut append) => {
                    self.check_certificate(&mut append);
                    if self.writes.is_empty() {
                        self.writes.reserve(1 + self.server.pending_effects());
                    }
                    self.writes.push(Write::Append(append.into()));
                }
                Effect::Delete(deletion) => self.writes.push(Write::Delete(deletion)),
                Effect::Forward(event) => {
                    self.meter.forwarded();
                    self.shared.hub.forward(Forwarded { from: self.number, event });
                }
                Effect::Query(ticket, query) => self.queries.push_back(Asked::new(ticket, query)),
                Effect::Refresh(token) => self.refresh(&token),
                effect @ (Effect::Join { .. }
                | Effect::Leave(_)
                | Effect::Watch(_)
                | Effect::Unwatch(_)) => self.attend(effect),
            }
        }
        true
    }
}
