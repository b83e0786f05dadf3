//! `POST /events`: backends publish by HTTP, after the HTTP binding of CloudEvents 1.0.2.
//!
//! The events pass the same checks and limits as those of a connection. The answer comes after the commit. Either all
//! events of a request are published or none is.

mod binding;
mod body;
mod problem;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use session::json::{Incoming, is_guest_secret};
use session::server::{Costs, Decided, Ephemeral, Posted, Server, Wire};
use session::{Durability, MAX_UNANSWERED, RejectCode};
use store::Write;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{AppState, RETRY, bearer};
use crate::authority::{Admitted, Refused as Refusal};
use crate::border::audit::{self, Actor, Refused};
use crate::border::{Client, Peer};
use crate::connection::{FULL, Shared};
use crate::hub::{Answer, Charge, Forwarded, Queued};
use crate::limits::{Allowance, Kind};
use binding::Mode;
use problem::Problem;

/// The header with the secret by which a guest is recognised.
const GUEST: &str = "edk-guest";
/// The media type of the answers.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Publishes the events of a request.
pub(super) async fn post(
    State(app_state): State<AppState>,
    Extension(peer): Extension<Arc<Peer>>,
    request: Request,
) -> Response {
    let answer = match publish(app_state, &peer, request).await {
        Ok((status, answer)) => {
            (status, [(header::CONTENT_TYPE, JSON)], format!("{answer}\n")).into_response()
        }
        Err(problem) => problem.into_response(),
    };
    ([(header::CACHE_CONTROL, "no-store")], answer).into_response()
}

async fn publish(
    app_state: AppState,
    peer: &Peer,
    request: Request,
) -> Result<(StatusCode, Value), Problem> {
    let AppState { shared, connections_done, .. } = app_state;
    let border = &*shared.border;
    let (head, body) = request.into_parts();
    let headers = &head.headers;
    let mut client = border.client(peer, headers);
    if !border.is_origin(peer, headers) {
        let code = StatusCode::FORBIDDEN.as_u16();
        audit::refused(&border.metrics, Refused::Origin, client.address, code);
        let detail = "pages of this origin may not publish; see --allow-origin";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail));
    }
    let Some(_counted) = border.admits_request(peer, &client) else {
        let code = StatusCode::SERVICE_UNAVAILABLE.as_u16();
        audit::refused(&border.metrics, Refused::Limit, client.address, code);
        let problem = Problem::overloaded("too many connections come from your address");
        return Err(problem.retry(Duration::from_millis(RETRY.into())));
    };
    let mut server = sign_in(&shared, &mut client, headers).await?;
    border.charge_request(&client.allowance).await;
    let mode = Mode::of(headers)?;
    let (bytes, permit) = {
        let _lent = peer.gate.lend(&client.allowance);
        let most = shared.options.max_message;
        body::read(body, headers, most, &border.unfinished(&client), shared.message_timeout).await?
    };
    let most = MAX_UNANSWERED.min(client.allowance.burst(Kind::Publishes));
    let events = mode.read(headers, bytes, most)?;
    charge(&shared, &client.allowance, events.len())?;
    let checked = check(&mut server, events);
    let is_denied = server.take_denials() > 0;
    let actor = Actor { subject: server.subject(), address: client.address };
    if is_denied {
        audit::denied(actor);
    }
    let checked = checked?;
    let queued = Queued::new(client.share.clone());
    let charge = timeout(FULL, queued.charge(&checked.writes)).await;
    let full = || Problem::overloaded("too many events of your address wait for the store");
    let charge = charge.map_err(|_| full().retry(Duration::from_millis(RETRY.into())))?;
    drop(permit);
    still_admitted(&shared, actor, headers)?;
    // In a task of its own, so that a client that closes the connection can no longer stop it.
    let publishing = tokio::spawn(async move {
        let acks = checked.publish(&shared, charge).await;
        drop(connections_done);
        acks
    });
    let stopped = |_| Problem::rejected(RejectCode::Unavailable, "the relay stops");
    let (acks, are_ephemeral) = publishing.await.map_err(stopped)??;
    let status = if are_ephemeral { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, mode.answer(acks)))
}

/// Asks the authority about the client. Returns a server that checks its events.
async fn sign_in(
    shared: &Shared,
    client: &mut Client,
    headers: &HeaderMap,
) -> Result<Server, Problem> {
    let heads = shared.hub.heads().borrow().to_vec();
    let mut server = Server::new(Arc::clone(&shared.options), Wire::Json, &heads, 0);
    server.set_clock(0, store::now());
    let mut guest = [0; 16];
    getrandom::fill(&mut guest)
        .map_err(|_| Problem::rejected(RejectCode::Unavailable, "the system has no randomness"))?;
    server.set_guest(guest);
    let token = bearer(headers);
    let unbound = |admitted: Admitted| match admitted.granted.key {
        None => Ok(admitted),
        Some(_) => Err(Refusal("the token is bound to a device key: use one without".to_owned())),
    };
    let checked = shared.authority.as_deref().map(|authority| authority.check(token.as_deref()));
    match checked.map(|checked| checked.and_then(unbound)) {
        None => {}
        Some(Ok(Admitted { granted, raised, key })) => {
            if let Some(account) = &granted.account {
                shared.border.sign_in(client, account.name(), raised);
            }
            server.granted(granted, 0);
            let actor = Actor { subject: server.subject(), address: client.address };
            audit::connected(actor, key.as_deref());
        }
        Some(Err(refused)) => {
            // Checking a wrong token costs as much as a valid request.
            shared.border.charge_request(&client.allowance).await;
            let code = StatusCode::UNAUTHORIZED.as_u16();
            audit::refused(&shared.metrics, Refused::Credential, client.address, code);
            return Err(Problem::unauthorized(&refused.0, token.is_some()));
        }
    }
    if let Some(secret) = headers.get(GUEST) {
        let secret = secret.to_str().ok().filter(|secret| is_guest_secret(secret));
        let unfit = "the header `edk-guest` is a random string of 128 bits or more: 32 hexadecimal digits, or 22 of base64url";
        let secret = secret.ok_or_else(|| Problem::rejected(RejectCode::IllegalEvent, unfit))?;
        server.set_guest_secret(secret);
    }
    Ok(server)
}

/// Asks the authority once more: the token may have ended, or the account may have been revoked, while the body
/// arrived.
fn still_admitted(shared: &Shared, actor: Actor<'_>, headers: &HeaderMap) -> Result<(), Problem> {
    let token = bearer(headers);
    match shared.authority.as_deref().map(|authority| authority.check(token.as_deref())) {
        None | Some(Ok(_)) => Ok(()),
        Some(Err(refused)) => {
            let code = StatusCode::UNAUTHORIZED.as_u16();
            audit::refused(&shared.metrics, Refused::Credential, actor, code);
            Err(Problem::unauthorized(&refused.0, token.is_some()))
        }
    }
}

/// Charges the events to the rate of the client. A request that exceeds it is refused and not delayed: a backend can
/// wait.
fn charge(shared: &Shared, allowance: &Allowance, events: usize) -> Result<(), Problem> {
    let publishes = u32::try_from(events).unwrap_or(u32::MAX);
    shared.metrics.events.requested(Costs { publishes, ..Costs::default() });
    if allowance.try_take(Kind::Publishes, publishes) {
        return Ok(());
    }
    let problem = Problem::rejected(RejectCode::TooFast, "more events than your rate allows");
    Err(problem.retry(allowance.retry(Kind::Publishes) * publishes))
}

/// An event of the request.
struct Event {
    id: String,
    /// Its source, with the client's identity. `None` for an ephemeral event.
    source: Option<String>,
}

impl Event {
    /// The answer for an event that the store has decided about.
    fn stored(self, answer: Option<Answer>) -> Result<Value, Problem> {
        match answer {
            Some(Answer::Decided(_, Decided::Stored(position, durability))) => Ok(json!({
                "id": self.id,
                "source": self.source,
                "stream": position.stream.as_str(),
                "epoch": position.epoch.to_string(),
                "offset": position.offset.to_string(),
                "durability": name_of(durability),
            })),
            Some(Answer::Decided(_, Decided::Rejected { code, message, retry })) => {
                let problem = Problem::rejected(code, &message).of(self.id);
                Err(match retry {
                    Some(retry) => problem.retry(Duration::from_millis(retry.into())),
                    None => problem,
                })
            }
            // Events without a number are not fenced, and each one is answered.
            Some(Answer::Decided(_, Decided::Fenced) | Answer::Deleted(..) | Answer::Opened(_))
            | None => Err(Problem::rejected(RejectCode::Unavailable, "the store did not answer")),
        }
    }
}

fn name_of(durability: Durability) -> &'static str {
    match durability {
        Durability::Memory => "memory",
        Durability::Disk => "disk",
        Durability::Replicated => "replicated",
    }
}

/// The events of a request, none of which is refused.
#[derive(Default)]
struct Checked {
    /// All of them, in their order.
    events: Vec<Event>,
    /// The ephemeral ones.
    forwards: Vec<Ephemeral>,
    /// The durable ones.
    writes: Vec<Write>,
}

impl Checked {
    /// Publishes the events: first the durable ones, in one commit, and then the ephemeral ones if the store has taken
    /// those. Returns the answers, and whether all events are ephemeral.
    async fn publish(self, shared: &Shared, charge: Charge) -> Result<(Vec<Value>, bool), Problem> {
        let Self { events, forwards, writes } = self;
        let mut decided = Vec::new().into_iter();
        if !writes.is_empty() {
            let (answer, mut answered) = mpsc::unbounded_channel();
            let is_queued = shared.hub.write(writes, None, &answer, charge).await;
            drop(answer);
            let answers = if is_queued { answered.recv().await } else { None };
            let stopped = || Problem::rejected(RejectCode::Unavailable, "the store has stopped");
            decided = answers.ok_or_else(stopped)?.into_iter();
        }
        let acks = events.into_iter().map(|event| match event.source {
            Some(_) => event.stored(decided.next()),
            None => Ok(json!({ "id": event.id, "ephemeral": true })),
        });
        let acks = acks.collect::<Result<Vec<Value>, Problem>>()?;
        let are_ephemeral = forwards.len() == acks.len() && !acks.is_empty();
        shared.metrics.events.forwarded(forwards.len() as u64);
        for event in forwards {
            shared.hub.forward(Forwarded { from: shared.hub.number(), event });
        }
        Ok((acks, are_ephemeral))
    }
}

/// Checks all events before any of them is published.
fn check(server: &mut Server, incoming: Vec<Incoming>) -> Result<Checked, Problem> {
    let mut checked = Checked::default();
    let Checked { events, forwards, writes } = &mut checked;
    for incoming in incoming {
        let Incoming::Publish { topic, body, ephemeral } = incoming else {
            let detail = "types that begin with `$link.` are for connections";
            return Err(Problem::rejected(RejectCode::IllegalEvent, detail));
        };
        let id = body.id.clone();
        match server.post(&topic, body, ephemeral) {
            Ok(Posted::Append(append)) => {
                let source = append.event.as_ref().ok().map(|(_, body)| body.source.clone());
                events.push(Event { id, source });
                writes.push(Write::Append((*append).into()));
            }
            Ok(Posted::Forward(event)) => {
                events.push(Event { id, source: None });
                forwards.push(event);
            }
            Err(refusal) => return Err(Problem::rejected(refusal.code, &refusal.message).of(id)),
        }
    }
    Ok(checked)
}
