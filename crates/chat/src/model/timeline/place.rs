//! Where a message stands in a timeline.

/// The sort key of a row: messages in the log come before pending ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// At this offset, or after it: the number of a refused message, or zero for the message at the offset itself.
    InLog {
        /// The number of the log's epoch.
        life: usize,
        /// The offset.
        offset: u64,
        /// The number of a refused message.
        after: u64,
    },
    /// After all that is in the log, by the order of publishing.
    Pending(u64),
}

impl Place {
    pub(super) fn in_log(life: usize, offset: u64) -> Self {
        Self::InLog { life, offset, after: 0 }
    }

    /// The offset in the log at which, or after which, it is.
    pub fn offset(self) -> Option<u64> {
        match self {
            Self::InLog { offset, .. } => Some(offset),
            Self::Pending(_) => None,
        }
    }

    /// Which of two places of one message is right: that in the newest log, and in it the first.
    pub(super) fn is_better_than(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::InLog { life: one, offset: at, .. },
                Self::InLog { life: two, offset: there, .. },
            ) => one > two || (one == two && at <= there),
            _ => true,
        }
    }
}
