//! The bus beside its peers: `cargo bench -p event-driven-kit-bus`.
//!
//! Each row is measured in interleaved rounds, ours and its peer in turn; what is printed is the median
//! of a round's ratio with its 95 % interval. Fails when a bar is missed. `-- instructions <case>` runs one case for callgrind.

mod cases;
mod rounds;
mod table;

use std::process::ExitCode;

use cases::{churn, fan_out, fresh, instructions};
use table::Table;

fn main() -> std::io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| one != "--bench").collect();
    if let [mode, case] = &arguments[..]
        && mode == "instructions"
    {
        instructions::run(case);
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new();
    fan_out::rows(&mut table);
    fresh::rows(&mut table);
    churn::rows(&mut table);
    Ok(if table.finish()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
