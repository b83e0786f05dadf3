//! The bus beside its peers, natively; each row is a line of JSON.
//!
//! Each row is measured in interleaved rounds, ours and its peer in turn. `-- instructions <case>` runs one
//! case for callgrind instead.

mod churn;
mod fan_out;
mod fresh;
mod instructions;
mod routes;
mod side_by_side;

use side_by_side::SideBySide;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| one != "--bench").collect();
    if let [mode, case] = &arguments[..]
        && mode == "instructions"
    {
        return instructions::run(case);
    }
    let mut bench = SideBySide::new();
    fan_out::rows(&mut bench);
    fresh::rows(&mut bench);
    churn::rows(&mut bench);
    routes::row();
}
