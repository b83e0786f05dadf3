//! The timers of a state machine.

/// Defines an enum of timers with a list of all of them.
///
/// `deadline` and `tick` both iterate over `ALL`, with a `match` over the enum. A timer that only one of them handles
/// is a compile error, not a hang.
macro_rules! timers {
    ($(#[$doc:meta])* enum $name:ident { $($(#[$timer_doc:meta])* $timer:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum $name {
            $($(#[$timer_doc])* $timer,)*
        }

        impl $name {
            /// All timers, in the order in which they fire.
            const ALL: &[Self] = &[$(Self::$timer),*];
        }
    };
}

pub(crate) use timers;
