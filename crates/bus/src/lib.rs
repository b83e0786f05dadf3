//! Topics, compiled routes, subscriptions and queues: the pure core of `event-driven-kit`.
//!
//! A [`Bus`] delivers each event published on a [`Topic`] to every subscription whose [`Pattern`] matches,
//! exactly once and in one order. It is generic over the payload. It does no I/O, has no clock of its own
//! and does not depend on JavaScript; the browser's runtime connects it to the outside world.
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
//! drop(subscription); // ends it
//! let published = bus.publish(Topic::parse("chat.lobby.message")?, Text("is anyone here?".into()));
//! assert_eq!(published.ok(), Some(Published::Delivered(0)));
//! # Ok::<(), bus::TopicError>(())
//! ```
//!
//! # Promises
//!
//! Each promise has a test in `tests/semantics` that is named after it.
//!
//! 1. **One order per bus.** An event published inside a handler is delivered after the current event has
//!    reached all its subscribers. Outside a handler, [`Bus::publish`] returns after the event has been
//!    delivered. [`an_event_published_inside_a_handler_follows_the_current_one_for_all_subscribers`][order],
//!    [`outside_a_handler_publish_returns_when_the_event_has_been_delivered`][order]
//! 2. An event is delivered by descending priority, and to the older subscription first among equal
//!    priorities.
//!    [`higher_priority_comes_first_then_the_older_subscription_whatever_the_pattern`][order]
//! 3. A subscription made inside a handler receives the next event. A subscription that is ended inside a
//!    handler is not called again, not even for the event in flight.
//!    [`a_subscription_made_inside_a_handler_sees_the_next_event`][order],
//!    [`a_subscription_ended_inside_a_handler_misses_the_event_in_flight`][order]
//! 4. A failing handler does not stop the others: its failure is published on [`ERROR_TOPIC`]. If that topic
//!    has no subscription, or one of its own handlers has failed, the failure goes to the bus's last resort.
//!    [`a_failing_handler_does_not_stop_the_others`][order],
//!    [`a_failure_of_an_error_handler_or_without_one_goes_to_the_last_resort`][order]
//! 5. Exactly one member of a queue group ([`Subscriber::group`]) receives an event. It is chosen at the
//!    event's turn: in rotation, by the fewest unfinished events, or by key ([`Balance`]).
//!    [`an_event_reaches_exactly_one_member_of_a_group_across_patterns`][groups],
//!    [`by_key_a_key_stays_with_its_member_and_only_one_share_moves`][groups]
//! 6. A queue ([`Subscriber::queue`]) has a capacity, and an [`Overflow`] that decides what happens beyond
//!    it. Every drop is counted. [`Overflow::wait`] reserves room before an event takes its place in the
//!    order, so that no event is dropped.
//!    [`wait_refuses_an_event_before_any_subscriber_receives_it`][queues],
//!    [`an_async_publish_waits_until_there_is_room`][queues]
//! 7. A batch ([`Subscriber::batch`]) holds the events of a microtask, a frame or an interval, or a number of
//!    events, whichever is complete first.
//!    [`a_batch_is_complete_after_its_interval_or_count_whichever_comes_first`][batches]
//! 8. A late subscriber ([`Subscriber::replay`]) of a retained topic ([`Bus::retain`]) first receives the
//!    last events and then new ones, with no gap and no duplicate.
//!    [`an_event_before_the_turn_of_the_replay_leaves_no_gap_and_no_duplicate`][retained]
//! 9. A request ([`Bus::request`]) gets one reply, a timeout, or an immediate error if its topic has no
//!    responder. [`a_request_gets_one_reply_from_the_first_responder`][requests],
//!    [`a_request_without_a_responder_fails_at_once_and_a_plain_subscriber_is_not_one`][requests]
//! 10. The bus can be observed by [`Notice`]s on the runtime's own topics, by counters and handler times
//!     ([`Bus::measure`]), turn by turn ([`Bus::observe`]), and by recordings ([`Bus::record`]) that can be
//!     played again ([`Tape`]). None of this costs anything while it is not used.
//!     [`notices_report_subscriptions_that_begin_and_end_while_notices_have_a_subscriber`][observing],
//!     [`counters_and_handler_times_are_kept_while_a_measurement_exists`][observing],
//!     [`an_observer_sees_each_turn_its_cause_and_its_calls`][observers],
//!     [`a_recording_plays_again_with_its_timing_faster_or_step_by_step`][observing]
//! 11. Topics that begin with `$` belong to the runtime: publishing to one is an error.
//!     [`topics_of_the_runtime_refuse_publishers_and_match_no_leading_wildcard`][order]
//!
//! In addition:
//!
//! - User code may subscribe, end subscriptions and publish wherever it runs.
//!   [`every_kind_of_user_code_may_subscribe_end_and_publish`][reentrance]
//! - 100,000 random programs behave on the bus as on a model of a few lines.
//!   [`random_programs_behave_on_the_bus_as_on_the_model`][programs]
//! - A change invalidates the compiled routes that it affects, and no others.
//!   [`a_change_invalidates_the_matching_routes_and_no_others`][order]
//! - One-off topics, requests and dropped features leave no memory behind, natively and in wasm. A pattern
//!   and its handler take at most 200 bytes. [`a_million_one_off_topics_leave_nothing_behind`][memory],
//!   [`a_pattern_with_its_handler_takes_at_most_200_bytes`][memory]
//! - An echo ([`Bus::echo`]) reaches subscriptions with echo at its turn, and no others.
//!   [`an_echo_reaches_subscriptions_with_echo_only_in_the_order_of_delivery`][echoes]
//! - A worker pool ([`Subscriber::pool`]) handles every event at least once, or reports it as failed. If a
//!   worker dies or exceeds its deadline, its event goes to another one, marked as redelivered.
//!   [`a_hanging_worker_is_ended_at_its_deadline_and_its_event_is_redelivered`][pool],
//!   [`a_poison_event_is_given_up_after_its_attempts_and_reported`][pool],
//!   [`in_random_programs_every_event_is_handled_or_reported_as_failed_and_no_two_workers_have_it`][pools]
//!
//! Interceptors and typed topics belong to the browser's runtime, `event-driven-kit`.
//!
//! `BENCHMARKS.md` has the figures of the benchmarks and says how they were measured.
//!
//! [order]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/order.rs
//! [groups]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/groups.rs
//! [queues]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/queues.rs
//! [batches]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/batches.rs
//! [retained]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/retained.rs
//! [requests]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/requests.rs
//! [observing]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/observing.rs
//! [observers]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/observers.rs
//! [echoes]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/echoes.rs
//! [reentrance]: https://github.com/event-driven-kit/event-driven-kit/blob/main/crates/bus/tests/semantics/reentrance.rs
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
mod host;
mod measure;
mod notice;
mod observe;
mod order;
mod pool;
mod queue;
mod record;
mod request;
mod retain;
mod router;
mod routes;
mod schedule;
mod subscription;
mod tape;

pub use batch::Window;
pub use bus::{Bus, Subscriber};
pub use event::{
    ERROR_TOPIC, Event, Failure, HandlerResult, MAX_QUEUED, Payload, PublishError, Published,
};
pub use group::{Balance, Pending};
pub use handle::TopicHandle;
pub use host::HostRoute;
pub use measure::{HandlerCount, Measurement, TopicCount};
pub use notice::Notice;
pub use observe::{Observation, ObservedCall, ObservedTurn, Observer, SubscriptionInfo};
pub use pool::{Pool, PoolOptions, Reports, Task, WORKER_TOPIC, Worker, WorkerLost};
pub use queue::{Message, Overflow, Queue};
pub use request::{NoReply, Reply, Request, RequestError};
pub use retain::Retention;
pub use schedule::{Job, Schedule, VirtualTime};
pub use subscription::Subscription;
pub use tape::{Recorded, Tape};
pub use topic::{MAX_TOPIC_BYTES, Pattern, Topic, TopicError, escape_token, unescape_token};
