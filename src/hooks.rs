//! Hooks for Yew components. A component subscribes during its first render, so that it misses no event between
//! render and effect. Its subscriptions end when it is unmounted.

mod per_frame;
mod provider;
mod use_bridge;
mod use_bus;
mod use_history;
mod use_link;
mod use_presence;
mod use_publish;
mod use_request;
mod use_retained;
mod use_subscription;
mod use_topic;
mod use_topic_stream;
mod use_topic_with;

pub use provider::{BridgeProvider, BridgeProviderProps, BusProvider, BusProviderProps};
pub use use_bridge::use_bridge;
pub use use_bus::use_bus;
pub use use_history::{UseHistory, use_history};
pub use use_link::{use_gaps, use_link, use_uncertain};
pub use use_presence::{use_join, use_presence};
pub use use_publish::use_publish;
pub use use_request::{UseRequest, use_request};
pub use use_subscription::{use_subscription, use_subscription_with_echo};
pub use use_topic::use_topic;
pub use use_topic_stream::use_topic_stream;
pub use use_topic_with::use_topic_with;
