//! The message list with a long history: what is read stays in its place, all of the history can be reached, and little
//! of it is in the page.

use std::time::{Duration, Instant};

use end_to_end::list::{drift, first_seen, look, newest_is, place_of, rows_in_page};
use end_to_end::{Browser, Driver, Relay, Writer, eventually};
use serde_json::{Value, json};

const ROOM: &str = "long";
/// The most rows in the page.
const MAX_ROWS: u64 = 1_280;

async fn is_still(ann: &Browser, here: (u64, f64), when: &str) {
    let drift = drift(ann, here).await;
    assert!(drift <= 1.0, "message {} was at {} and is {drift} px away: {when}", here.0, here.1);
}

#[tokio::test]
async fn what_is_read_in_the_middle_stays_in_its_place_while_2000_arrive_and_the_window_is_resized()
{
    let driver = Driver::start().await;
    let ann = Browser::open(&driver).await;
    what_is_read_stays_in_its_place(&ann).await;
    ann.close().await;
}

#[tokio::test]
async fn the_first_of_5000_messages_is_reached_by_scrolling_and_few_are_in_the_page() {
    let driver = Driver::start().await;
    let ann = Browser::open(&driver).await;
    the_first_message_is_reached_by_scrolling(&ann, 5_000).await;
    ann.close().await;
}

#[tokio::test]
async fn a_link_to_a_message_4000_back_lands_on_it_twice_and_the_newest_are_reached_in_both_ways() {
    let driver = Driver::start().await;
    let ann = Browser::open(&driver).await;
    a_link_lands_on_its_message(&ann).await;
    ann.close().await;
}

#[tokio::test]
async fn firefox_keeps_the_place_reaches_the_first_message_and_lands_on_a_link_too() {
    let driver = Driver::firefox().await;
    let ann = Browser::open(&driver).await;
    what_is_read_stays_in_its_place(&ann).await;
    the_first_message_is_reached_by_scrolling(&ann, 1_500).await;
    a_link_lands_on_its_message(&ann).await;
    ann.close().await;
}

/// Waits until the rows are in order without a hole, but for these pairs. A slow browser may paint a new chunk a moment
/// before the rows that are added to the chunk before it: Yew yields between the two.
async fn has_no_hole(ann: &Browser, known: &[(u64, u64)]) -> Vec<u64> {
    eventually("rows without a hole", async || {
        let all = look(ann, "return rows().map(number)").await;
        let all: Vec<u64> = all.as_array()?.iter().filter_map(Value::as_u64).collect();
        let follows = |two: &[u64]| two[1] == two[0] + 1 || known.contains(&(two[0], two[1]));
        (!all.is_empty() && all.windows(2).all(follows)).then_some(all)
    })
    .await
}

async fn what_is_read_stays_in_its_place(ann: &Browser) {
    let relay = Relay::start().await;
    let mut writer = Writer::connect(&relay, ROOM).await;
    writer.write(0..500).await;
    ann.join(&relay.url(), ROOM, "Ann").await;
    newest_is(ann, 499).await;
    // Pages are read and prepended while the reader scrolls up.
    for _ in 0..15 {
        look(ann, "log.scrollTop -= log.clientHeight * 0.9").await;
        let here = first_seen(ann).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        is_still(ann, here, "a page was prepended").await;
    }
    let here = first_seen(ann).await;
    assert!(here.0 < 440, "{here:?}");
    writer.write(500..2_500).await;
    ann.says(".newer button", "New messages ↓").await;
    is_still(ann, here, "2,000 messages have arrived").await;
    assert!(rows_in_page(ann).await <= MAX_ROWS);
    for (width, height) in [(500, 800), (900, 500), (900, 800)] {
        ann.resize(width, height).await;
        is_still(ann, here, "the window was resized").await;
    }
    ann.click(".newer button").await;
    newest_is(ann, 2_499).await;
    writer.write(2_500..2_600).await;
    newest_is(ann, 2_599).await;
    assert!(rows_in_page(ann).await <= MAX_ROWS);
    ann.console_is_clean().await;
}

async fn the_first_message_is_reached_by_scrolling(ann: &Browser, count: u32) {
    let relay = Relay::start().await;
    let mut writer = Writer::connect(&relay, ROOM).await;
    writer.write(0..count).await;
    ann.join(&relay.url(), ROOM, "Ann").await;
    newest_is(ann, count - 1).await;
    let begun = Instant::now();
    let mut most = 0;
    eventually("the beginning", async || {
        look(ann, "log.scrollTop = 0").await;
        most = most.max(rows_in_page(ann).await);
        let said = ann.text(".beginning").await;
        (said == "Beginning of #long").then_some(())
    })
    .await;
    println!("the first of {count} after {:?}", begun.elapsed());
    assert!(most <= MAX_ROWS, "{most} rows");
    look(ann, "log.scrollTop = 0").await;
    eventually("the first message", async || (first_seen(ann).await.0 == 0).then_some(())).await;
    // All rows are there once and in order, whichever part is in the page.
    eventually("the end by scrolling", async || {
        has_no_hole(ann, &[]).await;
        let left = look(
            ann,
            "log.scrollTop += 9000; return log.scrollHeight - log.scrollTop - log.clientHeight",
        )
        .await;
        left.as_f64().is_some_and(|left| left < 2.0).then_some(())
    })
    .await;
    newest_is(ann, count - 1).await;
    ann.console_is_clean().await;
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

async fn a_link_lands_on_its_message(ann: &Browser) {
    let relay = Relay::start().await;
    let mut writer = Writer::connect(&relay, ROOM).await;
    writer.write(0..4_500).await;
    let offset = writer.message(500).offset;
    ann.join(&relay.url(), ROOM, "Ann").await;
    newest_is(ann, 4_499).await;
    for _ in 0..2 {
        ann.run("location.hash = arguments[0]", vec![format!("#{ROOM}/{offset}").into()]).await;
        lands_on(ann, 500).await;
        let here = (500, place_of(ann, 500).await);
        writer.write(10_000..10_100).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        is_still(ann, here, "others have arrived, and pages around it").await;
        let next = look(ann, "return !!find(499) && !!find(501)").await;
        assert_eq!(next, true);
        ann.click(".newer button").await;
        newest_is(ann, 10_099).await;
        assert_eq!(ann.run("return location.hash", vec![]).await, format!("#{ROOM}"));
    }
    // A page that is opened by the link.
    ann.goto(&format!("{}/?again#{ROOM}/{offset}", relay.url())).await;
    ann.online().await;
    lands_on(ann, 500).await;
    // Forward to the newest by scrolling, without a hole.
    let mut last = 500;
    eventually("the newest message by scrolling", async || {
        look(ann, "log.scrollTop += 20 * log.clientHeight").await;
        let all = has_no_hole(ann, &[(4_499, 10_000), (10_099, 10_000)]).await;
        last = last.max(*all.last().unwrap());
        (last >= 10_099 && look(ann, "return !document.querySelector('.newer')").await == true)
            .then_some(())
    })
    .await;
    ann.console_is_clean().await;
}

#[tokio::test]
async fn an_edit_is_shown_also_on_an_older_page_and_an_edit_by_another_person_changes_nothing() {
    let relay = Relay::start().await;
    let mut writer = Writer::connect(&relay, ROOM).await;
    writer.write(0..100).await;
    let driver = Driver::start().await;
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), ROOM, "Ann").await;
    newest_is(&ann, 99).await;
    writer.edit(&writer.message(99).clone(), "99 edited").await;
    ann.says(".messages:last-of-type .message:last-child .text", "99 edited").await;
    writer.edit(&writer.message(3).clone(), "3 edited").await;
    ann.reload().await;
    ann.online().await;
    ann.says(".messages:last-of-type .message:last-child .text", "99 edited").await;
    eventually("the edited message of an older page", async || {
        let text =
            look(&ann, "log.scrollTop = 0; return find(3)?.querySelector('.text').textContent")
                .await;
        (text == "3 edited").then_some(())
    })
    .await;
    let mut other = Writer::connect(&relay, ROOM).await;
    other.edit(writer.message(2), "2 by another person").await;
    // A later edit by the author shows that the other one has been heard.
    writer.edit(&writer.message(1).clone(), "1 edited").await;
    eventually("the later edit", async || {
        (look(&ann, "return find(1)?.querySelector('.text').textContent").await == "1 edited")
            .then_some(())
    })
    .await;
    let text = look(&ann, "return find(2).querySelector('.text').textContent").await;
    assert!(!text.as_str().unwrap().contains("another"), "{text}");
    // One text for each new message, and none for the history and for edits.
    other.write(100..102).await;
    eventually("two announcements", async || {
        let said = ann.run("return [...document.querySelectorAll('.aside[role=status] p')].map(({ textContent }) => textContent.split(' ', 2).join(' '))", vec![]).await;
        (said == json!(["Writer: 100", "Writer: 101"])).then_some(())
    })
    .await;
    ann.close().await;
}

#[tokio::test]
async fn of_100000_messages_at_most_1280_are_in_the_page_wherever_the_reader_goes() {
    let relay = Relay::start().await;
    let mut writer = Writer::connect(&relay, ROOM).await;
    let begun = Instant::now();
    writer.write(0..100_000).await;
    println!("100,000 messages written after {:?}", begun.elapsed());
    let driver = Driver::start().await;
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), ROOM, "Ann").await;
    newest_is(&ann, 99_999).await;
    let middle = writer.message(50_000).offset;
    let first = writer.message(0).offset;
    for (offset, number) in [(middle, 50_000), (first, 0)] {
        ann.run("location.hash = arguments[0]", vec![format!("#{ROOM}/{offset}").into()]).await;
        eventually("the message of the link", async || {
            (look(&ann, "const row = log.querySelector('.target'); return row && number(row)")
                .await
                == number)
                .then_some(())
        })
        .await;
        // Each step asks for the next page, in both directions.
        for direction in [-1, 1] {
            for _ in 0..30 {
                look(&ann, &format!("log.scrollTop += {direction} * 20 * log.clientHeight")).await;
                let rows = rows_in_page(&ann).await;
                assert!((1..=MAX_ROWS).contains(&rows), "{rows} rows");
                first_seen(&ann).await;
            }
        }
    }
    eventually("the beginning", async || {
        look(&ann, "log.scrollTop = 0").await;
        (ann.text(".beginning").await == "Beginning of #long").then_some(())
    })
    .await;
    ann.click(".newer button").await;
    newest_is(&ann, 99_999).await;
    assert!(rows_in_page(&ann).await <= MAX_ROWS);
    ann.console_is_clean().await;
    ann.close().await;
}
