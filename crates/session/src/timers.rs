//! A list of the timers of a state machine.

/// Defines an enum of timers with the list of all of them.
///
/// `deadline` and `tick` both go through `ALL`, each with a `match` over the enum: a timer that one of them knows and the
/// other doesn't is a compile error, not a hang.
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
