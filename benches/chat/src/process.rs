//! CPU time and memory of the browser's processes, as Linux counts them.

use std::fs;

/// The length of a tick of `/proc`, which Linux has fixed for its users.
const TICK: f64 = 0.01;

/// The process that renders the page of the only browser of this driver.
pub fn renderer(driver: u32) -> u32 {
    let processes = fs::read_dir("/proc").expect("Linux has /proc");
    let ids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut renderers: Vec<u32> =
        ids.filter(|&id| is_renderer(id) && descends(id, driver)).collect();
    // A spare one is started later, and has done nothing yet.
    renderers.sort_by(|one, other| cpu_seconds(*other).total_cmp(&cpu_seconds(*one)));
    *renderers.first().expect("a browser is open")
}

fn is_renderer(id: u32) -> bool {
    let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    command.split(|&byte| byte == 0 || byte == b' ').any(|word| word == b"--type=renderer")
}

fn descends(mut id: u32, ancestor: u32) -> bool {
    while id > 1 && id != ancestor {
        let Some(parent) = stat(id, 3).and_then(|parent| u32::try_from(parent).ok()) else {
            return false;
        };
        id = parent;
    }
    id == ancestor
}

/// The number in this field of `/proc/ID/stat`, counted from 0; after the name, which may have spaces.
fn stat(id: u32, field: usize) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, after) = text.rsplit_once(')')?;
    after.split_whitespace().nth(field - 2)?.parse().ok()
}

/// The CPU time in user and kernel mode.
pub fn cpu_seconds(id: u32) -> f64 {
    let ticks = [13, 14].map(|field| stat(id, field).unwrap_or_default());
    ticks.iter().sum::<u64>() as f64 * TICK
}

/// The memory that is the process's own, in megabytes.
pub fn own_megabytes(id: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    let kilobytes = |line: &str| line.split_whitespace().nth(1)?.parse::<f64>().ok();
    let own = text.lines().filter(|line| line.starts_with("Private_")).filter_map(kilobytes);
    own.sum::<f64>() * 1_024.0 / 1e6
}
