//! Hooks for Yew components. A component subscribes while it renders for the first time, so that
//! nothing passes it by between render and effect, and ends its subscriptions when it is unmounted.

mod per_frame;
mod provider;
mod use_bus;
mod use_publish;
mod use_request;
mod use_subscription;
mod use_topic;
mod use_topic_stream;
mod use_topic_with;

pub use provider::{BusProvider, BusProviderProps};
pub use use_bus::use_bus;
pub use use_publish::use_publish;
pub use use_request::{UseRequest, use_request};
pub use use_subscription::{use_subscription, use_subscription_with_echo};
pub use use_topic::use_topic;
pub use use_topic_stream::use_topic_stream;
pub use use_topic_with::use_topic_with;
