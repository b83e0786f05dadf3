//! The native benchmark programs.

use super::table::Table;
use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::PathBuf;
use std::process::Command;

pub struct Programs {
    /// Measures time.
    pub time: PathBuf,
    /// Counts bytes, with an allocator that would slow down the other program.
    memory: PathBuf,
}

/// A line of cargo's JSON output.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Builds what `cargo bench` would run.
pub fn build(workspace: &Workspace) -> Result<Programs> {
    let mut cargo = process::native_cargo();
    cargo
        .args(["bench", "--no-run", "--package", "bus-benches", "--benches"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(&workspace.root);
    let messages = process::capture_shown(&mut cargo)?;
    let program = |name: &str| {
        let messages = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
        messages
            .filter(|message: &Message| message.target.as_ref().is_some_and(|it| it.name == name))
            .find_map(|message| message.executable)
            .with_context(|| format!("cargo has built no benchmark `{name}`"))
    };
    Ok(Programs { time: program("native")?, memory: program("memory")? })
}

impl Programs {
    pub fn run(&self, table: &mut Table) -> Result<()> {
        for program in [&self.time, &self.memory] {
            let lines = process::capture_shown(Command::new(program).arg("--bench"))?;
            table.add_lines("native", &lines)?;
        }
        Ok(())
    }
}
