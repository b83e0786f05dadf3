//! Repeats are recognised wherever their ids are: in memory, in the table, or on the way there.

use redb::{ReadableDatabase, ReadableTableMetadata};

use super::disk::{Crash, Disk};
use super::*;
use crate::embedded::format::IDS;
use crate::embedded::host::Host;

const KEPT: u64 = 3_000;

fn open(disk: &Disk) -> Embedded {
    let keep = Keep { events: KEPT, ..Keep::default() };
    Embedded::on(Box::new(disk.clone()), Settings { keep, ..Settings::default() }).unwrap()
}

fn rows(disk: &Disk) -> u64 {
    let file = disk.open().unwrap();
    file.begin_read().unwrap().open_table(IDS).unwrap().len().unwrap()
}

#[test]
fn a_repeat_is_recognised_as_long_as_the_log_holds_it_and_then_its_id_goes_too() {
    let mut disk = Disk::default();
    let mut store = open(&disk);
    let (mut head, mut most) = (0_u64, 0);
    for commit in 0..250_u64 {
        if commit % 60 == 59 {
            drop(store);
            disk = disk.crashed(Crash::CutClean);
            most = rows(&disk).max(most);
            store = open(&disk);
        }
        let first = (head + 1).saturating_sub(KEPT).max(1);
        // Old ones from all over the log, and one that is trimmed, between the new ones.
        let mut ids: Vec<u64> =
            (0..10).map(|nth| first + (head - first.min(head)) * nth / 9).collect();
        ids.retain(|id| (first..=head).contains(id));
        let repeats = ids.len();
        ids.extend(head + 1..=head + 90);
        let batch: Vec<_> = ids.iter().map(|id| event(&id.to_string(), 1, None)).collect();
        let outcomes = store.write(&batch).unwrap().outcomes;
        let offsets: Vec<_> = outcomes.iter().map(|outcome| offset(outcome).unwrap()).collect();
        assert_eq!(offsets, ids, "commit {commit} with {repeats} repeats");
        head += 90;
    }
    // The id of an event that is gone names a new one.
    let outcomes = store.write(&[event("1", 1, None), event("1", 1, None)]).unwrap().outcomes;
    assert_eq!(outcomes.iter().filter_map(offset).collect::<Vec<_>>(), [head + 1, head + 1]);
    drop(store);
    // More rows than events only as far as the sweep is behind.
    assert!(rows(&disk) > 0 && most < 3 * 4_096, "{most} rows");
}

/// What happens to a store in between.
#[derive(Debug, Clone)]
enum Between {
    Nothing,
    Trim,
    /// The number of the operation of the disk that fails in the next commit. The file is then opened anew.
    Fail(u64),
    Crash,
    /// The store goes on from a backup of itself.
    Restore,
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![
        8 => Just(Between::Nothing),
        1 => Just(Between::Trim),
        1 => (0..60_u64).prop_map(Between::Fail),
        1 => Just(Between::Crash),
        1 => Just(Between::Restore),
    ]
}

fn restored(store: &Embedded) -> (Disk, Embedded) {
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("backup.redb");
    store.backup(&to).unwrap();
    let disk = Disk::holding(std::fs::read(&to).unwrap());
    let store = open(&disk);
    (disk, store)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Against the set of those that the log holds, through sweeps and filters that are made anew.
    #[test]
    fn no_id_that_the_log_holds_is_taken_for_a_new_one(
        steps in proptest::collection::vec((between(), 1..2_500_u64, any::<u64>()), 12..24),
    ) {
        let mut disk = Disk::default();
        let mut store = open(&disk);
        let (mut head, mut newest) = (0_u64, 0_u64);
        // By id the offset; of an event that is trimmed the last one.
        let mut logged = HashMap::new();
        for (between, count, seed) in steps {
            // A commit that fails may have trimmed already; then only new ones come with certain places.
            let repeats = if matches!(between, Between::Fail(_)) { 0 } else { 200.min(newest) };
            let old = (0..repeats).map(|nth| seed.wrapping_mul(nth + 1) % newest);
            let ids: Vec<u64> = old.chain(newest..newest + count).collect();
            let batch: Vec<_> = ids.iter().map(|id| event(&id.to_string(), 1, None)).collect();
            match between {
                Between::Nothing => {}
                Between::Trim => while store.maintain_now().unwrap() {},
                Between::Fail(operation) => {
                    let at = disk.operations() + operation;
                    disk.fail(at..at + 1);
                }
                Between::Crash => {
                    drop(store);
                    disk = disk.crashed(Crash::CutClean);
                    store = open(&disk);
                }
                Between::Restore => (disk, store) = restored(&store),
            }
            let first = (head + 1).saturating_sub(KEPT).max(1);
            let written = store.write(&batch);
            disk.fail(0..0);
            let outcomes = written.or_else(|_| store.write(&batch)).unwrap().outcomes;
            for (id, outcome) in ids.into_iter().zip(&outcomes) {
                let place = match logged.get(&id) {
                    Some(place) if *place >= first => *place,
                    _ => {
                        head += 1;
                        head
                    }
                };
                logged.insert(id, place);
                prop_assert_eq!(offset(outcome), Some(place), "id {}", id);
            }
            newest += count;
        }
    }
}
