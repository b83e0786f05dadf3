//! What the message list shows of messages by a [`Writer`](crate::Writer), each of which begins with its number.

use serde_json::Value;

use crate::{Browser, eventually};

/// Functions that look at the list of the open room: `rows()` with number and place on the screen, `log` the scrolling
/// element.
const LOOK: &str =
    "const log = [...document.querySelectorAll('.log')].find((log) => log.offsetParent);
    const top = log.getBoundingClientRect().top;
    const number = (row) => Number(row.querySelector('.text').textContent.split(' ')[0]);
    const rows = () => [...log.querySelectorAll('.message')];
    const place = (row) => row.getBoundingClientRect().top - top;
    const seen = () => rows().filter((row) => place(row) >= 0 && place(row) < log.clientHeight);
    const find = (wanted) => rows().find((row) => number(row) === wanted);";

/// Runs a script that has `log`, `rows`, `number`, `place`, `seen` and `find`.
pub async fn look(browser: &Browser, script: &str) -> Value {
    browser.run(&format!("{LOOK} {script}"), vec![]).await
}

/// The number of the first row that begins on the screen, and its place.
pub async fn first_seen(browser: &Browser) -> (u64, f64) {
    let row = eventually("a row on the screen", async || {
        let script = "const [row] = seen(); return row && [number(row), place(row)];";
        let row = look(browser, script).await;
        Some((row[0].as_u64()?, row[1].as_f64()?))
    });
    row.await
}

/// Where the row with this number is on the screen.
pub async fn place_of(browser: &Browser, number: u64) -> f64 {
    let script = format!("const row = find({number}); return row ? place(row) : null;");
    let place = look(browser, &script).await;
    place.as_f64().unwrap_or_else(|| panic!("message {number} is not in the page"))
}

/// How far the row with this number is from where it was, in CSS pixels.
pub async fn drift(browser: &Browser, (number, place): (u64, f64)) -> f64 {
    (place_of(browser, number).await - place).abs()
}

/// How many messages are in the page.
pub async fn rows_in_page(browser: &Browser) -> u64 {
    look(browser, "return rows().length").await.as_u64().expect("a length")
}

/// Waits until the message with this number is the last one, and the list is scrolled to it.
pub async fn newest_is(browser: &Browser, number: u32) {
    let what = format!("message {number} at the end");
    let script = "const row = rows().at(-1);
        return row && [number(row), log.scrollHeight - log.scrollTop - log.clientHeight]";
    eventually(&what, async || {
        let last = look(browser, script).await;
        (last[0] == number && last[1].as_f64().is_some_and(|left| left < 2.0)).then_some(())
    })
    .await;
}
