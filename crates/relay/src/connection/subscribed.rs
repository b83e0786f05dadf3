//! The memory of a connection's subscriptions, taken from the share of its address.

use super::Connection;

/// Subscriptions up to this size are free, because most connections have few.
pub(super) const FREE: usize = 16 << 10;
/// The size of a subscription and its query without the pattern, which two maps contain.
const EACH: usize = 384;

/// The size of the subscriptions beyond what is free.
fn cost((count, bytes): (usize, usize)) -> usize {
    (count * EACH + 2 * bytes).saturating_sub(FREE)
}

impl Connection {
    /// Takes or returns memory as subscriptions come and go. Closes the connection if there is no memory.
    pub(super) fn charge_subscriptions(&mut self) {
        let cost = cost(self.server.subscribed());
        let held = self.subscribed.as_ref().map_or(0, |permit| permit.bytes());
        if cost == 0 {
            self.subscribed = None;
        } else if cost < held {
            // Many subscriptions end one by one.
            if cost < held / 2
                && let Some(permit) = &mut self.subscribed
            {
                permit.shrink_to(cost);
            }
        } else if cost > held {
            match self.from.share.try_take(cost - held) {
                Some(more) => match &mut self.subscribed {
                    Some(permit) => permit.merge(more),
                    None => self.subscribed = Some(more),
                },
                None => self.overloaded("too many subscriptions come from your address"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_subscriptions_are_free_and_many_cost_their_patterns_too() {
        assert_eq!(cost((30, 30 * 30)), 0);
        let one = cost((1_001, 30 * 1_001)) - cost((1_000, 30 * 1_000));
        assert_eq!(one, EACH + 2 * 30);
        assert_eq!(cost((4_096, 4_096 * 255)), 4_096 * (EACH + 2 * 255) - FREE);
    }
}
