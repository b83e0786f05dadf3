//! Compiled routes, subscriptions and queues: the pure core of `event-driven-kit`.
//!
//! A [`Bus`] carries each event that is published on a [`Topic`] to every subscription whose
//! [`Pattern`] matches, once and in one order. It is generic over what it carries, does no I/O, has no
//! clock of its own and knows no JavaScript: the browser's runtime and the relay join it to the
//! outside world.
//!
//! ```
//! use std::{cell::RefCell, rc::Rc};
//! use bus::{Bus, Failure, Payload, Published, Topic};
//!
//! struct Text(String);
//! impl Payload for Text {
//!     type Cause = String;
//!     fn failure(failure: Failure<String>) -> Self {
//!         Text(format!("{failure}"))
//!     }
//! }
//!
//! let bus = Bus::<Text>::new(|failure| eprintln!("{failure}"));
//! let seen = Rc::new(RefCell::new(Vec::new()));
//! let log = seen.clone();
//! let subscription = bus.subscribe("chat.*.message".try_into()?, move |event| {
//!     log.borrow_mut().push(format!("{}: {}", event.topic, event.payload.0));
//!     Ok(())
//! });
//!
//! let published = bus.publish(Topic::parse("chat.lobby.message")?, Text("hi".into()));
//! assert_eq!(published.ok(), Some(Published::Delivered(1)));
//! assert_eq!(*seen.borrow(), ["chat.lobby.message: hi"]);
//!
//! drop(subscription); // dropped, it ends
//! let published = bus.publish(Topic::parse("chat.lobby.message")?, Text("anybody?".into()));
//! assert_eq!(published.ok(), Some(Published::Delivered(0)));
//! # Ok::<(), bus::TopicError>(())
//! ```
//!
//! # What is promised
//!
//! Each promise is a test in `tests/semantics`, named after it.
//!
//! 1. **One order per bus.** An event published inside a handler is delivered after the current event
//!    has reached all its subscribers. Outside a handler, [`Bus::publish`] returns when the event has
//!    been delivered. [`an_event_published_inside_a_handler_follows_the_current_one_for_all_subscribers`][order],
//!    [`outside_a_handler_publish_returns_when_the_event_has_been_delivered`][order]
//! 2. Among the subscribers of one event, the higher priority is first, then the older subscription.
//!    [`higher_priority_is_first_then_the_older_subscription_whatever_the_pattern`][order]
//! 3. A subscription made inside a handler sees the next event; one that is ended inside a handler is
//!    not called again, not even for the event in flight.
//!    [`a_subscription_made_inside_a_handler_sees_the_next_event`][order],
//!    [`a_subscription_ended_inside_a_handler_misses_the_event_in_flight`][order]
//! 4. A handler that fails stops no other: the failure is published on [`ERROR_TOPIC`]. A failure of
//!    one of its handlers, or one for which nobody subscribed, goes to the bus's last resort.
//!    [`a_handler_that_fails_stops_no_other`][order],
//!    [`a_failure_of_an_error_handler_or_one_for_nobody_goes_to_the_last_resort`][order]
//! 5. Of a queue group ([`Subscriber::group`]) exactly one member gets an event, chosen at the event's
//!    turn: one after the other, who has the least to finish, or by key ([`Balance`]).
//!    [`an_event_reaches_exactly_one_member_of_a_group_across_patterns`][groups],
//!    [`by_key_one_key_stays_with_one_member_and_only_a_share_moves`][groups]
//! 6. A queue ([`Subscriber::queue`]) has a capacity, and an [`Overflow`] that says what happens to one
//!    event more. Every drop is counted. A queue that waits reserves its room before the event has its
//!    place in the order, so that none is dropped.
//!    [`wait_refuses_a_publish_before_any_subscriber_has_seen_it`][queues],
//!    [`an_async_publish_waits_until_there_is_room`][queues]
//! 7. A batch ([`Subscriber::batch`]) holds the events of a microtask, a frame or an interval, or so
//!    many, whichever comes first.
//!    [`a_batch_is_complete_after_its_interval_or_count_whichever_comes_first`][batches]
//! 8. A late subscriber ([`Subscriber::replay`]) of a retained topic ([`Bus::retain`]) first gets the
//!    last events, then those that come, with no gap and no duplicate.
//!    [`what_comes_before_the_replay_had_its_turn_leaves_no_gap_and_no_duplicate`][retained]
//! 9. A request ([`Bus::request`]) gets one reply, or a timeout, or at once the error that nobody serves
//!    it. [`a_request_gets_one_reply_from_the_first_who_serves`][requests],
//!    [`nobody_serves_is_said_at_once_and_a_logger_does_not_serve`][requests]
//! 10. An interceptor ([`Bus::intercept`]) changes, drops or denies an event at the publish call; a
//!     denial is an error to the publisher.
//!     [`an_interceptor_drops_or_denies_and_a_denial_is_an_error_to_the_publisher`][interceptors]
//! 11. What happens can be seen: on the runtime's own topics ([`Notice`]), in counters and handler
//!     times ([`Bus::measure`]), and in a recording ([`Bus::record`]) that can be played again
//!     ([`Bus::player`]); for nothing while nobody looks.
//!     [`subscriptions_that_come_and_go_are_told_while_somebody_listens`][seeing],
//!     [`counters_and_handler_times_are_kept_while_asked_for`][seeing],
//!     [`a_recording_plays_again_with_its_timing_faster_or_step_by_step`][seeing]
//! 12. Topics that begin with `$` belong to the runtime: publishing to one is an error.
//!     [`topics_of_the_runtime_are_closed_to_others_and_to_leading_wildcards`][order]
//!
//! Beyond them:
//!
//! - User code may subscribe, end and publish wherever it runs.
//!   [`every_kind_of_user_code_may_subscribe_end_and_publish`][reentrance]
//! - 100,000 random programs do on the bus what they do on a model of a few lines.
//!   [`random_programs_do_on_the_bus_what_they_do_on_the_model`][programs]
//! - A change invalidates the compiled routes that it touches, and no others.
//!   [`a_change_invalidates_the_routes_that_it_touches_and_no_others`][order]
//! - One-off topics, requests, and what was used and dropped leave no memory behind, natively and in wasm; a
//!   pattern takes at most 200 bytes, its handler included. [`a_million_one_off_topics_leave_nothing_behind`][memory],
//!   [`a_pattern_with_its_handler_takes_at_most_200_bytes`][memory]
//! - An event of another type than a typed topic's ([`Typed`]) is an error event that names both types.
//!   [`a_type_mismatch_is_an_error_event_that_names_both_types`][typed]
//! - In a worker pool ([`Subscriber::pool`]) every event is handled at least once, or told as failed; it
//!   goes to another worker, marked as redelivered, when the one that had it dies or is late.
//!   [`a_worker_that_hangs_is_ended_at_its_deadline_and_its_event_goes_to_another_marked`][pool],
//!   [`a_poison_event_is_given_up_after_its_attempts_and_told`][pool],
//!   [`in_random_programs_every_event_is_handled_or_told_as_failed_and_no_two_workers_have_it`][pools]
//!
//! `BENCHMARKS.md` says how fast it is, and how that was measured.
//!
//! [order]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/order.rs
//! [groups]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/groups.rs
//! [queues]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/queues.rs
//! [batches]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/batches.rs
//! [retained]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/retained.rs
//! [requests]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/requests.rs
//! [interceptors]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/interceptors.rs
//! [seeing]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/seeing.rs
//! [reentrance]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/reentrance.rs
//! [typed]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/typed.rs
//! [pool]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/pool.rs
//! [pools]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/pool/programs.rs
//! [programs]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/programs/main.rs
//! [memory]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/memory.rs

mod batch;
mod bus;
mod core;
mod edges;
mod event;
mod group;
mod handle;
mod intercept;
mod measure;
mod notice;
mod order;
mod outside;
mod pool;
mod queue;
mod record;
mod request;
mod retain;
mod router;
mod routes;
mod schedule;
mod slot;
mod subscriber;
mod subscription;
mod tape;
mod typed;

pub use batch::Window;
pub use bus::Bus;
pub use event::{
    ERROR_TOPIC, Event, Failure, HandlerResult, MAX_QUEUED, Payload, PublishError, Published,
};
pub use group::{Balance, Pending};
pub use handle::TopicHandle;
pub use intercept::{Interception, Verdict};
pub use measure::{HandlerCount, Measurement, TopicCount};
pub use notice::Notice;
pub use outside::RouteOutside;
pub use pool::{Pool, PoolOptions, Reports, Task, WORKER_TOPIC, Worker, WorkerLost};
pub use queue::{Message, Overflow, Queue};
pub use record::Player;
pub use request::{NoReply, Reply, Request, RequestError};
pub use retain::Retention;
pub use router::{Key, Router};
pub use schedule::{Job, Schedule, VirtualTime};
pub use subscriber::Subscriber;
pub use subscription::Subscription;
pub use tape::{Recorded, Tape};
pub use topic::{MAX_TOPIC_BYTES, Pattern, Topic, TopicError, escape_token, unescape_token};
pub use typed::{Carries, TypeMismatch, Typed};
