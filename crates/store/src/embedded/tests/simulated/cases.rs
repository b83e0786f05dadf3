//! What clients do, what happens to the store meanwhile, and what is asked.

use proptest::prelude::*;

use super::Crash;

/// What a client asks for.
#[derive(Debug, Clone)]
pub enum Ask {
    Open {
        client: u8,
        secret: Option<u8>,
        key: Option<u8>,
        fence: u64,
        lowest: u64,
        returning: bool,
        reading: bool,
    },
    /// An event with a topic and an id, or one that breaks the rules.
    Append { client: u8, fence: u64, number: u64, lowest: u64, event: Option<(u8, u8)> },
    /// The event at an offset in one of the streams, by a client or by an account that may moderate.
    Delete { client: Option<u8>, is_side: bool, offset: u64, is_other_epoch: bool },
}

/// Whether the disk has room, and what is asked for together.
pub type Asked = (bool, Vec<Ask>);

#[derive(Debug, Clone)]
pub enum Step {
    /// Commands of one call.
    Apply(Vec<Asked>),
    /// The same, while an operation of the disk fails; then the process or the machine stops.
    Fail(Vec<Asked>, u64, Crash),
    Crash(Crash),
    /// No client comes for a hundred days.
    Forget,
}

/// A start by numbers that are small beside a log.
#[derive(Debug, Clone)]
pub enum Begin {
    Latest,
    Earliest,
    Last(u64),
    /// Offsets in the two streams, whether the epoch is another one, and the id.
    After([Option<u64>; 2], bool, Option<u8>),
}

fn ask() -> impl Strategy<Value = Ask> {
    let fence = || 1..5_u64;
    // A secret that is wrong at times, a key that is another one at times, or both.
    let shown = (
        prop::option::weighted(0.9, prop_oneof![9 => Just(2_u8), 1 => Just(9)]),
        prop::option::weighted(0.3, prop_oneof![9 => Just(4_u8), 1 => Just(5)]),
    );
    let open = (1..4_u8, shown, fence(), 1..8_u64, any::<[bool; 2]>()).prop_map(
        |(client, (secret, key), fence, lowest, [returning, reading])| {
            let secret = secret.or((key.is_none()).then_some(2));
            Ask::Open { client, secret, key, fence, lowest, returning, reading }
        },
    );
    let event = prop::option::weighted(0.9, (0..6_u8, 0..20_u8));
    let append = (1..4_u8, fence(), 1..14_u64, 0..10_u64, event).prop_map(
        |(client, fence, number, lowest, event)| Ask::Append {
            client,
            fence,
            number,
            lowest,
            event,
        },
    );
    let delete = (prop::option::of(1..4_u8), any::<bool>(), 0..7_u64, prop::bool::weighted(0.05))
        .prop_map(|(client, is_side, offset, is_other_epoch)| Ask::Delete {
            client,
            is_side,
            offset,
            is_other_epoch,
        });
    prop_oneof![2 => open, 8 => append, 5 => delete]
}

fn commands() -> impl Strategy<Value = Vec<Asked>> {
    let command = (prop::bool::weighted(0.9), prop::collection::vec(ask(), 1..5));
    prop::collection::vec(command, 1..4)
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![Just(Crash::Kill), Just(Crash::CutClean), any::<u64>().prop_map(Crash::CutTorn)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => commands().prop_map(Step::Apply),
        2 => (commands(), 0..12_u64, crash()).prop_map(|(it, at, crash)| Step::Fail(it, at, crash)),
        1 => crash().prop_map(Step::Crash),
        1 => Just(Step::Forget),
    ]
}

fn begin() -> impl Strategy<Value = Begin> {
    let offset = || prop::option::of(0..30_u64);
    prop_oneof![
        Just(Begin::Latest),
        Just(Begin::Earliest),
        (0..12_u64).prop_map(Begin::Last),
        (offset(), offset(), prop::bool::weighted(0.1), prop::option::of(0..20_u8))
            .prop_map(|(main, side, other, id)| Begin::After([main, side], other, id)),
    ]
}

/// What happens to both, and what is asked after each step.
#[derive(Debug, Clone)]
pub struct Case {
    pub steps: Vec<Step>,
    pub starts: Vec<Begin>,
    pub keep: u64,
    /// How many events of each topic the second stream keeps.
    pub keep_topic: Option<usize>,
    pub limit: usize,
}

pub fn case() -> impl Strategy<Value = Case> {
    let (steps, starts) =
        (prop::collection::vec(step(), 1..25), prop::collection::vec(begin(), 1..3));
    let keep_topic = prop::option::weighted(0.7, 1..4_usize);
    (steps, starts, 1..15_u64, keep_topic, 1..6_usize).prop_map(
        |(steps, starts, keep, keep_topic, limit)| Case { steps, starts, keep, keep_topic, limit },
    )
}
