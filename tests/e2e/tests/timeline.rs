//! The message list with a long history: what is read stays in its place, all of the history can be reached, and little
//! of it is in the page.

use std::time::{Duration, Instant};

use end_to_end::{Browser, Driver, Relay, eventually};
use serde_json::{Value, json};

const ROOM: &str = "long";
const WRITER: &str = include_str!("timeline/writer.js");
/// The most rows in the page.
const MOST_ROWS: u64 = 1_280;

/// A program that writes many messages in the room.
struct Writer(Browser);

impl Writer {
    async fn open(driver: &Driver, relay: &Relay) -> Self {
        let browser = Browser::open(driver).await;
        browser.goto(&format!("{}/embed.html", relay.url())).await;
        assert_eq!(browser.run_async(WRITER, vec![ROOM.into()]).await, Value::Null);
        Self(browser)
    }

    async fn run(&self, script: &str) {
        let script = format!(
            "const [done] = arguments; (async () => {{ {script} }})().then(() => done(null), (error) => done(String(error)));"
        );
        assert_eq!(self.0.run_async(&script, vec![]).await, Value::Null);
    }

    /// Writes the messages of these numbers, and waits until they are stored.
    async fn write(&self, from: u32, to: u32) {
        for start in (from..to).step_by(1_000) {
            self.run(&format!("await writer.write({start}, {})", to.min(start + 1_000))).await;
        }
    }

    /// The offset of the message with this number.
    async fn offset(&self, number: u32) -> u64 {
        let script = "return writer.events.find(({ text }) => text.split(' ')[0] === String(arguments[0])).offset";
        let offset = self.0.run(script, vec![number.into()]).await;
        offset.as_str().and_then(|offset| offset.parse().ok()).expect("it is stored")
    }
}

/// Functions that look at the list: `rows()` with number and place on the screen, `log` the scrolling element.
const LOOK: &str =
    "const log = document.querySelector('.log'), top = log.getBoundingClientRect().top;
    const number = (row) => Number(row.querySelector('.text').textContent.split(' ')[0]);
    const rows = () => [...log.querySelectorAll('.message')];
    const place = (row) => row.getBoundingClientRect().top - top;
    const seen = () => rows().filter((row) => place(row) >= 0 && place(row) < log.clientHeight);
    const find = (wanted) => rows().find((row) => number(row) === wanted);";

async fn look(ann: &Browser, script: &str) -> Value {
    ann.run(&format!("{LOOK} {script}"), vec![]).await
}

/// The number of a row on the screen, and its place.
async fn first_seen(ann: &Browser) -> (u64, f64) {
    let row = eventually("a row on the screen", async || {
        let row = look(ann, "const [row] = seen(); return row && [number(row), place(row)];").await;
        row.is_array().then_some(row)
    })
    .await;
    (row[0].as_u64().unwrap(), row[1].as_f64().unwrap())
}

async fn place_of(ann: &Browser, number: u64) -> f64 {
    let place =
        look(ann, &format!("const row = find({number}); return row ? place(row) : null;")).await;
    place.as_f64().unwrap_or_else(|| panic!("message {number} is not in the page"))
}

async fn is_still(ann: &Browser, (number, place): (u64, f64), when: &str) {
    let now = place_of(ann, number).await;
    assert!((now - place).abs() <= 1.0, "message {number} was at {place} and is at {now}: {when}");
}

async fn rows_in_page(ann: &Browser) -> u64 {
    look(ann, "return rows().length").await.as_u64().unwrap()
}

async fn newest_is(ann: &Browser, number: u32) {
    let what = format!("message {number} at the end");
    eventually(&what, async || {
        let last = look(ann, "const row = rows().at(-1); return row && [number(row), log.scrollHeight - log.scrollTop - log.clientHeight]").await;
        (last[0] == number && last[1].as_f64().is_some_and(|left| left < 2.0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_read_in_the_middle_stays_in_its_place_while_2000_arrive_and_the_window_is_resized()
{
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let writer = Writer::open(&driver, &relay).await;
    writer.write(0, 500).await;
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), ROOM, "Ann").await;
    newest_is(&ann, 499).await;
    // Pages are read and prepended while the reader scrolls up.
    for _ in 0..12 {
        look(&ann, "log.scrollTop -= log.clientHeight * 0.9").await;
        let here = first_seen(&ann).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        is_still(&ann, here, "a page was prepended").await;
    }
    let here = first_seen(&ann).await;
    assert!(here.0 < 440, "{here:?}");
    writer.write(500, 2_500).await;
    ann.says(".newer button", "New messages ↓").await;
    is_still(&ann, here, "2,000 messages have arrived").await;
    assert!(rows_in_page(&ann).await <= MOST_ROWS);
    for (width, height) in [(500, 800), (900, 500), (900, 800)] {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        ann.call("Emulation.setDeviceMetricsOverride", size).await;
        eventually("the new size", async || {
            (ann.run("return innerWidth", vec![]).await == width).then_some(())
        })
        .await;
        // Two frames later everything is in its place.
        ann.run_async("const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(() => done()))", vec![]).await;
        is_still(&ann, here, "the window was resized").await;
    }
    ann.click(".newer button").await;
    newest_is(&ann, 2_499).await;
    writer.write(2_500, 2_600).await;
    newest_is(&ann, 2_599).await;
    assert!(rows_in_page(&ann).await <= MOST_ROWS);
    assert_eq!(ann.console_errors().await, [""; 0]);
    ann.close().await;
    writer.0.close().await;
}

#[tokio::test]
async fn the_first_of_5000_messages_is_reached_by_scrolling_and_few_are_in_the_page() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let writer = Writer::open(&driver, &relay).await;
    writer.write(0, 5_000).await;
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), ROOM, "Ann").await;
    newest_is(&ann, 4_999).await;
    let begun = Instant::now();
    let mut most = 0;
    eventually("the beginning", async || {
        look(&ann, "log.scrollTop = 0").await;
        most = most.max(rows_in_page(&ann).await);
        let said = ann.text(".beginning").await;
        (said == "Beginning of #long").then_some(())
    })
    .await;
    println!("the first of 5,000 after {:?}", begun.elapsed());
    assert!(most <= MOST_ROWS, "{most} rows");
    look(&ann, "log.scrollTop = 0").await;
    eventually("the first message", async || (first_seen(&ann).await.0 == 0).then_some(())).await;
    // All rows are there once and in order, whichever part is in the page.
    eventually("the end by scrolling", async || {
        let ordered = look(
            &ann,
            "const all = rows().map(number);
            return all.every((one, at) => at === 0 || one === all[at - 1] + 1);",
        )
        .await;
        assert_eq!(ordered, true);
        let left = look(
            &ann,
            "log.scrollTop += 9000; return log.scrollHeight - log.scrollTop - log.clientHeight",
        )
        .await;
        left.as_f64().is_some_and(|left| left < 2.0).then_some(())
    })
    .await;
    newest_is(&ann, 4_999).await;
    assert_eq!(ann.console_errors().await, [""; 0]);
    ann.close().await;
    writer.0.close().await;
}

/// Waits until this message is highlighted, with its middle in the middle of the list.
async fn lands_on(ann: &Browser, number: u32) {
    let mut seen = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        let found = look(
            ann,
            "const row = log.querySelector('.target');
            return row && [number(row), place(row) + (row.getBoundingClientRect().height - log.clientHeight) / 2];",
        )
        .await;
        if found[0] == number && found[1].as_f64().is_some_and(|away| away.abs() <= 1.0) {
            return;
        }
        if seen.last() != Some(&found) {
            seen.push(found);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let shown =
        look(ann, "return [location.hash, rows().length, number(rows()[0]), log.scrollTop]").await;
    let notice = ann.text(".toast").await;
    panic!(
        "{number} is not in the middle: {seen:?}, {shown}, {notice}, {:?}",
        ann.console_errors().await
    );
}

#[tokio::test]
async fn a_link_to_a_message_4000_back_lands_on_it_twice_and_the_newest_are_reached_in_both_ways() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let writer = Writer::open(&driver, &relay).await;
    writer.write(0, 4_500).await;
    let offset = writer.offset(500).await;
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), ROOM, "Ann").await;
    newest_is(&ann, 4_499).await;
    for _ in 0..2 {
        ann.run("location.hash = arguments[0]", vec![format!("#{ROOM}/{offset}").into()]).await;
        lands_on(&ann, 500).await;
        let here = (500, place_of(&ann, 500).await);
        writer.write(10_000, 10_100).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        is_still(&ann, here, "others have arrived, and pages around it").await;
        let next = look(&ann, "return !!find(499) && !!find(501)").await;
        assert_eq!(next, true);
        ann.click(".newer button").await;
        newest_is(&ann, 10_099).await;
        assert_eq!(ann.run("return location.hash", vec![]).await, format!("#{ROOM}"));
    }
    // A page that is opened by the link.
    ann.goto(&format!("{}/?again#{ROOM}/{offset}", relay.url())).await;
    ann.online().await;
    lands_on(&ann, 500).await;
    // Forward to the newest by scrolling, without a hole.
    let mut last = 500;
    eventually("the newest message by scrolling", async || {
        let all =
            look(&ann, "log.scrollTop += 20 * log.clientHeight; return rows().map(number)").await;
        let all: Vec<u64> = all.as_array().unwrap().iter().filter_map(Value::as_u64).collect();
        assert!(
            all.windows(2).all(|two| two[1] == two[0] + 1
                || (two[0], two[1]) == (4_499, 10_000)
                || two[0] == 10_099),
            "{all:?}"
        );
        last = last.max(*all.last().unwrap());
        (last >= 10_099 && look(&ann, "return !document.querySelector('.newer')").await == true)
            .then_some(())
    })
    .await;
    assert_eq!(ann.console_errors().await, [""; 0]);
    ann.close().await;
    writer.0.close().await;
}

#[tokio::test]
async fn an_edit_is_shown_also_on_an_older_page_and_an_edit_by_another_person_changes_nothing() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let writer = Writer::open(&driver, &relay).await;
    writer.write(0, 100).await;
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), ROOM, "Ann").await;
    newest_is(&ann, 99).await;
    writer.run("await writer.edit(99, '99 edited')").await;
    ann.says(".message:last-child .text", "99 edited").await;
    writer.run("await writer.edit(3, '3 edited')").await;
    ann.reload().await;
    ann.online().await;
    ann.says(".message:last-child .text", "99 edited").await;
    eventually("the edited message of an older page", async || {
        let text =
            look(&ann, "log.scrollTop = 0; return find(3)?.querySelector('.text').textContent")
                .await;
        (text == "3 edited").then_some(())
    })
    .await;
    let other = Writer::open(&driver, &relay).await;
    other
        .run(&format!(
            "writer.events.push(...{})",
            writer.0.run("return writer.events", vec![]).await
        ))
        .await;
    other.run("await writer.edit(2, '2 by another person')").await;
    // A later edit by the author shows that the other one has been heard.
    writer.run("await writer.edit(1, '1 edited')").await;
    eventually("the later edit", async || {
        (look(&ann, "return find(1)?.querySelector('.text').textContent").await == "1 edited")
            .then_some(())
    })
    .await;
    let text = look(&ann, "return find(2).querySelector('.text').textContent").await;
    assert!(!text.as_str().unwrap().contains("another"), "{text}");
    // One text for each new message, and none for the history and for edits.
    other.write(100, 102).await;
    eventually("two announcements", async || {
        let said = ann.run("return [...document.querySelectorAll('.aside[role=status] p')].map(({ textContent }) => textContent.split(' ', 2).join(' '))", vec![]).await;
        (said == json!(["Writer: 100", "Writer: 101"])).then_some(())
    })
    .await;
    for browser in [ann, writer.0, other.0] {
        browser.close().await;
    }
}
