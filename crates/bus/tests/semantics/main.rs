//! The promises of the bus, each a test named after it.

mod batches;
mod groups;
mod interceptors;
mod order;
mod pool;
mod queues;
mod reentrance;
mod requests;
mod retained;
mod seeing;
mod stage;
mod typed;
