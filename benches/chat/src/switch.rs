//! How soon another room is there.

use bus_benches::{median, sorted};
use end_to_end::{Relay, Writer};
use serde_json::Value;

use crate::table::Bar;
use crate::{Bench, page};

/// Opens a room, and waits for the frame with its first row. Returns the milliseconds, and how many frames had no row.
/// The messages of the second room have numbers from 10,000 on.
const SWITCH: &str = "const [room, isSecond, done] = arguments;
    const link = document.querySelector(`a[href='#${room}']`);
    const begun = performance.now();
    if (link) link.click();
    else location.hash = room;
    let blank = 0;
    const look = () => requestAnimationFrame(() => {
        const text = document.querySelector('.message .text');
        blank += text ? 0 : 1;
        if (!text || (parseInt(text.textContent) >= 10000) !== isSecond) return look();
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => done([performance.now() - begun, blank]);
        port2.postMessage(null);
    });
    look();";

pub async fn rooms(bench: &Bench) {
    let relay = Relay::start().await;
    for (room, first) in [("one", 0), ("two", 10_000)] {
        Writer::connect(&relay, room).await.write(first..first + 200).await;
    }
    let ann = page::open(&bench.driver, &relay, "one", Some(199)).await;
    let (mut times, mut blank) = (Vec::new(), 0.0);
    for round in 0..bench.rounds * 4 {
        let (room, is_second) = if round % 2 == 0 { ("two", true) } else { ("one", false) };
        let switched = ann.run_async(SWITCH, vec![room.into(), Value::Bool(is_second)]).await;
        let [time, frames] = page::numbers(&switched)[..] else { panic!("{switched}") };
        // Both have been open once.
        if round > 1 {
            times.push(time);
            blank += frames;
        }
        page::settle(&ann).await;
    }
    let first = median(&sorted(times.into_iter()));
    bench.table.print("switch: first row of a joined room, p50", "ms", first, Bar::AtMost(50.0));
    bench.table.print("switch: frames without a row", "frames", blank, Bar::AtMost(0.0));
    ann.close().await;
}
