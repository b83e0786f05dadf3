//! A peer for tests: a [`Peer`] owns a [`Server`](session::server::Server) for each connection, and a [`Store`] in
//! memory. The simulation, the fuzzers, and the tests of `session`, of the bridge and of the real store use this one.
//!
//! # How to drive a peer
//!
//! A [`Peer`] does nothing by itself. The test around it, its *world*, takes each effect of a server with
//! [`Peer::poll`]. The world drops the effect, keeps it for later, carries it out in its own way, or passes it to
//! [`Peer::carry_out`], which only queues what takes time in a real peer:
//!
//! | what waits | where | how it goes on |
//! | --- | --- | --- |
//! | messages to the client | [`Connection::sent`] | the world takes them |
//! | hellos and events to log | [`Peer::writes`] | [`Peer::commit`], [`Peer::commit_next`], or [`Store::write`] and [`Peer::tell`] |
//! | queries to the store | [`Connection::queries`] | [`Peer::answer`], or [`Peer::read`] and [`Peer::found`] |
//! | committed events | the store | [`Peer::feed`], or [`Peer::read`] and [`Peer::found`] |
//! | changes of presence | [`Peer::presence`] | [`Peer::tell_news`] |
//!
//! Between any two of these steps the world can reorder and lose what waits, end a connection with
//! [`Peer::disconnect`], or end the process with [`Peer::crash`], which only the store survives. [`Peer::run`] does
//! everything at once, for worlds to which the order does not matter.
//!
//! # Example
//!
//! A peer stores an event, and crashes before it acks it. The client repeats the event, which is stored once.
//!
//! ```
//! use model::{Peer, Write};
//! use session::server::{Options, Wire};
//! use session::{Body, FromClient, FromPeer, Hello, Publish};
//!
//! let message = |frame: FromClient| {
//!     let mut message = Vec::new();
//!     frame.encode(&mut message);
//!     message
//! };
//! let hello = |fence| {
//!     let (client, secret) = ([1; 16], [2; 32]);
//!     message(FromClient::Hello(Hello::new(client, secret, fence)))
//! };
//! let body = Body { id: "e".into(), ..Body::default() }.encode();
//! let (number, topic, name) = (Some(1), 0, Some("a.x".into()));
//! let publish = message(FromClient::Publish(Publish { number, topic, name, body, lowest: None }));
//!
//! let mut peer = Peer::new(Options::default());
//! peer.accept(0, Wire::Frames, 0);
//! peer.received(0, &hello(1), 0);
//! peer.run();
//! peer.received(0, &publish, 0);
//! while peer.step(0) {}
//! // The event is committed, but the client does not learn of it.
//! let (_, write) = peer.writes.pop_front().unwrap();
//! assert!(matches!(write, Write::Append(_)));
//! peer.store.write(&write, true);
//! peer.crash();
//!
//! peer.accept(1, Wire::Frames, 0);
//! peer.received(1, &hello(2), 0);
//! peer.run();
//! peer.received(1, &publish, 0);
//! peer.run();
//! let sent = &peer.connections[&1].sent;
//! let Some(Ok(FromPeer::Ack(ack))) = FromPeer::decode(sent.back().unwrap()).next() else { panic!() };
//! assert_eq!((ack.number, ack.position.offset), (1, 1));
//! assert_eq!(peer.store.events(0).count(), 1);
//! ```

#![forbid(unsafe_code)]

mod bug;
mod key;
mod peer;
mod store;

pub use bug::Bug;
pub use key::{DeviceKey, is_proven};
pub use peer::{Connection, ConnectionNo, Found, Peer};
pub use store::{ClientId, Outcome, SIDE, Store, Write};
