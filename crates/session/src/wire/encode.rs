//! Encodes frames and bodies as CBOR. Handwritten for size, like [`decode`](crate::wire::decode): one loop over the
//! fields of all maps is small.

mod fields;
mod writer;

use super::body::{Body, Stream};
use super::codes::RejectCode;
use super::frame::{Attendee, FromClient, FromPeer, Recipient, TallyTopic, TopicTally};
use super::kind::FrameKind;
use crate::rights::{Right, Rights};
use fields::{Value, map, optional_text, stream};
pub(crate) use fields::{at, bytes, flag, number, number_list, text};
use writer::Writer;

use Value::{By, Extensions, Number, Pair, Path, Start as StartAt, Text};

/// Appends a client's frame to a message.
pub(crate) fn from_client(sent: &FromClient, message: &mut Vec<u8>) {
    match sent {
        FromClient::Hello(f) => frame(
            message,
            FrameKind::Hello,
            &[
                bytes(&f.client),
                f.secret.as_ref().and_then(|it| bytes(it)),
                number(f.fence),
                number(f.lowest),
                flag(f.returning),
                optional_text(&f.token),
                f.key.as_ref().and_then(|it| bytes(it)),
                f.proof.as_ref().and_then(|it| bytes(it)),
                flag(f.reading),
            ],
        ),
        FromClient::Subscribe(f) => frame(
            message,
            FrameKind::Subscribe,
            &[
                number(f.subscription),
                text(&f.pattern),
                Some(StartAt(&f.start)),
                f.credit.map(|(events, bytes)| Pair(events, bytes)),
            ],
        ),
        FromClient::UnknownStart(f) => {
            frame(message, FrameKind::Subscribe, &[number(f.subscription)])
        }
        FromClient::Unsubscribe(f) => {
            frame(message, FrameKind::Unsubscribe, &[number(f.subscription)])
        }
        FromClient::Publish(f) => frame(
            message,
            FrameKind::Publish,
            &[
                f.number.and_then(number),
                number(f.topic),
                optional_text(&f.name),
                bytes(&f.body),
                f.lowest.and_then(number),
            ],
        ),
        FromClient::Credit(f) => frame(
            message,
            FrameKind::Credit,
            &[number(f.subscription), number(f.events), number(f.bytes)],
        ),
        FromClient::Ping(f) => frame(message, FrameKind::Ping, &[number(f.number)]),
        FromClient::Pong(f) => frame(message, FrameKind::Pong, &[number(f.number)]),
        FromClient::Refresh(f) => frame(message, FrameKind::Refresh, &[text(&f.token)]),
        FromClient::History(f) => frame(
            message,
            FrameKind::History,
            &[
                number(f.request),
                text(&f.pattern),
                f.before.and_then(number),
                number(f.limit),
                stream(&f.stream),
            ],
        ),
        FromClient::Join(f) => {
            frame(message, FrameKind::Join, &[text(&f.topic), text(&f.key), bytes(&f.data)])
        }
        FromClient::Leave(f) => frame(message, FrameKind::Leave, &[text(&f.topic)]),
        FromClient::Watch(f) => frame(message, FrameKind::Watch, &[text(&f.topic)]),
        FromClient::Unwatch(f) => frame(message, FrameKind::Unwatch, &[text(&f.topic)]),
        FromClient::Delete(f) => {
            frame(message, FrameKind::Delete, &[number(f.request), at(&f.position)])
        }
        FromClient::Tally(f) => {
            let topics = |out: &mut Writer<'_>| {
                out.array(f.topics.len());
                for TallyTopic { topic, after } in &f.topics {
                    out.array(1 + usize::from(after.is_some()));
                    out.text(topic);
                    if let Some(after) = after {
                        fields::write(out, &Value::Position(after));
                    }
                }
            };
            frame(message, FrameKind::Tally, &[number(f.request), Some(By(&topics))]);
        }
    }
}

/// Appends a peer's frame to a message.
pub(crate) fn from_peer(sent: &FromPeer, message: &mut Vec<u8>) {
    match sent {
        FromPeer::ChangedRights(rights) => {
            with_rights(rights, |rights| frame(message, FrameKind::ChangedRights, &[rights]));
        }
        FromPeer::Welcome(f) => {
            with_rights(&f.rights, |rights| {
                let fields = [
                    text(&f.peer),
                    number(f.highest),
                    optional_text(&f.highest_id),
                    number(f.heartbeat),
                    number(f.max_message),
                    flag(f.forgotten),
                    optional_text(&f.subject),
                    rights,
                    number_list(&f.kinds),
                    flag(f.reading),
                ];
                frame(message, FrameKind::Welcome, &fields);
            });
        }
        FromPeer::Subscribed(f) => {
            let others = (!f.others.is_empty()).then_some(Value::Positions(&f.others));
            frame(
                message,
                FrameKind::Subscribed,
                &[number(f.subscription), at(&f.head), flag(f.reset), others],
            )
        }
        FromPeer::Refused(f) => frame(
            message,
            FrameKind::Refused,
            &[number(f.subscription), number(f.code as u64), text(&f.message)],
        ),
        FromPeer::Ack(f) => frame(
            message,
            FrameKind::Ack,
            &[number(f.number), at(&f.position), number(f.durability as u64)],
        ),
        FromPeer::Reject(f) => frame(
            message,
            FrameKind::Reject,
            &[number(f.number), number(f.code as u64), text(&f.message), f.retry.and_then(number)],
        ),
        FromPeer::Event(f) => {
            let name = f.name.as_deref();
            event(message, f.topic, name, &f.recipients, f.offset, &f.body, &f.stream);
        }
        FromPeer::CaughtUp(f) => frame(
            message,
            FrameKind::CaughtUp,
            &[number(f.subscription), number(f.count), at(&f.head)],
        ),
        FromPeer::Gap(f) => {
            let stream = stream(&f.stream);
            frame(
                message,
                FrameKind::Gap,
                &[number(f.subscription), number(f.from), number(f.to), stream],
            )
        }
        FromPeer::Ping(f) => frame(message, FrameKind::Ping, &[number(f.number)]),
        FromPeer::Pong(f) => frame(message, FrameKind::Pong, &[number(f.number)]),
        FromPeer::Bye(f) => frame(
            message,
            FrameKind::Bye,
            &[number(f.code), text(&f.message), f.retry.and_then(number)],
        ),
        FromPeer::Expiring(f) => frame(message, FrameKind::Expiring, &[number(f.milliseconds)]),
        FromPeer::Page(f) => {
            let entries = f.entries.iter().map(|it| (it.offset, it.topic.as_str(), &*it.body));
            let next = f.next.as_ref().map(|(stream, before)| (stream, *before));
            page(message, f.request, f.epoch, entries, next, f.refused);
        }
        FromPeer::Present(f) => frame(
            message,
            FrameKind::Present,
            &[text(&f.topic), Some(By(&|out| attendees(out, &f.entries)))],
        ),
        FromPeer::Presence(f) => {
            let joined = |out: &mut Writer<'_>| attendees(out, &f.joined);
            frame(
                message,
                FrameKind::Presence,
                &[text(&f.topic), Some(By(&joined)), Some(Value::Numbers(&f.left))],
            );
        }
        FromPeer::NotPresent(f) => frame(
            message,
            FrameKind::NotPresent,
            &[text(&f.topic), number(f.code as u64), text(&f.message)],
        ),
        FromPeer::Denied(f) => frame(
            message,
            FrameKind::Denied,
            &[number(f.topic), number(f.code as u64), text(&f.message)],
        ),
        FromPeer::Deleted(f) => {
            let code = f.outcome.as_ref().err().and_then(|code| number(*code as u64));
            let position = f.outcome.as_ref().ok().and_then(at);
            frame(
                message,
                FrameKind::Deleted,
                &[number(f.request), position, code, f.retry.and_then(number)],
            );
        }
        FromPeer::Tallied(f) => {
            let topics = f.topics.as_ref().ok().map(|topics| {
                move |out: &mut Writer<'_>| {
                    out.array(topics.len());
                    topics.iter().for_each(|topic| count(out, topic));
                }
            });
            let code = f.topics.as_ref().err().and_then(|code| number(*code as u64));
            let topics = topics.as_ref().map(|topics| By(topics));
            frame(message, FrameKind::Tallied, &[number(f.request), topics, code]);
        }
    }
}

/// Appends an event. The shared body is copied directly into the message.
pub(crate) fn event(
    message: &mut Vec<u8>,
    topic: u32,
    name: Option<&str>,
    recipients: &[Recipient],
    offset: Option<u64>,
    body: &[u8],
    of: &Stream,
) {
    message.reserve(body.len() + 64);
    let recipients = |out: &mut Writer<'_>| {
        out.array(recipients.len());
        for recipient in recipients {
            out.array(if recipient.previous.is_some() { 2 } else { 1 });
            out.number(recipient.subscription.into());
            if let Some(previous) = recipient.previous {
                out.number(previous);
            }
        }
    };
    let fields = [
        number(topic),
        name.map(Text),
        Some(By(&recipients)),
        offset.and_then(number),
        bytes(body),
        stream(of),
    ];
    frame(message, FrameKind::Event, &fields);
}

/// Appends a page of history.
pub(crate) fn page<'p>(
    message: &mut Vec<u8>,
    request: u32,
    epoch: u64,
    entries: impl ExactSizeIterator<Item = (u64, &'p str, &'p [u8])> + Clone,
    next: Option<(&Stream, u64)>,
    refused: Option<RejectCode>,
) {
    let entries = |out: &mut Writer<'_>| triples(out, entries.clone());
    let code = refused.and_then(|code| number(code as u64));
    frame(
        message,
        FrameKind::Page,
        &[
            number(request),
            number(epoch),
            Some(By(&entries)),
            next.and_then(|(_, next)| number(next)),
            code,
            next.and_then(|(of, _)| stream(of)),
        ],
    );
}

/// Calls `used` with the field that says what a client may do: none for all rights.
pub(crate) fn with_rights(rights: &Rights, used: impl FnOnce(Option<Value<'_>>)) {
    let write = |out: &mut Writer<'_>| write_rights(out, rights);
    used((!rights.are_all()).then_some(By(&write)));
}

fn write_rights(out: &mut Writer<'_>, rights: &Rights) {
    let lists = Right::ALL.map(|right| rights.patterns(right).unwrap_or_default());
    out.map(lists.iter().filter(|list| !list.is_empty()).count());
    for (right, list) in Right::ALL.iter().zip(lists).filter(|(_, list)| !list.is_empty()) {
        out.number(*right as u64);
        out.array(list.len());
        list.iter().for_each(|pattern| out.text(pattern.as_str()));
    }
}

fn count(out: &mut Writer<'_>, tally: &TopicTally) {
    let newest = tally.newest.as_ref();
    let fields = [
        number(tally.count),
        tally.head.as_ref().and_then(at),
        newest.and_then(|(offset, _)| number(*offset)),
        newest.and_then(|(_, body)| bytes(body)),
        tally.refused.and_then(|code| number(code as u64)),
    ];
    map(out, &fields);
}

fn attendees(out: &mut Writer<'_>, attendees: &[Attendee]) {
    triples(out, attendees.iter().map(|it| (it.id, it.key.as_str(), &*it.data)));
}

fn triples<'t>(
    out: &mut Writer<'_>,
    triples: impl ExactSizeIterator<Item = (u64, &'t str, &'t [u8])>,
) {
    out.array(triples.len());
    for (number, text, bytes) in triples {
        out.array(3);
        out.number(number);
        out.text(text);
        out.bytes(bytes);
    }
}

/// Appends a byte string.
pub(crate) fn byte_string(message: &mut Vec<u8>, bytes: &[u8]) {
    // Nearly all have a length in this range, and a server sends a lot of them.
    if let length @ 24..=255 = bytes.len() {
        message.extend_from_slice(&[0x58, length as u8]);
        message.extend_from_slice(bytes);
    } else {
        Writer::new(message).bytes(bytes);
    }
}

impl Body {
    /// Encodes the body.
    pub fn encode(&self) -> Vec<u8> {
        let body = self;
        let attributes = body.id.len() + body.source.len();
        let signature = body.signature.map_or(0, |signature| signature.len());
        let mut message = Vec::with_capacity(body.data.len() + attributes + signature + 64);
        let fields = [
            text(&body.id),
            (!body.source.is_empty()).then_some(Text(&body.source)),
            body.time.and_then(number),
            optional_text(&body.content_type),
            optional_text(&body.schema),
            bytes(&body.data),
            (!body.extensions.is_empty()).then_some(Extensions(&body.extensions)),
            (!body.path.is_empty()).then_some(Path(&body.path)),
            body.signature.as_ref().and_then(|signature| bytes(signature)),
            (!body.signed.is_empty()).then_some(Path(&body.signed)),
            (body.nanoseconds > 0).then_some(Number(body.nanoseconds.into())),
            optional_text(&body.authid),
        ];
        map(&mut Writer::new(&mut message), &fields);
        message
    }
}

/// Appends a frame.
fn frame(message: &mut Vec<u8>, kind: FrameKind, fields: &[Option<Value<'_>>]) {
    tagged(message, kind.number(), fields);
}

/// Appends an array of a number and a map.
pub(crate) fn tagged(message: &mut Vec<u8>, number: u64, fields: &[Option<Value<'_>>]) {
    let out = &mut Writer::new(message);
    out.array(2);
    out.number(number);
    map(out, fields);
}
