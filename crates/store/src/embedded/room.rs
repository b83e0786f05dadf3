//! Whether events fit on the disk and into its reserve.

use std::sync::atomic::Ordering;

use redb::ReadableTable;

use super::Embedded;
use super::format::EXTENTS;
use super::log::Extent;
use crate::StoreError;

impl Embedded {
    /// See [`Store::has_room`](crate::Store::has_room). Logs when the result changes.
    pub(super) fn has_room_for(&self, bytes: u64) -> Result<bool, StoreError> {
        let (host, reserve) = (&self.file.host, self.settings.reserve);
        let Some(free) = host.free().filter(|_| reserve > 0) else { return Ok(true) };
        // Rows, indexes, and the pages that a commit copies.
        let needed = bytes.saturating_mul(4);
        let has_room = free >= reserve.saturating_add(needed)
            || (free >= (reserve / 2).saturating_add(needed) && self.fits_inside(bytes)?);
        if self.is_full.swap(!has_room, Ordering::Relaxed) == has_room {
            let path = host.path().display();
            if has_room {
                tracing::info!(%path, free, "the disk has room again: events are taken");
            } else {
                tracing::error!(%path, free, reserve, "the disk is full: no event is taken until it has room; free some, or keep less (--keep-bytes, --keep-age)");
            }
        }
        Ok(has_room)
    }

    /// Whether `bytes` fit into the room that a larger log has left inside its file.
    fn fits_inside(&self, bytes: u64) -> Result<bool, StoreError> {
        self.file.with(|file| {
            let (mut used, mut peak) = (0, 0);
            for row in file.read()?.open_table(EXTENTS)?.iter()? {
                let extent = Extent::of(row?.1.value());
                (used, peak) = (used + extent.bytes, peak + extent.peak);
            }
            Ok(used + bytes <= peak - peak / 8)
        })
    }
}
