//! The bus beside its peers: `cargo bench -p event-driven-kit-bus`.
//!
//! Each row is measured in interleaved rounds, ours and its peer in turn; what is printed is the median
//! of a round's ratio with its 95 % interval. `-- instructions <case>` runs one case for callgrind.

mod cases;
mod rounds;

use cases::{churn, fan_out, fresh, instructions};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| one != "--bench").collect();
    if let [mode, case] = &arguments[..]
        && mode == "instructions"
    {
        return instructions::run(case);
    }
    println!("| work | ours | peer | ratio | 95 % | bar | met |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    fan_out::rows();
    fresh::rows();
    churn::rows();
}
