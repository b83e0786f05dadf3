//! What a leader reads of its followers' frames.

use super::tab_presence::PresenceKind;
use crate::wire::decode::{Malformed, Read, Reader, frame};
use crate::wire::kind::FrameKind;

/// The parts of a follower's frame that the leader needs. The peer reads the rest.
pub(super) enum FollowerFrame {
    Subscribe(u32),
    Unsubscribe(u32),
    /// Credit, or a request that has one answer.
    Numbered(u32),
    Presence {
        kind: PresenceKind,
        comes: bool,
        topic: String,
    },
}

/// Reads the next frame of a follower. Returns `None` for a frame of a later version, whose answer the leader could
/// not pass on.
pub(super) fn follower_frame(d: &mut Reader<'_>) -> Read<Option<FollowerFrame>> {
    let Some((kind, f)) = frame(d)? else { return Ok(None) };
    let presence = |kind, comes| FollowerFrame::Presence { kind, comes, topic: f.text(0) };
    let frame = match kind {
        FrameKind::Subscribe => FollowerFrame::Subscribe(f.number32(0)),
        FrameKind::Unsubscribe => FollowerFrame::Unsubscribe(f.number32(0)),
        FrameKind::Credit | FrameKind::History | FrameKind::Delete | FrameKind::Tally => {
            FollowerFrame::Numbered(f.number32(0))
        }
        FrameKind::Join => presence(PresenceKind::Joined, true),
        FrameKind::Leave => presence(PresenceKind::Joined, false),
        FrameKind::Watch => presence(PresenceKind::Watched, true),
        FrameKind::Unwatch => presence(PresenceKind::Watched, false),
        _ => return Err(Malformed),
    };
    f.checked(Some(frame))
}
