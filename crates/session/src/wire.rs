//! The wire format: frames, event bodies, their CBOR encoding and their numbers. `session.cddl` is the grammar.

pub(crate) mod body;
pub(crate) mod codes;
pub(crate) mod decode;
pub(crate) mod deletion;
pub(crate) mod encode;
pub(crate) mod frame;
pub(crate) mod kind;
pub(crate) mod message;
pub(crate) mod topic_numbers;
