//! How long it takes to sign, and to verify a page of history. `cargo xtask bench trust` prints the figures of an
//! optimised build in each browser, and holds the bars. Here only a change by a factor fails.

use std::cell::Cell;

use wasm_bindgen_test::console_log;

use super::*;

const EVENTS: usize = 200;

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[wasm_bindgen_test]
async fn signing_takes_milliseconds() {
    // The clocks of browsers are too coarse for one signature.
    const AT_ONCE: u32 = 50;
    let device = Device::of("ann").await;
    let mut times = Vec::new();
    for _ in 0..20 {
        let before = js_sys::Date::now();
        for number in 0..AT_ONCE {
            device.signed("chat.a", body(&number.to_string())).await;
        }
        times.push((js_sys::Date::now() - before) / f64::from(AT_ONCE));
    }
    let time = median(times);
    console_log!("measured: signing {time}");
    assert!(time < 20.0, "{time}");
}

/// The milliseconds from the open socket until a page has brought all events to the bus.
async fn shown(issuer: &Issuer, device: &Device, events: &[Body]) -> f64 {
    let mut peer = peer_with(issuer, device, events).await;
    let (bus, heard) = (Bus::new(), Rc::new(Cell::new(0)));
    let counted = heard.clone();
    let _subscription = bus.subscribe("chat.>", move |_| {
        counted.set(counted.get() + 1);
        Ok(())
    });
    let bridge = Bridge::connect(&bus, options(issuer)).unwrap();
    let _rule = bridge.rule(Rule::inbound("chat.>").from(StartFrom::Earliest)).unwrap();
    while socket::count() == 0 {
        sleep(5).await;
    }
    let began = js_sys::Date::now();
    peer.accept();
    while heard.get() < EVENTS {
        peer.step();
        sleep(0).await;
        assert!(js_sys::Date::now() - began < 60_000.0, "{} events", heard.get());
    }
    js_sys::Date::now() - began
}

#[wasm_bindgen_test]
async fn a_page_of_signed_history_is_shown_a_little_later_than_one_without_signatures() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let unsigned: Vec<_> = (0..EVENTS).map(|number| body(&number.to_string())).collect();
    let mut signed = Vec::new();
    for body in &unsigned {
        signed.push(ann.signed("chat.a", body.clone()).await);
    }
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        with.push(shown(&issuer, &ann, &signed).await);
        without.push(shown(&issuer, &ann, &unsigned).await);
    }
    let (with, without) = (median(with), median(without));
    console_log!("measured: history {with} {without}");
    assert!(with - without < 5_000.0, "{with} {without}");
}
