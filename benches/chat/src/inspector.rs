//! What the open inspector costs.

use bus_benches::compared;
use end_to_end::list::newest_is;
use end_to_end::{Browser, Relay, Writer, eventually};

use crate::table::Bar;
use crate::{Bench, page};

/// How long messages arrive in each half of a round.
const SECONDS: u32 = 3;

/// Opens the inspector, or closes it.
const TOGGLE: &str =
    "const init = { key: 'e', code: 'KeyE', ctrlKey: true, altKey: true, bubbles: true };
    document.dispatchEvent(new KeyboardEvent('keydown', init));";

/// A room in which 200 messages arrive each second, with the inspector's flow open and closed in turns.
pub async fn open(bench: &Bench) {
    let relay = Relay::start().await;
    let mut writer = Writer::connect(&relay, "busy").await;
    writer.write(0..1_000).await;
    let ann = page::open(&bench.driver, &relay, "busy", Some(999)).await;
    page::read_all(&ann, 999).await;
    let (mut next, mut pairs) = (1_000, Vec::new());
    // The first round warms up.
    for _ in 0..=bench.rounds {
        let closed = share(&ann, &mut writer, &mut next).await;
        toggle(&ann, true).await;
        let open = share(&ann, &mut writer, &mut next).await;
        toggle(&ann, false).await;
        pairs.push((open, closed));
    }
    let ratio = compared(&pairs[1..]);
    let table = &bench.table;
    table.print("inspector: share of a core at 200 messages/s, open", "%", ratio.ours, Bar::None);
    table.print("inspector: the same, closed", "%", ratio.peer, Bar::None);
    table.print_ratio("inspector: CPU at 200 messages/s, open against closed", ratio, 1.05);
    ann.close().await;
}

/// The share of a core that the page's main thread takes while messages arrive.
async fn share(ann: &Browser, writer: &mut Writer, next: &mut u32) -> f64 {
    page::settle(ann).await;
    let range = *next..*next + 200 * SECONDS;
    *next = range.end;
    let before = page::cpu_seconds(ann).await;
    let took = page::timed(writer.write_steadily(range, page::per_second(200))).await;
    newest_is(ann, *next - 1).await;
    (page::cpu_seconds(ann).await - before) * 100.0 / took
}

async fn toggle(ann: &Browser, opens: bool) {
    ann.run(TOGGLE, vec![]).await;
    eventually("the inspector", async || {
        let script = "return !!document.querySelector('event-inspector')?.shadowRoot";
        (ann.run(script, vec![]).await == opens).then_some(())
    })
    .await;
}
