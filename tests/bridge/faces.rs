//! The link from JavaScript: media types, incomplete events, several connects to one peer.

use event_driven_kit::bridge::{BridgeError, StartFrom};
use event_driven_kit::{Bridge, BridgeOptions, Bus, Rule};
use session::Body;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::fake_socket as socket;
use crate::peer::Peer;

/// A bus of JavaScript connected to a peer with `log`.
pub struct Stage {
    bus: JsValue,
    reported: js_sys::Array,
    peer: Peer,
}

impl Stage {
    fn new(log: &[Body]) -> Self {
        socket::install();
        let mut peer = Peer::default();
        for body in log {
            peer.append_body("t.x", body);
        }
        let bus = event_driven_kit::npm::create_bus(&JsValue::UNDEFINED).unwrap();
        Self { bus, reported: js_sys::Array::new(), peer }
    }

    pub fn js(&self, code: &str) {
        socket::evaluate(code, &self.bus, &self.reported).unwrap();
    }

    pub async fn serve(&mut self) {
        for _ in 0..4 {
            self.peer.serve().await;
        }
    }

    pub async fn connected(log: &[Body], rule: &str) -> Self {
        let mut stage = Self::new(log);
        stage.js(&format!(
            "other.link = bus.connect({{ url: 'ws://peer.test/ws', storage: 'memory', rules: [{rule}] }});"
        ));
        stage.peer.accept();
        stage.serve().await;
        stage
    }

    pub fn reported(&self) -> Vec<String> {
        self.reported.iter().filter_map(|reported| reported.as_string()).collect()
    }

    /// The bodies in the peer's log.
    pub fn stored(&self) -> Vec<Body> {
        self.peer.log().iter().map(|event| Body::decode(&event.body).unwrap()).collect()
    }
}

fn body(id: &str, content_type: Option<&str>, data: &[u8]) -> Body {
    let content_type = content_type.map(str::to_owned);
    Body { id: id.to_owned(), content_type, data: data.to_vec(), ..Body::default() }
}

const SHOW: &str = r#"
    const show = (data) =>
      data instanceof Uint8Array ? `bytes ${data}` : typeof data === "string" ? `text ${data}` : `json ${JSON.stringify(data)}`;
"#;

/// How a page reads stored events.
fn contents() -> Vec<(Body, &'static str)> {
    vec![
        (body("1", None, b""), "json undefined"),
        (body("2", None, b"null"), "json null"),
        (body("3", Some("application/octet-stream"), b""), "bytes "),
        (body("4", Some("text/plain"), b""), "text "),
        (body("5", Some("text/plain"), "x é".as_bytes()), "text x é"),
        (body("6", Some("Text/HTML; charset=\"UTF-8\""), b"<p>"), "text <p>"),
        (body("7", Some("text/plain; charset=utf-16le"), b"x\0"), "bytes 120,0"),
        (body("8", Some("text/plain"), b"\xff"), "bytes 255"),
        (body("9", Some("text/json"), b"{\"a\":1}"), "json {\"a\":1}"),
        (body("10", Some("application/ld+JSON; profile=x"), b"[1]"), "json [1]"),
        (body("11", Some("APPLICATION/JSON"), b"1"), "json 1"),
        (body("12", Some("image/svg+xml"), b"<"), "bytes 60"),
        (body("13", Some("nonsense"), b"1"), "bytes 49"),
    ]
}

#[wasm_bindgen_test]
async fn a_page_reads_what_is_stored_by_its_media_type() {
    let (log, expected): (Vec<_>, Vec<_>) = contents().into_iter().unzip();
    let mut stage = Stage::connected(&log, "").await;
    stage.js(&[SHOW, "bus.subscribe('t.x', (data) => { other.push(show(data)); });"].concat());
    stage.js("bus.connect({ url: 'ws://peer.test/ws', storage: 'memory', rules: [{ pattern: 't.x', direction: 'in', from: 'earliest' }] });");
    stage.serve().await;
    assert_eq!(stage.reported(), expected);
}

#[wasm_bindgen_test]
async fn one_event_that_cannot_be_read_does_not_fail_a_page_of_history() {
    let mut log: Vec<_> = contents().into_iter().map(|(body, _)| body).collect();
    log.truncate(2);
    log.push(body("poison", None, b"{"));
    log.push(body("worse", Some("application/json"), b"\xff"));
    log.push(body("last", None, b"7"));
    let mut stage = Stage::connected(&log, "").await;
    stage.js(r#"
        const { history } = other.link;
        (async () => {
          const first = await history("t.>", { limit: 3 });
          const second = await history("t.>", { limit: 3, before: first.next });
          for (const { id, data, error, delivery } of [...first.events, ...second.events]) {
            other.push(`${id} ${JSON.stringify(data)} ${error?.code} ${delivery.status}`);
          }
        })().catch((error) => other.push(`failed ${error.code}`));
        "#);
    stage.serve().await;
    assert_eq!(
        stage.reported(),
        [
            "last 7 undefined stored",
            "worse undefined illegal_data stored",
            "poison undefined illegal_data stored",
            "2 null undefined stored",
            "1 undefined undefined stored",
        ]
    );
}

#[wasm_bindgen_test]
async fn invalid_requests_to_the_peer_are_refused_by_the_name_of_what_is_invalid() {
    let mut stage = Stage::connected(&[], "").await;
    stage.js(
        r#"
        const { link } = other;
        const refuses = (name, request) => request.then(
          () => other.push(`taken: ${name}`),
          ({ code, message }) => other.push(code === "illegal_argument" && message.includes(name) ? "refused" : `${name}: ${code}, ${message}`),
        );
        for (const limit of [0, -1, 1.5, NaN, Infinity, 2 ** 32, "1", null]) refuses("limit", link.history("a", { limit }));
        for (const position of [
          5, null, "1", {}, { offset: 3 }, { offset: "3" }, { offset: 3, epoch: "1" }, { offset: "3", epoch: 1 },
          { offset: "-1", epoch: "1" }, { offset: "18446744073709551616", epoch: "1" }, { offset: "3", epoch: "1", stream: 5 },
        ]) {
          refuses("before", link.history("a", { before: position }));
          refuses("position", link.delete(position));
          refuses("after", link.tally([{ topic: "a", after: position }]));
        }
        for (const topic of [5, null, {}]) {
          refuses("pattern", link.history(topic));
          refuses("topic", link.tally([{ topic }]));
        }
        "#,
    );
    stage.serve().await;
    assert_eq!(stage.reported(), vec!["refused"; 8 + 3 * 11 + 2 * 3]);
}

#[wasm_bindgen_test]
async fn javascript_deletes_an_event_and_hears_of_it() {
    let rule = "{ pattern: 't.x', durable: true }";
    let mut stage = Stage::connected(&[body("of another", None, b"1")], rule).await;
    stage.js(r#"
        bus.subscribe("t.x", (data, event) => {
          const { deletes, deleted } = event;
          other.push(`live ${data} ${deletes?.offset} ${deletes?.stream} ${deleted}`);
        });
        (async () => {
          const position = await bus.publish("t.x", 7).settled();
          const deletion = await other.link.delete(position);
          other.push(`${deletion.offset} ${(await other.link.delete(position)).offset}`);
          for (const wrong of [{ ...position, offset: "1" }, { ...position, epoch: "8" }, { offset: 1 }]) {
            await other.link.delete(wrong).catch(({ code }) => other.push(code));
          }
          const { events } = await other.link.history("t.x");
          for (const { data, deletes, deleted } of events) other.push(`past ${data} ${deletes?.offset} ${deleted}`);
        })().catch((error) => other.push(`failed ${error}`));
        "#);
    stage.serve().await;
    stage.serve().await;
    assert_eq!(
        stage.reported(),
        [
            "live 7 undefined undefined false",
            "live undefined 2 main false",
            "3 3",
            "not_allowed",
            "not_found",
            "illegal_argument",
            "past undefined 2 false",
            "past undefined undefined true",
            "past 1 undefined false",
        ]
    );
}

#[wasm_bindgen_test]
async fn an_event_without_a_time_stays_without() {
    let timed = Body { time: Some(0), ..body("timed", None, b"1") };
    let mut stage = Stage::connected(&[body("timeless", None, b"1"), timed], "").await;
    stage.js(r#"
        other.link.history("t.x").then(({ events }) => {
          for (const event of events) {
            const { time } = event.toCloudEvent();
            other.push(`${event.id} ${event.time} ${time} ${event.time}`);
          }
        });
        "#);
    stage.serve().await;
    assert_eq!(
        stage.reported(),
        ["timed 0 1970-01-01T00:00:00.000Z 0", "timeless undefined undefined undefined"]
    );
}

#[wasm_bindgen_test]
async fn an_event_names_the_account_of_its_author_and_a_link_its_subject() {
    let of_ann = Body { authid: Some("ann".to_owned()), ..body("1", None, b"1") };
    let mut stage = Stage::connected(&[of_ann, body("2", None, b"1")], "").await;
    stage.js(r#"
        bus.subscribe("t.x", (data, event) => { other.push(`live ${event.id} ${event.account}`); });
        other.link.history("t.x").then(({ events }) => {
          for (const event of events) other.push(`past ${event.id} ${event.account}`);
          other.push(`${/^~[0-9a-f]{32}$/.test(other.link.subject)} ${other.link.subject === other.link.state.subject}`);
        });
        "#);
    stage.serve().await;
    assert_eq!(stage.reported(), ["past 2 undefined", "past 1 ann", "true true"]);
    stage.reported.set_length(0);
    stage.js("bus.connect({ url: 'ws://peer.test/ws', storage: 'memory', rules: [{ pattern: 't.x', direction: 'in', from: 'earliest' }] });");
    stage.serve().await;
    assert_eq!(stage.reported(), ["live 1 ann", "live 2 undefined"]);
}

#[wasm_bindgen_test]
async fn a_request_stays_on_the_bus_whatever_rule_names_its_topic() {
    for durable in [true, false] {
        let rule = format!("{{ pattern: '>', durable: {durable} }}");
        let mut stage = Stage::connected(&[], &rule).await;
        stage.js(
            r#"
            bus.respond("q", (data) => data + 1);
            (async () => {
              for (let round = 0; round < 4; round += 1) other.push(String(await bus.request("q", round)));
            })().catch((error) => other.push(error.code));
            "#,
        );
        stage.serve().await;
        assert_eq!(stage.reported(), ["1", "2", "3", "4"]);
        assert!(stage.peer.log().is_empty() && stage.peer.ephemeral.is_empty());
    }
}

#[wasm_bindgen_test]
async fn a_batch_takes_its_part_of_the_window_until_it_was_handled() {
    let log: Vec<_> = (0..20).map(|number| body(&number.to_string(), None, b"1")).collect();
    let mut stage = Stage::new(&log);
    stage.js(r#"
        other.link = bus.connect({
          url: "ws://peer.test/ws", storage: "memory",
          rules: [{ pattern: "t.x", direction: "in", from: "earliest", window: { events: 4 } }],
        });
        const frames = [];
        const { requestAnimationFrame, setTimeout } = globalThis;
        other.give = () => Object.assign(globalThis, { requestAnimationFrame, setTimeout });
        globalThis.requestAnimationFrame = (frame) => frames.push(frame);
        // The time after which a batch does not wait for its frame never passes.
        globalThis.setTimeout = (job, ms) => (ms === 100 ? 0 : setTimeout(job, ms));
        other.frame = () => frames.splice(0).forEach((frame) => frame());
        other.end = bus.subscribe("t.x", (all) => other.push(`${all.length}`), { batch: "frame" });
        "#);
    stage.peer.accept();
    stage.serve().await;
    assert_eq!((stage.reported().len(), stage.peer.sent_events), (0, 4));
    stage.js("other.frame();");
    stage.serve().await;
    assert_eq!((stage.reported(), stage.peer.sent_events), (vec!["4".to_owned()], 8));
    // Handled events no longer hold the peer back.
    stage.js("other.end(); other.give();");
    stage.serve().await;
    assert_eq!((stage.reported().len(), stage.peer.sent_events), (1, 20));
}

#[wasm_bindgen_test]
async fn connects_of_a_bus_to_one_peer_share_a_link() {
    let mut stage = Stage::new(&[]);
    stage.js(
        r#"
        bus.subscribe("t.>", (data) => { other.push(`heard ${data}`); });
        const rules = [{ pattern: "t.x", durable: true }];
        other.one = bus.connect({ url: "ws://peer.test/ws", storage: "memory", rules });
        other.two = bus.connect({ url: "WS://PEER.test:80/ws", rules: [...rules, { pattern: "t.y" }] });
        for (const changed of [{ identity: "b" }, { storage: "indexeddb" }, { credentials: () => "a" }]) {
          try {
            bus.connect({ url: "ws://peer.test/ws", storage: "memory", ...changed });
          } catch (error) {
            other.push(error.code);
          }
        }
        "#,
    );
    assert_eq!(socket::count(), 1);
    stage.peer.accept();
    stage.serve().await;
    stage.js("bus.publish('t.x', 1);");
    stage.serve().await;
    stage.js("other.one.close(); other.push(other.one.state.state, other.two.state.state);");
    stage.js("bus.publish('t.x', 2);");
    stage.serve().await;
    stage.js("other.two.close(); other.one.close(); other.push(other.two.state.state); bus.publish('t.x', 3);");
    stage.serve().await;
    let refused = "already_connected";
    assert_eq!(
        stage.reported(),
        [
            refused, refused, refused, "heard 1", "stopped", "online", "heard 2", "stopped",
            "heard 3"
        ]
    );
    assert_ne!(socket::state(0), socket::OPEN);
    assert_eq!(stage.peer.log().len(), 2);
    // After a close, another link may connect.
    stage.js("bus.connect({ url: 'ws://peer.test/ws', storage: 'memory', identity: 'b' });");
    assert_eq!(socket::count(), 2);
}

#[wasm_bindgen_test]
fn a_bus_has_one_bridge_to_an_address() {
    socket::install();
    let (bus, options) = (Bus::new(), BridgeOptions::new("ws://peer.test/ws").in_memory());
    let first = Bridge::connect(&bus, options.clone()).unwrap();
    let second = Bridge::connect(&bus, options.clone().identity("other"));
    assert!(matches!(second, Err(BridgeError::Connected(url)) if url == "ws://peer.test/ws"));
    let _elsewhere =
        Bridge::connect(&bus, BridgeOptions::new("ws://other.test/ws").in_memory()).unwrap();
    let _other_bus = Bridge::connect(&Bus::new(), options.clone()).unwrap();
    drop(first);
    let again = Bridge::connect(&bus, options).unwrap();
    let _rule = again.rule(Rule::inbound("t.>").from(StartFrom::Earliest)).unwrap();
}
