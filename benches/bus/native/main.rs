//! The native benchmarks of the bus and its peers. Each row is a line of JSON.
//!
//! The rounds of a row alternate between the bus and its peer. `-- instructions <case>` runs one case for
//! callgrind instead.

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
