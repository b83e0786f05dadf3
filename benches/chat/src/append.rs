//! What a message that arrives costs.

use bus_benches::{compared, median, sorted};
use end_to_end::list::newest_is;
use end_to_end::{Browser, Relay, Writer};

use crate::table::Bar;
use crate::{Bench, page, process};

/// How many messages a round has. Each is drawn on its own.
const MESSAGES: u32 = 40;

/// The CPU time of the main thread for a message beside 1,000 rows, and in a room without.
pub async fn beside_rows(bench: &Bench) {
    let relay = Relay::start().await;
    let mut many = Writer::connect(&relay, "many").await;
    many.write(0..1_000).await;
    let beside = page::open(&bench.driver, &relay, "many", Some(999)).await;
    page::read_all(&beside, 999).await;
    let alone = page::open(&bench.driver, &relay, "none", None).await;
    let mut pairs = Vec::new();
    // The first round warms up.
    for round in 0..=bench.rounds {
        let room = format!("none-{round}");
        alone.run("location.hash = arguments[0]", vec![room.clone().into()]).await;
        alone.says("h1", &format!("#{room}")).await;
        alone.appears(".empty").await;
        let mut few = Writer::connect(&relay, &room).await;
        let first = 1_000 + round * MESSAGES;
        pairs
            .push((cpu_of(&beside, &mut many, first).await, cpu_of(&alone, &mut few, first).await));
    }
    let ratio = compared(&pairs[1..]);
    bench.table.print("append: CPU of a message beside 1,000 rows", "ms", ratio.ours, Bar::None);
    bench.table.print("append: CPU of a message beside none", "ms", ratio.peer, Bar::None);
    bench.table.print_ratio("append: CPU per message beside 1,000 rows", ratio, 1.2);
    beside.close().await;
    alone.close().await;
}

/// The milliseconds for each of the messages from a number on.
async fn cpu_of(ann: &Browser, writer: &mut Writer, first: u32) -> f64 {
    page::settle(ann).await;
    let before = page::cpu_seconds(ann).await;
    writer.write_steadily(first..first + MESSAGES, page::per_second(40)).await;
    newest_is(ann, first + MESSAGES - 1).await;
    (page::cpu_seconds(ann).await - before) * 1_000.0 / f64::from(MESSAGES)
}

/// Counts the frames of some milliseconds.
const FRAMES: &str = "const [milliseconds, done] = arguments, begun = performance.now();
    let frames = 0;
    const frame = () => {
        frames += 1;
        const passed = performance.now() - begun;
        if (passed < milliseconds) requestAnimationFrame(frame);
        else done(1000 * frames / passed);
    };
    requestAnimationFrame(frame);";

/// A room in which 200 messages arrive each second.
pub async fn busy(bench: &Bench) {
    const SECONDS: u32 = 3;
    let relay = Relay::start().await;
    let mut writer = Writer::connect(&relay, "busy").await;
    writer.write(0..1_000).await;
    let ann = page::open(&bench.driver, &relay, "busy", Some(999)).await;
    page::read_all(&ann, 999).await;
    let renderer = process::renderer(bench.driver.process().expect("the driver runs"));
    let mut next = 1_000;
    let (mut shares, mut of_process, mut frames) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=bench.rounds {
        let mut range = || {
            next += 200 * SECONDS;
            next - 200 * SECONDS..next
        };
        let before = (page::cpu_seconds(&ann).await, process::cpu_seconds(renderer));
        let took = page::timed(writer.write_steadily(range(), page::per_second(200))).await;
        shares.push((page::cpu_seconds(&ann).await - before.0) * 100.0 / took);
        of_process.push((process::cpu_seconds(renderer) - before.1) * 100.0 / took);
        // Counting frames makes some of its own.
        let counted = ann.run_async(FRAMES, vec![(SECONDS * 1_000).into()]);
        let (counted, ()) =
            tokio::join!(counted, writer.write_steadily(range(), page::per_second(200)));
        frames.push(counted.as_f64().expect("a number of frames"));
        newest_is(&ann, next - 1).await;
    }
    // The first round warms up.
    let middle = |values: &[f64]| median(&sorted(values[1..].iter().copied()));
    let table = &bench.table;
    let share = middle(&shares);
    table.print("busy: share of a core at 200 messages/s", "%", share, Bar::AtMost(20.0));
    let whole = "busy: the same, with the other threads of the page's process";
    table.print(whole, "%", middle(&of_process), Bar::None);
    let frames = middle(&frames);
    table.print("busy: frames at 200 messages/s", "/s", frames, Bar::AtLeast(55.0));
    ann.close().await;
}
