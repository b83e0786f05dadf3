//! How soon the user sees the own message.

use bus_benches::{median, sorted};
use end_to_end::{Relay, Writer};

use crate::table::Bar;
use crate::{Bench, page};

/// Sends messages by Enter at any moment of a frame, and waits for the frame that shows each.
const SEND: &str = "const [count, done] = arguments;
    const area = document.querySelector('#composer');
    const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    const painted = () => new Promise((resolve) => requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = resolve;
        port2.postMessage(null);
    }));
    const send = async (text) => {
        area.value = text;
        area.dispatchEvent(new InputEvent('input', { bubbles: true }));
        await pause(50 + 50 * Math.random());
        const begun = performance.now();
        area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
        do await painted();
        while ([...document.querySelectorAll('.message .text')].at(-1)?.textContent !== text);
        return performance.now() - begun;
    };
    (async () => {
        const times = [];
        for (let at = 0; at < count; at++) times.push(await send(`own ${at} ${Math.random()}`));
        return times;
    })().then(done, (error) => done(String(error)));";

/// From Enter to the frame with the row.
pub async fn painted(bench: &Bench) {
    for (rows, name) in [(0, "no rows"), (1_000, "1,000 rows")] {
        let relay = Relay::start().await;
        let mut writer = Writer::connect(&relay, "own").await;
        writer.write(0..rows).await;
        let newest = rows.checked_sub(1);
        let ann = page::open(&bench.driver, &relay, "own", newest).await;
        if let Some(newest) = newest {
            page::read_all(&ann, newest).await;
        }
        ann.run_async(SEND, vec![10.into()]).await;
        let times = ann.run_async(SEND, vec![(bench.rounds * 12).into()]).await;
        let times = sorted(page::numbers(&times).into_iter());
        assert!(!times.is_empty(), "no message was sent");
        let work = format!("own: own row painted beside {name}");
        let p95 = times[times.len() * 95 / 100];
        bench.table.print(&format!("{work}, p50"), "ms", median(&times), Bar::AtMost(16.0));
        bench.table.print(&format!("{work}, p95"), "ms", p95, Bar::None);
        ann.close().await;
    }
}
