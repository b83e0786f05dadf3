//! The state that components show, folded from events. This is pure code without a browser, tested natively.

pub mod link;
pub mod text;
pub mod throttle;
pub mod timeline;
pub mod typists;
