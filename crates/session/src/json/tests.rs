use super::*;
use crate::{Extension, Position, RejectCode, Stream};
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
    ] {
        let body = body(members.clone());
        assert_eq!(body.content_type.as_deref(), content_type, "{members}");
        assert_eq!(body.data, data.as_bytes(), "{members}");
        // Of what went in, the data comes out.
        let text = event(&Topic::parse("t").unwrap(), &body, None);
        let Ok(Incoming::Publish { body: back, .. }) = read(&text) else { panic!("{text}") };
        assert_eq!((back.content_type, back.data), (body.content_type, body.data), "{text}");
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
        json!({ "time": "1969-12-31T00:00:00Z" }),
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
    for from in [json!("now"), json!([]), json!({ "last": -1 }), json!([{ "stream": "main" }])] {
        assert!(subscribe(from.clone()).is_err(), "{from}");
    }
}

#[test]
fn what_the_peer_alone_says_is_not_taken_from_a_publisher() {
    let forged = json!({ "stream": "x", "epoch": "1", "sequence": "9", "prev": "8" });
    assert_eq!(body(forged), body(json!({})));
    let extensions = vec![("sequence".to_owned(), Extension::Text("9".to_owned()))];
    let body = Body { id: "1".to_owned(), extensions, ..Body::default() };
    let text = event(&Topic::parse("t").unwrap(), &body, None);
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&event["sequence"], &event["ephemeral"]), (&Value::Null, &json!(true)));
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
        time in proptest::option::of(0..253_402_207_200_000_u64),
        content_type in prop::sample::select(vec![None, Some("application/json"), Some("text/plain"), Some("image/png")]),
        data in prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(|it| json!([it]).to_string().into_bytes())],
        number: i32,
        offset: Option<u64>,
    ) {
        let extensions = vec![("n".to_owned(), Extension::Integer(number))];
        let content_type = content_type.map(str::to_owned);
        let body = Body { id, source, time, content_type, data, extensions, ..Body::default() };
        let place = offset.map(|offset| Place {
            stream: &Stream::MAIN, epoch: 1, offset, previous: Some(0),
        });
        let text = event(&Topic::parse("a.b").unwrap(), &body, place);
        let mut body = body;
        if Form::of(body.content_type.as_deref()) == Form::Json {
            if body.data.is_empty() {
                body.content_type = None;
            } else if body.content_type.is_none()
                && serde_json::from_slice::<&serde_json::value::RawValue>(&body.data).is_err()
            {
                body.content_type = Some("application/octet-stream".to_owned());
            }
        }
        let back = Incoming::Publish { topic: "a.b".to_owned(), body, ephemeral: offset.is_none() };
        prop_assert_eq!(read(&text), Ok(back));
    }

    #[test]
    fn no_text_is_too_strange_to_be_read(text: String) {
        let _ = read(&text);
    }
}
