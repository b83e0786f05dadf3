//! Real browsers and the real relay, for the end-to-end tests: each ends when it is dropped.
//!
//! What to run comes from the environment, which `cargo xtask test` sets: `EDK_RELAY`, `EDK_PAGE`,
//! `EDK_COUNTER`, `EDK_CHROMEDRIVER`, `EDK_CHROMIUM` and `EDK_PYTHON`.

mod browser;
mod driver;
mod proxy;
mod relay;

pub use browser::Browser;
pub use driver::Driver;
pub use proxy::{Network, Proxy};
pub use relay::Relay;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long anything that a test waits for may take: a client may rightly need 80 seconds after the last break,
/// if its link is found silent after 8, it waits 30, its next connection is not let in for 10, and it waits again.
pub const PATIENCE: Duration = Duration::from_secs(100);

/// The path that the environment gives under `name`.
///
/// # Panics
/// If it gives none: these tests run by `cargo xtask test`.
pub fn tool(name: &str) -> PathBuf {
    match std::env::var_os(name) {
        Some(path) => path.into(),
        None => panic!("{name} is not set: run `cargo xtask test --only end-to-end`"),
    }
}

/// Asks `probe` until it answers, at most for [`PATIENCE`].
///
/// # Panics
/// If it never does; the message names `what`.
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
