//! Repeats are recognised wherever their ids are: in memory, in the table, or on the way there.

use redb::{ReadableDatabase, ReadableTableMetadata};

use super::disk::{Crash, Disk};
use super::*;
use crate::store::host::Host;
use crate::store::ids::IDS;

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
