//! The state that components show, folded from events. This is pure code without a browser, tested natively.

pub mod completion;
pub mod emoji;
pub mod identity;
pub mod link;
pub mod markdown;
pub mod members;
pub mod purpose;
pub mod read_back;
pub mod refusal;
pub mod refused;
pub mod rooms;
pub mod text;
pub mod throttle;
pub mod timeline;
pub mod typists;
pub mod window;
