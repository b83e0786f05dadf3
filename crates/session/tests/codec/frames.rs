//! Arbitrary frames and bodies. Also the seeds of fuzzing.

use proptest::prelude::*;
use session::rights::{PatternLists, Rights};
use session::*;

fn stream() -> impl Strategy<Value = Stream> {
    prop_oneof![Just("main".to_owned()), ".{0,20}"].prop_map(|name| Stream::named(&name))
}

fn position() -> impl Strategy<Value = Position> {
    (stream(), any::<u64>(), number(), prop::option::of(".{0,20}"))
        .prop_map(|(stream, epoch, offset, id)| Position { stream, epoch, offset, id })
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..10_u64, 0..=MAX_NUMBER, Just(MAX_NUMBER)]
}

fn start() -> impl Strategy<Value = Start> {
    prop_oneof![
        Just(Start::Latest),
        Just(Start::Earliest),
        number().prop_map(Start::Last),
        prop::collection::vec(position(), 1..4).prop_map(Start::After),
    ]
}

fn code() -> impl Strategy<Value = RejectCode> {
    let known = (0..).map_while(RejectCode::from_number);
    prop::sample::select(known.chain([RejectCode::Unknown]).collect::<Vec<_>>())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

fn name() -> impl Strategy<Value = Option<String>> {
    prop::option::of(".{0,20}")
}

pub fn body() -> impl Strategy<Value = Body> {
    let extension = prop_oneof![
        ".{0,10}".prop_map(Extension::Text),
        any::<i32>().prop_map(Extension::Integer),
        any::<bool>().prop_map(Extension::Boolean),
    ];
    let extensions = prop::collection::btree_map("[a-z0-9]{1,8}", extension, 0..3);
    let path = prop::collection::vec("[a-f0-9]{8}", 0..3);
    let signed = prop::collection::vec("[a-z0-9]{1,8}", 0..3);
    let signature = (prop::array::uniform32(any::<u16>()), signed).prop_map(|(half, signed)| {
        let mut signature = [0; 64];
        for (bytes, number) in signature.chunks_mut(2).zip(half) {
            bytes.copy_from_slice(&number.to_be_bytes());
        }
        (signature, signed)
    });
    (
        ".{1,20}",
        ".{0,20}",
        prop::option::of(number()),
        0..1_000_000_u32,
        name(),
        name(),
        bytes(),
        extensions,
        (path, name(), prop::option::of(signature)),
    )
        .prop_map(
            |(
                id,
                source,
                time,
                nanoseconds,
                content_type,
                schema,
                data,
                extensions,
                (path, authid, signature),
            )| Body {
                id,
                source,
                time,
                nanoseconds,
                content_type,
                schema,
                data,
                extensions: extensions.into_iter().collect(),
                path,
                authid,
                signature: signature.as_ref().map(|(signature, _)| *signature),
                signed: signature.map(|(_, signed)| signed).unwrap_or_default(),
            },
        )
}

fn rights() -> impl Strategy<Value = Rights> {
    let pattern = prop::sample::select(vec!["a", "chat.*.>", "person.{sub}.>"]);
    let list = prop::option::of(prop::collection::vec(pattern.prop_map(str::to_owned), 0..3));
    let lists = prop::array::uniform5(list);
    prop::option::of(lists).prop_map(|lists| match lists {
        None => Rights::all(),
        Some([publish, subscribe, presence, history, moderate]) => {
            PatternLists { publish, subscribe, presence, history, moderate }.parse().unwrap()
        }
    })
}

fn recipient() -> impl Strategy<Value = Recipient> {
    (any::<u32>(), prop::option::of(number()))
        .prop_map(|(subscription, previous)| Recipient { subscription, previous })
}

fn attendees() -> impl Strategy<Value = Vec<Attendee>> {
    let attendee =
        (number(), ".{0,10}", bytes()).prop_map(|(id, key, data)| Attendee { id, key, data });
    prop::collection::vec(attendee, 0..3)
}

fn topic_tally() -> impl Strategy<Value = TopicTally> {
    let newest = prop::option::of((number(), bytes()));
    (number(), prop::option::of(position()), newest, prop::option::of(code()))
        .prop_map(|(count, head, newest, refused)| TopicTally { count, head, newest, refused })
}

/// What proves a client's identity: its secret, a device key with a proof, or both.
type Identity = (Option<[u8; 32]>, Option<[u8; 65]>, Option<[u8; 64]>);

fn identity() -> impl Strategy<Value = Identity> {
    let secret = || any::<[u8; 32]>();
    let proven = || (prop::array::uniform(any::<u8>()), prop::array::uniform(any::<u8>()));
    prop_oneof![
        secret().prop_map(|secret| (Some(secret), None, None)),
        proven().prop_map(|(key, proof)| (None, Some(key), Some(proof))),
        (secret(), proven())
            .prop_map(|(secret, (key, proof))| { (Some(secret), Some(key), Some(proof)) }),
    ]
}

pub fn from_client() -> impl Strategy<Value = FromClient> {
    prop_oneof![
        (any::<[u8; 16]>(), identity(), number(), number(), any::<bool>(), name()).prop_map(
            |(client, (secret, key, proof), fence, lowest, returning, token)| {
                FromClient::Hello(Hello {
                    client,
                    secret,
                    fence,
                    lowest,
                    returning,
                    token,
                    key,
                    proof,
                    reading: !returning,
                })
            }
        ),
        (any::<u32>(), ".{0,20}", start(), prop::option::of(any::<(u32, u32)>())).prop_map(
            |(subscription, pattern, start, credit)| {
                FromClient::Subscribe(Subscribe { subscription, pattern, start, credit })
            }
        ),
        any::<u32>()
            .prop_map(|subscription| FromClient::UnknownStart(Unsubscribe { subscription })),
        any::<u32>().prop_map(|subscription| FromClient::Unsubscribe(Unsubscribe { subscription })),
        (prop::option::of(number()), any::<u32>(), name(), bytes(), prop::option::of(number()))
            .prop_map(|(number, topic, name, body, lowest)| FromClient::Publish(Publish {
                number,
                topic,
                name,
                body,
                lowest
            })),
        (any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(subscription, events, bytes)| {
            FromClient::Credit(Credit { subscription, events, bytes })
        }),
        any::<u32>().prop_map(|number| FromClient::Ping(Ping { number })),
        any::<u32>().prop_map(|number| FromClient::Pong(Ping { number })),
        ".{0,20}".prop_map(|token| FromClient::Refresh(Refresh { token })),
        (any::<u32>(), ".{0,20}", prop::option::of(number()), any::<u32>(), stream()).prop_map(
            |(request, pattern, before, limit, stream)| FromClient::History(History {
                request,
                pattern,
                before,
                limit,
                stream
            })
        ),
        (".{0,20}", ".{0,20}", bytes()).prop_map(|(topic, key, data)| FromClient::Join(Join {
            topic,
            key,
            data
        })),
        ".{0,20}".prop_map(|topic| FromClient::Leave(AtTopic { topic })),
        ".{0,20}".prop_map(|topic| FromClient::Watch(AtTopic { topic })),
        ".{0,20}".prop_map(|topic| FromClient::Unwatch(AtTopic { topic })),
        (any::<u32>(), position())
            .prop_map(|(request, position)| FromClient::Delete(Delete { request, position })),
        (any::<u32>(), prop::collection::vec((".{0,20}", prop::option::of(position())), 0..3))
            .prop_map(|(request, topics)| {
                let topic = |(topic, after)| TallyTopic { topic, after };
                FromClient::Tally(Tally {
                    request,
                    topics: topics.into_iter().map(topic).collect(),
                })
            }),
    ]
}

pub fn from_peer() -> impl Strategy<Value = FromPeer> {
    let durability =
        prop::sample::select(vec![Durability::Memory, Durability::Disk, Durability::Replicated]);
    let retry = || prop::option::of(any::<u32>());
    prop_oneof![
        (
            ".{0,20}",
            number(),
            name(),
            any::<u32>(),
            any::<u32>(),
            any::<bool>(),
            (name(), rights()),
            prop::collection::vec(number(), 0..3)
        )
            .prop_map(
                |(
                    peer,
                    highest,
                    highest_id,
                    heartbeat,
                    max_message,
                    forgotten,
                    (subject, rights),
                    kinds,
                )| {
                    FromPeer::Welcome(Welcome {
                        peer,
                        highest,
                        highest_id,
                        heartbeat,
                        max_message,
                        forgotten,
                        subject,
                        rights,
                        kinds,
                        reading: !forgotten,
                    })
                }
            ),
        (any::<u32>(), position(), any::<bool>(), prop::collection::vec(position(), 0..3))
            .prop_map(|(subscription, head, reset, others)| {
                FromPeer::Subscribed(Subscribed { subscription, head, reset, others })
            }),
        (any::<u32>(), code(), ".{0,20}").prop_map(|(subscription, code, message)| {
            FromPeer::Refused(Refused { subscription, code, message })
        }),
        (number(), position(), durability).prop_map(|(number, position, durability)| {
            FromPeer::Ack(Ack { number, position, durability })
        }),
        (number(), code(), ".{0,20}", retry()).prop_map(|(number, code, message, retry)| {
            FromPeer::Reject(Reject { number, code, message, retry })
        }),
        (
            any::<u32>(),
            name(),
            prop::collection::vec(recipient(), 1..4),
            prop::option::of(number()),
            bytes(),
            stream()
        )
            .prop_map(|(topic, name, recipients, offset, body, stream)| FromPeer::Event(
                Event { topic, name, recipients, offset, body, stream }
            )),
        (any::<u32>(), number(), position()).prop_map(|(subscription, count, head)| {
            FromPeer::CaughtUp(CaughtUp { subscription, count, head })
        }),
        (any::<u32>(), number(), number(), stream()).prop_map(
            |(subscription, from, to, stream)| FromPeer::Gap(Gap {
                subscription,
                from,
                to,
                stream
            })
        ),
        any::<u32>().prop_map(|number| FromPeer::Ping(Ping { number })),
        any::<u32>().prop_map(|number| FromPeer::Pong(Ping { number })),
        (any::<u16>(), ".{0,20}", retry()).prop_map(|(code, message, retry)| FromPeer::Bye(Bye {
            code,
            message,
            retry
        })),
        any::<u32>().prop_map(|milliseconds| FromPeer::Expiring(Expiring { milliseconds })),
        rights().prop_map(FromPeer::ChangedRights),
        (
            any::<u32>(),
            any::<u64>(),
            prop::collection::vec((number(), ".{0,20}", bytes()), 0..3),
            prop::option::of((stream(), number())),
            prop::option::of(code())
        )
            .prop_map(|(request, epoch, entries, next, refused)| {
                let entries = entries.into_iter();
                let entry = |(offset, topic, body)| HistoryEntry { offset, topic, body };
                let entries = entries.map(entry).collect();
                FromPeer::Page(HistoryPage { request, epoch, entries, next, refused })
            }),
        (".{0,20}", attendees())
            .prop_map(|(topic, entries)| FromPeer::Present(Present { topic, entries })),
        (".{0,20}", attendees(), prop::collection::vec(number(), 0..3))
            .prop_map(|(topic, joined, left)| FromPeer::Presence(Presence { topic, joined, left })),
        (".{0,20}", code(), ".{0,20}").prop_map(|(topic, code, message)| FromPeer::NotPresent(
            NotPresent { topic, code, message }
        )),
        (any::<u32>(), code(), ".{0,20}")
            .prop_map(|(topic, code, message)| FromPeer::Denied(Denied { topic, code, message })),
        (any::<u32>(), position(), prop::option::of(code()), retry()).prop_map(
            |(request, position, code, retry)| {
                let outcome = code.map_or(Ok(position), Err);
                FromPeer::Deleted(Deleted { request, outcome, retry })
            }
        ),
        (any::<u32>(), prop::collection::vec(topic_tally(), 0..3), prop::option::of(code()))
            .prop_map(|(request, topics, code)| {
                let topics = code.map_or(Ok(topics), Err);
                FromPeer::Tallied(Tallied { request, topics })
            }),
    ]
}

pub fn from_client_encoded(frames: &[FromClient]) -> Vec<u8> {
    let mut message = Vec::new();
    frames.iter().for_each(|frame| frame.encode(&mut message));
    message
}

pub fn from_peer_encoded(frames: &[FromPeer]) -> Vec<u8> {
    let mut message = Vec::new();
    frames.iter().for_each(|frame| frame.encode(&mut message));
    message
}
