//! Outcomes don't depend on how commands are grouped into commits.

use session::RejectCode;
use session::server::Refusal;

use super::disk::{Crash, Disk};
use super::*;

/// A command that owns its writes.
#[derive(Debug, Clone)]
struct Owned {
    time: u64,
    has_room: bool,
    writes: Vec<Write>,
}

impl Owned {
    fn one(write: Write) -> Self {
        Self { time: 0, has_room: true, writes: vec![write] }
    }

    fn borrowed(&self) -> Command<'_> {
        Command { time: self.time.into(), has_room: self.has_room, writes: &self.writes }
    }
}

const CLIENT: [u8; 16] = [1; 16];

/// What the commands do in groups of these sizes, over and over; between commits the process is killed, if `kills`.
fn run(commands: &[Owned], sizes: &[usize], settings: &Settings, kills: bool) -> Vec<WriteOutcome> {
    let mut disk = Disk::default();
    let mut store = Embedded::on(Box::new(disk.clone()), settings.clone()).unwrap();
    let epoch = epoch(&store);
    let (mut outcomes, mut rest, mut sizes) = (Vec::new(), commands, sizes.iter().cycle());
    while !rest.is_empty() {
        let (group, others) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        let group: Vec<_> = group.iter().map(Owned::borrowed).collect();
        for written in store.apply(&group).unwrap() {
            outcomes.extend(written.outcomes);
        }
        rest = others;
        if kills {
            drop(store);
            disk = disk.crashed(Crash::CutClean);
            store = Embedded::on(Box::new(disk.clone()), settings.clone()).unwrap();
            assert_eq!(self::epoch(&store), epoch);
        }
    }
    outcomes.push(WriteOutcome::Decided(Decided::Rejected {
        code: RejectCode::Unknown,
        message: format!("{:?} of {:?}", locate(&store, ">", &Start::Earliest), store.heads()),
        retry: None,
    }));
    outcomes.into_iter().map(|outcome| without_epoch(outcome, epoch)).collect()
}

fn epoch(store: &Embedded) -> u64 {
    place(locate(store, ">", &Start::Latest)).head.epoch
}

/// Each file has an epoch of its own.
fn without_epoch(outcome: WriteOutcome, epoch: u64) -> WriteOutcome {
    match outcome {
        WriteOutcome::Decided(Decided::Stored(position, durability)) => {
            assert_eq!(position.epoch, epoch);
            let position = session::Position { epoch: 0, ..position };
            WriteOutcome::Decided(Decided::Stored(position, durability))
        }
        WriteOutcome::Decided(Decided::Rejected { code, message, retry }) => {
            let message = message.replace(&epoch.to_string(), "epoch");
            WriteOutcome::Decided(Decided::Rejected { code, message, retry })
        }
        outcome => outcome,
    }
}

fn numbered(fence: u64, number: u64, lowest: u64) -> Numbered {
    Numbered { client: CLIENT, fence, number, lowest }
}

#[test]
fn a_number_below_the_lowest_that_is_needed_is_stale_at_once() {
    let writes = [
        hello_of(CLIENT, 1),
        event("e1", 1, Some(numbered(1, 1, 1))),
        event("e2", 1, Some(numbered(1, 2, 2))),
        event("e1", 1, Some(numbered(1, 1, 1))),
    ];
    let commands = writes.map(Owned::one);
    let settings = Settings::default();
    for sizes in [[4], [1], [3]] {
        let outcomes = run(&commands, &sizes, &settings, false);
        assert!(
            matches!(
                outcomes[3],
                WriteOutcome::Decided(Decided::Rejected { code: RejectCode::StaleNumber, .. })
            ),
            "{sizes:?}: {outcomes:?}"
        );
    }
}

#[test]
fn the_repeat_of_an_event_that_its_successors_have_pushed_out_is_new() {
    let keep = Keep { events: 2, ..Keep::default() };
    let settings = Settings { keep, ..Settings::default() };
    let mut commands: Vec<_> =
        (1..=200).map(|id| Owned::one(event(&id.to_string(), 1, None))).collect();
    commands.push(Owned::one(event("50", 1, None)));
    for sizes in [[201], [200], [1], [7]] {
        let outcomes = run(&commands, &sizes, &settings, false);
        assert_eq!(offset(&outcomes[200]), Some(201), "{sizes:?}");
    }
}

#[test]
fn a_number_that_found_no_room_holds_back_higher_ones_in_later_commits_too() {
    let full = |write| Owned { has_room: false, ..Owned::one(write) };
    let commands = [
        Owned::one(hello_of(CLIENT, 1)),
        full(event("e1", 1, Some(numbered(1, 1, 1)))),
        Owned::one(event("e2", 1, Some(numbered(1, 2, 1)))),
        Owned::one(event("e1", 1, Some(numbered(1, 1, 1)))),
        Owned::one(event("e2", 1, Some(numbered(1, 2, 1)))),
    ];
    for kills in [false, true] {
        for sizes in [[5], [1], [2]] {
            let outcomes = run(&commands, &sizes, &Settings::default(), kills);
            let codes: Vec<_> = outcomes[1..3]
                .iter()
                .map(|outcome| match outcome {
                    WriteOutcome::Decided(Decided::Rejected { code, retry: Some(_), .. }) => *code,
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(codes, [RejectCode::DiskFull, RejectCode::HeldBack], "{sizes:?}");
            assert_eq!([offset(&outcomes[3]), offset(&outcomes[4])], [Some(1), Some(2)]);
        }
    }
}

fn write() -> impl Strategy<Value = Write> {
    let number = || (1..4_u64, 1..12_u64, 0..12_u64);
    prop_oneof![
        1 => (1..3_u8, 1..4_u64, 1..8_u64, any::<bool>()).prop_map(|(client, fence, lowest, may_be_new)| {
            let Write::Open { hello, .. } = hello_of([client; 16], fence) else { unreachable!() };
            Write::Open { hello: Hello { lowest, ..hello }, subject: None, may_be_new }
        }),
        6 => (number(), 0..15_u8, 1..60_usize).prop_map(|((fence, number, lowest), id, size)| {
            event(&id.to_string(), size, Some(numbered(fence, number, lowest)))
        }),
        3 => (0..15_u8, 1..60_usize).prop_map(|(id, size)| event(&id.to_string(), size, None)),
        1 => number().prop_map(|(fence, number, lowest)| {
            let client = Some(numbered(fence, number, lowest));
            let Write::Append(record) = event("x", 1, client) else { unreachable!() };
            let (code, message) = (RejectCode::IllegalTopic, "no".to_owned());
            Write::Append(Record { event: Err(Refusal { code, message, id: None }), ..record })
        }),
        1 => number().prop_map(|(fence, number, lowest)| Write::Hold(numbered(fence, number, lowest))),
    ]
}

fn command() -> impl Strategy<Value = Owned> {
    let writes = proptest::collection::vec(write(), 1..5);
    (writes, 0..4_000_u64, proptest::bool::weighted(0.9))
        .prop_map(|(writes, time, has_room)| Owned { time, has_room, writes })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn commands_have_the_same_outcomes_however_they_are_grouped_into_commits(
        mut commands in proptest::collection::vec(command(), 1..40),
        sizes in proptest::collection::vec(1..9_usize, 1..4),
        events in 2..20_u64,
        bytes in 100..2_000_u64,
        age in proptest::option::of(1..9_u64),
        topic in proptest::option::of(1..5_usize),
    ) {
        let mut now = 1_000_000;
        for command in &mut commands {
            now += command.time;
            command.time = now;
        }
        let first = Owned { time: 1_000_000, ..Owned::one(hello_of(CLIENT, 1)) };
        commands.insert(0, first);
        let keep = Keep { events, bytes, age: age.map(Duration::from_secs), topic };
        let settings = Settings { keep, ..Settings::default() };
        let alone = run(&commands, &[1], &settings, false);
        prop_assert_eq!(&run(&commands, &[commands.len()], &settings, false), &alone);
        prop_assert_eq!(&run(&commands, &sizes, &settings, false), &alone);
        prop_assert_eq!(&run(&commands, &sizes, &settings, true), &alone);
    }
}
