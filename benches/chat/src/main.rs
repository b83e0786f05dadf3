//! Measures the chat in Chromium against its bars. Prints a row for each as a line of JSON, of which
//! `cargo xtask bench chat` makes a table. The browsers and the relay are those of the end-to-end tests.
//!
//! CPU time and memory of processes are read from Linux.

mod append;
mod drift;
mod history;
mod inspector;
mod load;
mod own;
mod page;
mod process;
mod switch;
mod table;

use std::path::PathBuf;
use std::pin::Pin;

use clap::Parser;
use end_to_end::Driver;

use table::Table;

/// Measures the chat.
#[derive(Debug, Parser)]
struct Arguments {
    /// Measure only the rows of this group: transfer, shell, append, busy, inspector, own, drift, switch, scroll,
    /// memory
    #[arg(long)]
    only: Option<String>,
    /// How many rounds to take the median of
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// What `cargo xtask size` weighs: the bytes of the page's wasm and JS
    #[arg(long)]
    weighed: Option<u64>,
    /// Lighthouse's script, `lighthouse/cli/index.js`
    #[arg(long)]
    lighthouse: Option<PathBuf>,
}

/// What the measurements share.
struct Bench {
    driver: Driver,
    table: Table,
    rounds: u32,
    weighed: Option<u64>,
    lighthouse: Option<PathBuf>,
}

type Rows = for<'a> fn(&'a Bench) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The groups of rows, in the order of the table.
const GROUPS: [(&str, Rows); 10] = [
    ("transfer", |bench| Box::pin(load::transfer(bench))),
    ("shell", |bench| Box::pin(load::shell(bench))),
    ("append", |bench| Box::pin(append::beside_rows(bench))),
    ("busy", |bench| Box::pin(append::busy(bench))),
    ("inspector", |bench| Box::pin(inspector::open(bench))),
    ("own", |bench| Box::pin(own::painted(bench))),
    ("drift", |bench| Box::pin(drift::farthest(bench))),
    ("switch", |bench| Box::pin(switch::rooms(bench))),
    ("scroll", |bench| Box::pin(history::scroll(bench))),
    ("memory", |bench| Box::pin(history::memory(bench))),
];

#[tokio::main]
async fn main() {
    let Arguments { only, rounds, weighed, lighthouse } = Arguments::parse();
    let driver = Driver::start().await;
    let table = Table::new(&page::version(&driver).await);
    let bench = Bench { driver, table, rounds: rounds.max(1), weighed, lighthouse };
    for (name, rows) in GROUPS {
        if only.as_ref().is_none_or(|only| only == name) {
            rows(&bench).await;
        }
    }
}
