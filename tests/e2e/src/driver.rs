//! Runs ChromeDriver. One process serves all browsers of a test.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::tool;

/// A running ChromeDriver.
#[derive(Debug)]
pub struct Driver {
    url: String,
    _process: Child,
}

impl Driver {
    /// Starts ChromeDriver on a free port.
    pub async fn start() -> Self {
        let mut process = Command::new(tool("EDK_CHROMEDRIVER"))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("EDK_CHROMEDRIVER names ChromeDriver's binary");
        let stdout = process.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await.expect("ChromeDriver writes text") {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                let url = format!("http://127.0.0.1:{}", port.trim().trim_end_matches('.'));
                return Self { url, _process: process };
            }
        }
        panic!("ChromeDriver ended before it listened");
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}
