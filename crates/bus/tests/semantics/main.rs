//! The promises of the bus. Each has a test that is named after it.

mod batches;
mod echoes;
mod groups;
mod observers;
mod observing;
mod order;
mod pool;
mod queues;
mod reentrance;
mod requests;
mod retained;
mod stage;
