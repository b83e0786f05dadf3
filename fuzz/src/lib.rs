//! Shared by the targets: steps from bytes, a page's store, and a peer.

mod page;
mod peer;
mod text;

pub use page::{Store, entropy};
pub use peer::Peer;
pub use text::members_and_nesting;

/// The maximum size of a step.
const LONGEST: usize = u16::MAX as usize;

/// Reads steps: a kind, a length in two bytes, and that many bytes. The last step may be shorter.
pub fn steps(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[kind, low, high], rest) = bytes.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (step, rest) = rest.split_at(length);
        bytes = rest;
        Some((kind, step))
    })
}

/// Writes a step.
pub fn push_step(out: &mut Vec<u8>, kind: u8, step: &[u8]) {
    let step = &step[..step.len().min(LONGEST)];
    let length = step.len() as u16;
    out.push(kind);
    out.extend(length.to_le_bytes());
    out.extend(step);
}
