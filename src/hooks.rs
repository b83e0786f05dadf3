//! Hooks for Yew components. A component subscribes during its first render, so that it misses no event between
//! render and effect. Its subscriptions end when it is unmounted.

#[cfg(feature = "bridge")]
mod bridge_provider;
mod per_frame;
mod provider;
#[cfg(feature = "bridge")]
mod use_bridge;
mod use_bus;
#[cfg(feature = "bridge")]
mod use_history;
#[cfg(feature = "bridge")]
mod use_link;
#[cfg(feature = "bridge")]
mod use_presence;
mod use_publish;
mod use_request;
#[cfg(feature = "bridge")]
mod use_retained;
mod use_subscription;
mod use_topic;
mod use_topic_stream;
mod use_topic_with;

#[cfg(feature = "bridge")]
pub use bridge_provider::{BridgeProvider, BridgeProviderProps};
pub use provider::{BusProvider, BusProviderProps};
#[cfg(feature = "bridge")]
pub use use_bridge::use_bridge;
pub use use_bus::use_bus;
#[cfg(feature = "bridge")]
pub use use_history::{UseHistory, use_history};
#[cfg(feature = "bridge")]
pub use use_link::{use_gaps, use_link, use_uncertain};
#[cfg(feature = "bridge")]
pub use use_presence::{use_join, use_presence};
pub use use_publish::use_publish;
pub use use_request::{UseRequest, use_request};
pub use use_subscription::{use_subscription, use_subscription_with_echo};
pub use use_topic::use_topic;
pub use use_topic_stream::use_topic_stream;
pub use use_topic_with::use_topic_with;
