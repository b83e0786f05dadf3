//! What screen readers announce.

use end_to_end::list::newest_is;
use end_to_end::{Browser, Driver, Relay, Writer, eventually};

#[tokio::test]
async fn a_screen_reader_hears_new_messages_of_others_once_and_no_history_edits_states_or_typing() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let mut writer = Writer::connect(&relay, "tea").await;
    writer.write(0..10).await;
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    newest_is(&ann, 9).await;
    writer.type_something().await;
    ann.says(".typing", "Writer is typing…").await;
    writer.edit(&writer.message(9).clone(), "9 edited").await;
    ann.says(".message:last-child .text", "9 edited").await;
    ann.say("mine").await;
    ann.appears(".message.own[data-state=stored]").await;
    writer.write(10..12).await;
    let announced = async || {
        let script = "return [...document.querySelectorAll('.aside[role=status] p')].map(
            ({ textContent }) => textContent.split(' ', 2).join(' ')).join()";
        let said = ann.run(script, vec![]).await;
        said.as_str().unwrap_or_default().to_owned()
    };
    // What was to be silent came before.
    eventually("two announcements", async || {
        (announced().await == "Writer: 10,Writer: 11").then_some(())
    })
    .await;
    writer.edit(&writer.message(11).clone(), "11 edited").await;
    ann.says(".message:last-child .text", "11 edited").await;
    assert_eq!(announced().await, "Writer: 10,Writer: 11");
    ann.close().await;
}
