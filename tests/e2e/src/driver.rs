//! Runs ChromeDriver or geckodriver.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::tool;

/// The engine of a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Driven by ChromeDriver, where one process serves all browsers of a test.
    Chromium,
    /// Driven by geckodriver, where each process serves one browser at a time.
    Firefox,
}

/// A running driver.
#[derive(Debug)]
pub struct Driver {
    pub(crate) engine: Engine,
    pub(crate) url: String,
    /// What Firefox reports as errors of pages. ChromeDriver keeps its own log.
    pub(crate) errors: Arc<Mutex<Vec<String>>>,
    process: Child,
}

impl Driver {
    /// Starts ChromeDriver on a free port.
    pub async fn start() -> Self {
        let mut command = Command::new(tool("EDK_CHROMEDRIVER"));
        command.arg("--port=0");
        let (driver, _) =
            Self::listen(Engine::Chromium, command, "started successfully on port ").await;
        driver
    }

    /// Starts geckodriver on a free port.
    pub async fn firefox() -> Self {
        let mut command = Command::new(tool("EDK_GECKODRIVER"));
        command.args(["--port=0", "--websocket-port=0"]);
        let (driver, lines) =
            Self::listen(Engine::Firefox, command, "Listening on 127.0.0.1:").await;
        tokio::spawn(keep_errors(lines, driver.errors.clone()));
        driver
    }

    /// Waits for the line that ends with the port after `before`.
    async fn listen(
        engine: Engine,
        mut command: Command,
        before: &str,
    ) -> (Self, Lines<BufReader<ChildStdout>>) {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("EDK_CHROMEDRIVER and EDK_GECKODRIVER name the drivers' binaries");
        let stdout = process.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await.expect("drivers write text") {
            if let Some((_, port)) = line.split_once(before) {
                let url = format!("http://127.0.0.1:{}", port.trim().trim_end_matches('.'));
                return (Self { engine, url, errors: Arc::default(), process }, lines);
            }
        }
        panic!("the driver ended before it listened");
    }

    /// The id of its process, which is the parent of the browsers' processes.
    pub fn process(&self) -> Option<u32> {
        self.process.id()
    }
}

/// Firefox writes errors of pages to its standard output, which it shares with geckodriver. Its own errors come from
/// other addresses than `http`.
async fn keep_errors(mut lines: Lines<BufReader<ChildStdout>>, errors: Arc<Mutex<Vec<String>>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let is_of_page = line.starts_with("JavaScript error: http");
        if is_of_page {
            errors.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }
}
