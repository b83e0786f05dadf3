//! Generates programs from seeds.

/// A command of a program or a handler.
#[derive(Debug, Clone)]
pub enum Command {
    /// The handler runs `script` at each of its first calls. It returns an error if `fails`.
    Subscribe {
        pattern: &'static str,
        priority: i32,
        group: Option<&'static str>,
        fails: bool,
        script: Vec<Command>,
    },
    /// Ends the subscription with this id if it is live. Ids count up.
    End(usize),
    Publish(&'static str),
}

/// The most events that a program publishes, so that every program ends.
pub const EVENTS: usize = 12;
/// The most subscriptions that a program creates.
pub const SUBSCRIPTIONS: usize = 16;

const PATTERNS: [&str; 9] = ["a", "b", "a.b", "a.*", "*.b", "a.>", ">", "*", "$bus.error"];
const TOPICS: [&str; 5] = ["a", "b", "a.b", "a.c", "a.b.c"];

pub fn program(seed: u64) -> Vec<Command> {
    let mut random = Random(seed);
    (0..4 + random.below(12)).map(|_| random.command(2)).collect()
}

/// SplitMix64: small, and the same on every platform.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn command(&mut self, depth: usize) -> Command {
        match self.below(10) {
            0..4 => Command::Subscribe {
                pattern: PATTERNS[self.below(PATTERNS.len())],
                priority: self.below(3) as i32 - 1,
                group: [None, None, None, Some("g"), Some("h")][self.below(5)],
                fails: self.below(6) == 0,
                script: if depth == 0 {
                    Vec::new()
                } else {
                    (0..self.below(4)).map(|_| self.command(depth - 1)).collect()
                },
            },
            4..6 => Command::End(self.below(12)),
            _ => Command::Publish(TOPICS[self.below(TOPICS.len())]),
        }
    }
}
