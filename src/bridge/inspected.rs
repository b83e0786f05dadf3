//! A link for developer tools in JavaScript.

use js_sys::Array;
use wasm_bindgen::JsValue;

use super::{Credit, Endpoint, LinkCounters, OutboxEvent, RuleStatus};
use crate::Delivery;
use crate::js::{list, number, object};
use crate::words::words_of;

impl Endpoint {
    /// Its link, rules and outbox as JavaScript reads them.
    pub(super) fn inspected(&self) -> JsValue {
        let LinkCounters { connections, messages_out, bytes_out, messages_in, bytes_in } =
            self.link.counters();
        object(&[
            ("url", self.link.url().into()),
            ("status", self.status().to_js()),
            ("connections", connections.into()),
            ("messagesOut", messages_out.into()),
            ("bytesOut", (bytes_out as f64).into()),
            ("messagesIn", messages_in.into()),
            ("bytesIn", (bytes_in as f64).into()),
            ("roundTrip", self.round_trip().map(number).unwrap_or_default()),
            ("rules", list(&self.rule_status(), rule)),
            ("outbox", list(&self.outbox(), outbox_event)),
        ])
    }
}

fn rule(rule: &RuleStatus) -> JsValue {
    let direction = match (rule.inbound, rule.outbound, rule.shared) {
        (true, true, _) => "both",
        (true, ..) => "in",
        (_, true, _) => "out",
        (.., true) => "tabs",
        _ => "none",
    };
    let positions = rule.positions.iter().map(|position| {
        let parts =
            [position.stream.as_str(), &position.epoch.to_string(), &position.offset.to_string()];
        JsValue::from(parts.join(" "))
    });
    let credit = |credit: &Credit| {
        let Credit { events, bytes, max_events, max_bytes } = *credit;
        [events, bytes, max_events, max_bytes].map(JsValue::from).iter().collect::<Array>().into()
    };
    object(&[
        ("pattern", rule.pattern.as_str().into()),
        ("direction", direction.into()),
        ("durable", rule.durability.is_some().into()),
        ("caughtUp", rule.has_caught_up.into()),
        ("positions", positions.collect::<Array>().into()),
        ("credit", rule.credit.as_ref().map(credit).unwrap_or_default()),
    ])
}

fn outbox_event(event: &OutboxEvent) -> JsValue {
    let (stage, _) = words_of(&Delivery::Pending(event.stage));
    object(&[
        ("id", event.id.as_str().into()),
        ("topic", event.topic.as_str().into()),
        ("bytes", number(event.bytes)),
        ("stage", stage.into()),
        ("expires", event.expires.map_or(JsValue::UNDEFINED, |expires| (expires as f64).into())),
    ])
}
