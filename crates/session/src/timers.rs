//! The timers of a state machine.

/// Defines an enum with all timers of a machine, and the two loops over them.
///
/// The machine has `due`, the time of a timer, and `fire`. Both match on the enum, so that a timer that only one of
/// them handles is a compile error, not a hang. A timer that stays due after it has fired is a bug, except one that
/// stands for all timers of another machine.
macro_rules! timers {
    (
        $(#[$doc:meta])*
        enum $name:ident of $machine:ident { $($(#[$timer_doc:meta])* $timer:ident,)* }
        $(other machines: $($other:ident),+)?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum $name {
            $($(#[$timer_doc])* $timer,)*
        }

        impl $name {
            /// All timers, in the order in which they fire.
            const ALL: &[Self] = &[$(Self::$timer),*];
            const OTHER_MACHINES: &[Self] = &[$($(Self::$other),+)?];
        }

        impl $machine {
            /// When the next timer fires. `None` if none runs.
            fn next_due(&self) -> Option<Millis> {
                $name::ALL.iter().filter_map(|timer| self.due(*timer)).min()
            }

            /// Fires the timers that are due.
            fn fire_due(&mut self, now: Millis) {
                for timer in $name::ALL {
                    let due = self.due(*timer);
                    if due.is_some_and(|due| due <= now) {
                        self.fire(*timer, now);
                        debug_assert!(
                            self.due(*timer) != due || $name::OTHER_MACHINES.contains(timer),
                            "{timer:?} stays due"
                        );
                    }
                }
            }
        }
    };
}

pub(crate) use timers;
