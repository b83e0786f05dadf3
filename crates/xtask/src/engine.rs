//! The engines of browsers, in which wasm tests run.

use crate::setup;
use crate::toolchain::Toolchain;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

/// An engine, with its WebDriver server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Chromium,
    Firefox,
    WebKit,
}

impl Engine {
    pub const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];

    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium => "Chromium",
            Self::Firefox => "Firefox",
            Self::WebKit => "WebKit",
        }
    }

    /// Cargo, which runs wasm tests in this engine.
    pub fn cargo(self, toolchain: &Toolchain) -> Result<Command> {
        let (mut cargo, variable, driver) = match self {
            Self::Chromium => {
                let driver = setup::chromedriver().context("chromedriver is not on PATH")?;
                (toolchain.cargo(), "CHROMEDRIVER", driver)
            }
            Self::Firefox => (toolchain.cargo(), "GECKODRIVER", PathBuf::from("geckodriver")),
            Self::WebKit => {
                let (cargo, driver) = webkit(toolchain)?;
                (cargo, "SAFARIDRIVER", driver)
            }
        };
        without_drivers(&mut cargo).env(variable, driver);
        Ok(cargo)
    }
}

fn webkit(toolchain: &Toolchain) -> Result<(Command, PathBuf)> {
    Ok(match setup::webkit().context("there is no WebKit")? {
        setup::WebKit::Safari(driver) => (toolchain.cargo(), driver),
        setup::WebKit::Gtk { driver, xvfb_run } => {
            let mut xvfb = toolchain.command(xvfb_run);
            xvfb.args(["--auto-servernum", "cargo"]);
            (xvfb, driver)
        }
    })
}

/// Removes the drivers from the environment: the runner takes the first one that it finds there.
pub fn without_drivers(command: &mut Command) -> &mut Command {
    for other in ["GECKODRIVER", "SAFARIDRIVER", "CHROMEDRIVER", "MSEDGEDRIVER"] {
        command.env_remove(other);
        command.env_remove(format!("{other}_REMOTE"));
    }
    command
}
