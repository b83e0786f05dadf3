use simulation::world::World;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let from: u64 = args[1].parse().unwrap();
    let count: u64 = args[2].parse().unwrap();
    let mut bad = 0;
    let mut cov = simulation::fault::Coverage::default();
    for seed in from..from + count {
        let outcome = World::run(seed, None, args.len() > 3);
        cov.merge(&outcome.coverage);
        if let Err(v) = outcome.verdict {
            bad += 1;
            println!(
                "seed {seed}: {v} ({} publishes {} faults)",
                outcome.publishes, outcome.faults
            );
        }
    }
    println!("{cov}\n{bad} of {count} bad");
}
