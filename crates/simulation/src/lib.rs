//! The proof of the project's main promise: clients, tabs, a relay and its store, in virtual time, over
//! links that break in every way known, with a checker that holds what was seen against what was
//! promised.

pub mod check;
pub mod fault;
pub mod history;
pub mod mutation;
mod random;
mod store;
mod wire;
pub mod world;
