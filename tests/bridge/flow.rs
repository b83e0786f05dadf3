//! Flow control: unfinished events limit what the peer sends, and nothing is lost.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;

use event_driven_kit::bridge::StartFrom;
use event_driven_kit::{Hold, Overflow, Rule, Window};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{listen, online};

#[wasm_bindgen(inline_js = r#"
const ofTheBrowser = globalThis.requestAnimationFrame;
const waiting = [];
export function holdFrames() {
  globalThis.requestAnimationFrame = (callback) => waiting.push(callback);
}
export function nextFrame() {
  for (const callback of waiting.splice(0)) callback(0);
}
export function giveFramesBack() {
  globalThis.requestAnimationFrame = ofTheBrowser;
}
"#)]
extern "C" {
    /// From here on the test controls animation frames.
    #[wasm_bindgen(js_name = holdFrames)]
    fn hold_frames();
    #[wasm_bindgen(js_name = nextFrame)]
    fn next_frame();
    #[wasm_bindgen(js_name = giveFramesBack)]
    fn give_frames_back();
}

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

fn within(events: u32) -> Rule {
    Rule::inbound("news.*").from(StartFrom::Earliest).window(events, 1 << 20)
}

fn numbered(events: std::ops::RangeInclusive<u32>) -> Vec<String> {
    events.map(|number| format!("{number} stored {number}")).collect()
}

#[wasm_bindgen_test]
async fn a_queue_that_waits_slows_the_peer_and_loses_nothing() {
    let (bus, _bridge, mut peer) = online([within(4)]).await;
    let (_plain, plain) = listen(&bus, "news.a", false);
    let queue = bus.subscriber("news.a").queue(TWO, Overflow::wait()).unwrap();
    for number in 1..=20 {
        peer.append("news.a", &format!("id{number}"), &format!("\"{number}\""));
    }
    peer.serve().await;
    assert_eq!(*plain.borrow(), numbered(1..=2), "no one receives what the queue has no room for");
    let mut read = 0;
    for _ in 0..100 {
        peer.serve().await;
        while let Some(event) = queue.pop() {
            read += 1;
            assert_eq!(*event.data::<String>().unwrap(), read.to_string());
        }
    }
    assert_eq!((read, queue.dropped()), (20, 0));
    assert_eq!(*plain.borrow(), numbered(1..=20));
}

#[wasm_bindgen_test]
async fn the_peer_sends_at_most_a_window_ahead_of_a_queue_that_is_not_read() {
    let (bus, bridge, mut peer) = online([within(4)]).await;
    let queue = bus.subscriber("news.a").queue(TWO, Overflow::wait()).unwrap();
    let sent = |peer: &mut crate::peer::Peer| peer.sent_events;
    for number in 1..=50 {
        peer.append("news.a", &format!("id{number}"), "\"x\"");
    }
    peer.serve().await;
    assert_eq!(sent(&mut peer), 4, "two in the queue and two before it");
    assert_eq!((bridge.ignored(), queue.len()), (0, 2));
    queue.pop().unwrap();
    queue.pop().unwrap();
    peer.serve().await;
    assert_eq!(sent(&mut peer), 6);
}

#[wasm_bindgen_test]
async fn a_rule_whose_reader_is_slow_does_not_hold_up_another() {
    let other = Rule::inbound("mail").from(StartFrom::Earliest);
    let (bus, _bridge, mut peer) = online([within(2), other]).await;
    let (_mail, mail) = listen(&bus, "mail", false);
    let queue = bus.subscriber("news.a").queue(TWO, Overflow::wait()).unwrap();
    for number in 0..10 {
        peer.append("news.a", &format!("n{number}"), "\"news\"");
        peer.append("mail", &format!("m{number}"), "\"mail\"");
    }
    peer.serve().await;
    assert_eq!((mail.borrow().len(), queue.len()), (10, 2));
}

#[wasm_bindgen_test]
async fn what_a_handler_holds_counts_until_it_lets_go() {
    let (bus, _bridge, mut peer) = online([within(2)]).await;
    let held: Rc<RefCell<Vec<Hold>>> = Rc::default();
    let holds = held.clone();
    let _slow = bus.subscribe("news.a", move |event| {
        holds.borrow_mut().extend(event.hold());
        Ok(())
    });
    for number in 0..5 {
        peer.append("news.a", &format!("n{number}"), "\"news\"");
    }
    peer.serve().await;
    assert_eq!(held.borrow().len(), 2);
    let let_go = held.take();
    drop(let_go);
    peer.serve().await;
    assert_eq!((held.borrow().len(), peer.sent_events), (2, 4));
}

#[wasm_bindgen_test]
async fn a_batch_counts_until_it_was_handled() {
    let (bus, _bridge, mut peer) = online([within(3)]).await;
    let sizes: Rc<RefCell<Vec<usize>>> = Rc::default();
    let (kept, events) = (sizes.clone(), Rc::new(RefCell::new(Vec::new())));
    hold_frames();
    let _batches = bus.subscriber("news.a").batch(Window::frame(), move |batch| {
        kept.borrow_mut().push(batch.len());
        // Keeping events takes no credit.
        events.borrow_mut().extend_from_slice(batch);
        Ok(())
    });
    for number in 0..9 {
        peer.append("news.a", &format!("n{number}"), "\"news\"");
    }
    peer.serve().await;
    assert_eq!(peer.sent_events, 3);
    // Credit is granted for several events at a time.
    for _ in 0..9 {
        next_frame();
        peer.serve().await;
    }
    give_frames_back();
    let sizes = sizes.take();
    assert_eq!(sizes.iter().sum::<usize>(), 9);
    assert!(sizes.len() >= 3 && sizes.iter().all(|size| *size <= 3), "{sizes:?}");
}
