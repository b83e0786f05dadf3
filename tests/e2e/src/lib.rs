//! Real browsers and the real relay for the end-to-end tests. Each process is killed on drop.
//!
//! The programs come from environment variables, which `cargo xtask test` sets: `EDK_RELAY`, `EDK_PAGE`, `EDK_COUNTER`,
//! `EDK_CHROMEDRIVER`, `EDK_CHROMIUM`, `EDK_GECKODRIVER`, `EDK_FIREFOX`, `EDK_PYTHON` and `EDK_AXE`.

mod browser;
mod driver;
pub mod list;
mod proxy;
mod relay;
mod writer;

pub use browser::Browser;
pub use driver::{Driver, Engine};
pub use proxy::{Network, Proxy};
pub use relay::{Account, Relay};
pub use writer::{Message, Writer};

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a test waits for anything. After the last break a client may need 80 seconds: it notices a silent link
/// after 8, waits 30, is not accepted for 10 on its next connection, and waits again.
pub const PATIENCE: Duration = Duration::from_secs(100);

/// The path in the environment variable `name`.
///
/// If it is not set: `cargo xtask test` runs these tests.
pub fn tool(name: &str) -> PathBuf {
    match std::env::var_os(name) {
        Some(path) => path.into(),
        None => panic!("{name} is not set: run `cargo xtask test --only end-to-end`"),
    }
}

/// Calls `probe` until it returns a value, at most for [`PATIENCE`].
///
/// After that time. The message contains `what`.
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(Instant::now() < deadline, "timed out waiting for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
