use super::members::Members;
use super::*;
use crate::{Extension, Form, Position, RejectCode, Stream};
use proptest::prelude::*;
use serde_json::{Value, json};
use topic::{Pattern, Topic};

fn publish(members: Value) -> Result<Incoming, ReadError> {
    let mut event = json!({ "specversion": "1.0", "id": "e1", "source": "py", "type": "a.b" });
    for (name, value) in members.as_object().unwrap() {
        event[name] = value.clone();
    }
    read(&event.to_string())
}

fn body(members: Value) -> Body {
    match publish(members) {
        Ok(Incoming::Publish { body, .. }) => body,
        other => panic!("{other:?}"),
    }
}

fn subscribe(from: Value) -> Result<Start, ReadError> {
    let data = json!({ "pattern": "a.>", "from": from });
    let text = json!({ "specversion": "1.0", "id": "s", "source": "py", "type": "$link.subscribe", "data": data });
    match read(&text.to_string())? {
        Incoming::Subscribe { id, pattern, start } => {
            assert_eq!((id.as_str(), pattern.as_str()), ("s", "a.>"));
            Ok(start)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_keeps_its_attributes_and_the_bytes_of_its_json_data() {
    let text = r#"{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2026-11-23T10:00:00.5+01:00",
        "dataschema":"urn:x","n":7,"b":true,"t":"x","none":null,"data":{"z":1.10, "a":123456789012345678901}}"#;
    let Ok(Incoming::Publish { topic, body, ephemeral }) = read(text) else { panic!() };
    assert_eq!((topic.as_str(), ephemeral), ("t", false));
    assert_eq!(body.data, br#"{"z":1.10, "a":123456789012345678901}"#);
    assert_eq!(body.time, Some(1_795_424_400_500));
    assert_eq!(body.schema.as_deref(), Some("urn:x"));
    let extensions = body.extensions;
    let expected = [
        ("b".to_owned(), Extension::Boolean(true)),
        ("n".to_owned(), Extension::Integer(7)),
        ("t".to_owned(), Extension::Text("x".to_owned())),
    ];
    assert_eq!(extensions, expected);
}

#[test]
fn a_string_that_is_not_declared_to_be_json_is_the_data_and_base64_stands_for_bytes() {
    assert_eq!(body(json!({ "data": "x" })).data, b"\"x\"");
    assert_eq!(body(json!({ "datacontenttype": "text/plain", "data": "x" })).data, b"x");
    assert_eq!(body(json!({ "data_base64": "AP8=" })).data, [0, 255]);
    assert_eq!(body(json!({})).data, b"");
}

/// A guest's event as a client may send it again.
fn without_author(text: &str) -> String {
    let author = r#","authtype":"unauthenticated""#;
    assert!(text.contains(author), "{text}");
    text.replacen(author, "", 1)
}

#[test]
fn an_event_names_the_account_that_the_peer_attests() {
    let written = |authid: Option<&str>| {
        let authid = authid.map(str::to_owned);
        let body = Body { id: "1".to_owned(), authid, ..Body::default() };
        event(&Topic::parse("t").unwrap(), &body, None)
    };
    let read_back = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let (of_ann, of_guest) = (written(Some("ann")), written(None));
    assert_eq!(read_back(&of_ann)["authtype"], "app_user");
    assert_eq!(read_back(&of_ann)["authid"], "ann");
    assert_eq!(read_back(&of_guest)["authtype"], "unauthenticated");
    assert!(read_back(&of_guest).get("authid").is_none());
    for text in [&of_ann, &of_guest] {
        assert!(matches!(read(text), Err(ReadError::Event { .. })), "a client cannot set it");
    }
    assert!(of_ann.len() - without_author(&of_guest).len() <= 45, "{of_ann}");
    assert_eq!(path_segment("a/b?c#d%é@e.f"), "a%2Fb%3Fc%23d%25%C3%A9@e.f");
}

#[test]
fn data_that_is_absent_null_or_empty_stays_what_it_is() {
    for (members, content_type, data) in [
        (json!({}), None, ""),
        (json!({ "datacontenttype": "text/plain" }), None, ""),
        (json!({ "datacontenttype": "text/plain", "data": null }), None, ""),
        (json!({ "data": null }), None, "null"),
        (json!({ "data": "" }), None, "\"\""),
        (json!({ "data_base64": "" }), Some("application/octet-stream"), ""),
        (json!({ "data_base64": "eA==" }), Some("application/octet-stream"), "x"),
        (json!({ "data_base64": "", "data": null }), Some("application/octet-stream"), ""),
        (json!({ "datacontenttype": "image/png", "data_base64": "" }), Some("image/png"), ""),
        (json!({ "datacontenttype": "text/plain", "data": "" }), Some("text/plain"), ""),
        (json!({ "datacontenttype": "text/plain", "data": 7 }), Some("text/plain"), "7"),
        (json!({ "datacontenttype": "a/b+json", "data": null }), Some("a/b+json"), "null"),
        (json!({ "datacontenttype": "application/json", "data": 7 }), None, "7"),
        (json!({ "datacontenttype": "application/json", "data_base64": "Nw==" }), None, "7"),
        (json!({ "datacontenttype": "application/json", "data_base64": "" }), None, ""),
        (
            json!({ "datacontenttype": "application/json", "data_base64": "eA==" }),
            Some("application/json"),
            "x",
        ),
    ] {
        let body = body(members.clone());
        assert_eq!(body.content_type.as_deref(), content_type, "{members}");
        assert_eq!(body.data, data.as_bytes(), "{members}");
        // The data of the input comes out again.
        let text = without_author(&event(&Topic::parse("t").unwrap(), &body, None));
        let Ok(Incoming::Publish { body: back, .. }) = read(&text) else { panic!("{text}") };
        assert_eq!((&back.content_type, &back.data), (&body.content_type, &body.data), "{text}");
        let topic = Topic::parse("t").unwrap();
        assert_eq!(Text::of_read(&topic, &back), Text::new(&topic, &back, None), "{text}");
    }
}

#[test]
fn a_text_with_half_of_a_surrogate_pair_is_refused_and_as_json_it_stays() {
    let with = |content_type: &str| {
        read(&format!(
            r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"{content_type}","data":"\ud800"}}"#
        ))
    };
    assert!(matches!(with("text/plain"), Err(ReadError::Event { id, .. }) if id == "1"));
    let Ok(Incoming::Publish { body, .. }) = with("application/json") else { panic!() };
    assert_eq!(body.data, br#""\ud800""#);
}

#[test]
fn what_has_no_id_is_no_event_and_what_has_one_is_rejected_by_it() {
    for text in ["", "[", "[]", "7", "{}", r#"{"id":1}"#, r#"{"id":""}"#, "{\"id\":\"\0\"}"] {
        assert!(matches!(read(text), Err(ReadError::Text(_))), "{text}");
    }
    for members in [
        json!({ "specversion": "0.3" }),
        json!({ "source": null }),
        json!({ "type": "" }),
        json!({ "type": "$link.ack" }),
        json!({ "type": "$link.subscribe" }),
        json!({ "type": "$link.unsubscribe", "data": {} }),
        json!({ "time": "yesterday" }),
        json!({ "time": "2026-11-23T10:00Z" }),
        json!({ "stream": "x" }),
        json!({ "epoch": "1" }),
        json!({ "sequence": "9" }),
        json!({ "prev": "8" }),
        json!({ "authid": "ann" }),
        json!({ "authtype": "app_user" }),
        json!({ "dssematerial": "" }),
        json!({ "type": "$link.hello", "data": { "guest": 7 } }),
        json!({ "type": "$link.hello", "data": { "guest": "short" } }),
        json!({ "type": "$link.hello", "data": { "guest": "0123456789abcdef0123456789abcde" } }),
        json!({ "type": "$link.new-in-version-9", "data": {} }),
        json!({ "data": 1, "data_base64": "" }),
        json!({ "data_base64": "?" }),
        json!({ "ephemeral": "yes" }),
        json!({ "extra": [] }),
        json!({ "extra": 5_000_000_000_u64 }),
    ] {
        let error = publish(members.clone()).unwrap_err();
        assert!(matches!(error, ReadError::Event { ref id, .. } if id == "e1"), "{members}");
    }
}

#[test]
fn a_subscription_starts_at_a_word_a_count_or_a_position() {
    assert_eq!(subscribe(json!("latest")), Ok(Start::Latest));
    assert_eq!(subscribe(json!("earliest")), Ok(Start::Earliest));
    assert_eq!(subscribe(json!({ "last": 5 })), Ok(Start::Last(5)));
    let position = json!([{ "stream": "main", "epoch": "18446744073709551615", "offset": "3" }]);
    let after = Position { offset: 3, ..Position::start_of(u64::MAX) };
    assert_eq!(subscribe(position), Ok(Start::After(vec![after.clone()])));
    let positions = json!([
        { "stream": "main", "epoch": "18446744073709551615", "offset": "3" },
        { "stream": "orders", "epoch": "5", "offset": "7", "id": "e" }
    ]);
    let orders =
        Position { stream: Stream::named("orders"), epoch: 5, offset: 7, id: Some("e".to_owned()) };
    assert_eq!(subscribe(positions), Ok(Start::After(vec![after, orders])));
    let at = |offset: &str| json!([{ "stream": "main", "epoch": "1", "offset": offset }]);
    assert!(subscribe(at("9007199254740991")).is_ok());
    for from in [
        json!("now"),
        json!([]),
        json!({ "last": -1 }),
        json!({ "last": 1.5 }),
        json!({ "last": "5" }),
        json!([{ "stream": "main" }]),
        at("9007199254740992"),
        at("18446744073709551616"),
        at("-1"),
        at("+1"),
        at(""),
        at(" 1"),
    ] {
        assert!(subscribe(from.clone()).is_err(), "{from}");
    }
    // As many as there are.
    for digits in ["9007199254740992", "18446744073709551615", "18446744073709551616", "1e300"] {
        let last = serde_json::from_str(&format!("{{\"last\":{digits}}}")).unwrap();
        assert_eq!(subscribe(last), Ok(Start::Last(crate::MAX_NUMBER)), "{digits}");
    }
}

#[test]
fn an_extension_whose_name_is_not_lower_case_letters_and_digits_makes_an_illegal_event() {
    for name in ["", "a b", "a\tb", "a\"b", "Key", "data_base28", "\u{e9}", &"a".repeat(65)] {
        let read = publish(json!({ name: true }));
        assert!(matches!(read, Err(ReadError::Event { .. })), "{name:?} {read:?}");
    }
    assert!(publish(json!({ "a".repeat(64): true, "7": 1 })).is_ok());
}

#[test]
fn what_an_older_version_let_in_stands_once_in_what_goes_out() {
    for name in ["data", "id", "time", "type", "sequence", "authid", "ephemeral"] {
        let extensions = vec![(name.to_owned(), Extension::Text("9".to_owned()))];
        let data = b"1".to_vec();
        let body = Body { id: "1".to_owned(), data, extensions, ..Body::default() };
        let text = event(&Topic::parse("t").unwrap(), &body, None);
        let members: Members<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&members.fault, members.get(name).is_some()),
            (&None, !matches!(name, "time" | "sequence" | "authid"))
        );
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&event["id"], &event["type"], &event["data"]),
            (&json!("1"), &json!("t"), &json!(1))
        );
    }
}

#[test]
fn data_that_nests_too_deep_is_neither_taken_nor_sent_as_json() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let text = |data: &str| {
        format!(r#"{{"specversion":"1.0","id":"e1","source":"s","type":"t","data":{data}}}"#)
    };
    assert!(read(&text(&nested(64))).is_ok());
    for depth in [65, 50_000] {
        let error = read(&text(&nested(depth))).unwrap_err();
        assert!(matches!(error, ReadError::Event { ref id, .. } if id == "e1"), "{depth}");
        let data = nested(depth).into_bytes();
        let body = Body { id: "1".to_owned(), data, ..Body::default() };
        let out = event(&Topic::parse("t").unwrap(), &body, None);
        assert!(out.contains("\"data_base64\"") && !out.contains("\"data\""), "{depth}");
    }
}

#[test]
fn data_that_is_null_is_not_absent() {
    assert_eq!(body(json!({ "data": null })).data, b"null");
    assert_eq!(body(json!({ "datacontenttype": "text/plain", "data": null })).data, b"");
    let empty = body(json!({ "data_base64": "" }));
    let content_type = Some("application/octet-stream".to_owned());
    assert_eq!((empty.data, empty.content_type), (Vec::new(), content_type));
}

#[test]
fn a_guest_names_a_secret_of_128_bits_or_none() {
    let hello = |data: Value| {
        let text = json!({ "specversion": "1.0", "id": "h", "source": "py", "type": "$link.hello", "data": data });
        read(&text.to_string())
    };
    for secret in [
        "0123456789abcdef0123456789abcdef",
        "MDEyMzQ1Njc4OWFiY2RlZg",
        "6e8bc430-9c3a-11d9-9669-0800200c9a66",
    ] {
        let guest = Some(secret.to_owned());
        let read = hello(json!({ "guest": secret, "new": [1] }));
        assert_eq!(read, Ok(Incoming::Hello { id: "h".to_owned(), guest, token: None }));
    }
    let hello_of = |token| Ok(Incoming::Hello { id: "h".to_owned(), guest: None, token });
    assert_eq!(hello(json!({ "new": 1 })), hello_of(None));
    assert_eq!(hello(json!({ "token": "t" })), hello_of(Some("t".to_owned())));
    assert!(hello(json!({ "token": 1 })).is_err());
}

#[test]
fn a_time_is_kept_to_its_last_digit() {
    for (text, written) in [
        ("2026-11-23T10:00:00.123456+01:00", "2026-11-23T09:00:00.123456Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("2026-11-23T09:00:00.120Z", "2026-11-23T09:00:00.12Z"),
    ] {
        let out = event(&Topic::parse("t").unwrap(), &body(json!({ "time": text })), None);
        let event: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(event["time"], *written);
    }
    assert_eq!(body(json!({ "time": "0000-01-01T00:00:00Z" })).time, Some(0));
}

#[test]
fn data_that_is_not_the_json_it_is_said_to_be_goes_out_as_base64() {
    for data in [&b"{"[..], b"1 2", b"\"\xff\"", b"}, \"id\": 1"] {
        let body = Body { id: "1".to_owned(), data: data.to_vec(), ..Body::default() };
        let text = event(&Topic::parse("t").unwrap(), &body, None);
        let event: Value = serde_json::from_str(&text).unwrap();
        assert!(event.get("data").is_none() && event["data_base64"].is_string(), "{text}");
    }
}

#[test]
fn control_events_carry_offsets_as_decimal_strings() {
    let id = Some("e".to_owned());
    let position = Position { offset: 12, id, ..Position::start_of(u64::MAX) };
    let other = Position { stream: Stream::named("orders"), ..position.clone() };
    let pattern = Pattern::parse("a.>").unwrap();
    let data = |text: String| serde_json::from_str::<Value>(&text).unwrap()["data"].clone();
    let epoch = u64::MAX.to_string();
    assert_eq!(
        data(ack("e", &position)),
        json!({ "id": "e", "stream": "main", "epoch": epoch, "offset": "12" })
    );
    let head = json!([
        { "stream": "main", "epoch": epoch, "offset": "12", "id": "e" },
        { "stream": "orders", "epoch": epoch, "offset": "12", "id": "e" }
    ]);
    assert_eq!(
        data(subscribed(&pattern, [&position, &other].into_iter(), true)),
        json!({ "pattern": "a.>", "head": head, "reset": true })
    );
    // The head is written as `from` is read.
    assert_eq!(subscribe(head), Ok(Start::After(vec![position, other])));
    assert_eq!(
        data(gap(&pattern, &Stream::named("orders"), 1, 2)),
        json!({ "pattern": "a.>", "stream": "orders", "from": "1", "to": "2" })
    );
    assert_eq!(
        data(reject("e", RejectCode::TooLarge, "m")),
        json!({ "id": "e", "code": "too_large", "message": "m" })
    );
}

proptest! {
    #[test]
    fn an_event_comes_back_as_it_went_out(
        (id, source) in ("[ -~é😀]{1,9}", "[ -~]{1,9}"),
        (time, nanoseconds) in prop_oneof![
            Just((None, 0)),
            (0..253_402_300_800_000_u64, 0..1_000_000_u32).prop_map(|(time, nanoseconds)| (Some(time), nanoseconds)),
        ],
        content_type in prop::sample::select(vec![None, Some("application/json"), Some("text/plain"), Some("image/png")]),
        data in prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(|it| json!([it]).to_string().into_bytes())],
        number: i32,
        offset: u64,
    ) {
        let extensions = vec![("n".to_owned(), Extension::Integer(number))];
        let content_type = content_type.map(str::to_owned);
        let mut body = Body { id, source, time, nanoseconds, content_type, data, extensions, ..Body::default() };
        let topic = Topic::parse("a.b").unwrap();
        let text = without_author(&event(&topic, &body, None));
        if Form::of(body.content_type.as_deref()) == Form::Json {
            let is_json = serde_json::from_slice::<&serde_json::value::RawValue>(&body.data).is_ok();
            if body.data.is_empty() || is_json {
                body.content_type = None;
            } else if body.content_type.is_none() {
                body.content_type = Some("application/octet-stream".to_owned());
            }
        }
        let back = Incoming::Publish { topic: "a.b".to_owned(), body: body.clone(), ephemeral: true };
        prop_assert_eq!(read(&text), Ok(back));
        // The peer sets the position. A client that forwards the event leaves it out.
        let place = EventPosition { stream: &Stream::MAIN, epoch: 1, offset, previous: Some(0) };
        let text = event(&topic, &body, Some(place));
        let is_refused = matches!(read(&text), Err(ReadError::Event { .. }));
        prop_assert!(is_refused);
        let event: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(event["sequence"].as_str(), Some(&*offset.to_string()));
    }

    #[test]
    fn no_text_is_too_strange_to_be_read(text: String) {
        let _ = read(&text);
    }
}

#[test]
fn a_request_that_waits_names_itself_and_its_topics_briefly() {
    let request = |id: usize, topic: usize| {
        let (id, topic) = ("i".repeat(id), "t".repeat(topic));
        let data = json!({ "topics": [{ "topic": topic }] });
        json!({ "specversion": "1.0", "id": id, "source": "/", "type": "$link.tally", "data": data })
            .to_string()
    };
    assert!(read(&request(1_024, 256)).is_ok());
    assert!(read(&request(1_025, 256)).is_err());
    assert!(read(&request(1_024, 257)).is_err());
}
