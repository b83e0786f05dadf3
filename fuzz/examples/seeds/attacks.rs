//! Input that has hurt a peer, or its readers, before.

use session::{Body, Extension, FromClient, Position, Publish, Start, Subscribe};

/// Messages of a client that speaks frames and has said hello.
pub fn frames() -> Vec<Vec<u8>> {
    let beyond = [1 << 53, u64::MAX];
    let mut all: Vec<FromClient> = Vec::new();
    for number in beyond {
        let body = Body { id: "e".into(), ..Body::default() };
        all.push(publish(number, None, &body));
        all.push(publish(1, Some(number), &body));
        let position = Position { offset: number, ..Position::start_of(1) };
        all.extend([Start::Last(number), Start::After(vec![position; 100])].map(subscribe));
    }
    for name in ["data", "time", "id", "type", "source", "specversion", "authid", "sequence"] {
        let extensions = vec![(name.to_owned(), Extension::Text("x".into()))];
        all.push(publish(
            1,
            None,
            &Body { id: "e".into(), data: b"1".to_vec(), extensions, ..Body::default() },
        ));
    }
    all.push(publish(
        1,
        None,
        &Body { id: "e".into(), data: nested(20_000).into(), ..Body::default() },
    ));
    all.iter()
        .map(|frame| {
            let mut message = Vec::new();
            frame.encode(&mut message);
            message
        })
        .collect()
}

/// Texts of a client that speaks JSON.
pub fn texts() -> impl Iterator<Item = Vec<u8>> {
    let members = [
        format!(r#""data":{}"#, nested(50_000)),
        r#""data":1,"data":2"#.to_owned(),
        r#""data":1,"data_base64":"MQ==","data":null"#.to_owned(),
        r#""authid":"ann","dssematerial":"x""#.to_owned(),
        r#""time":"9999-12-31T23:59:59.999999999Z","subject":"../x""#.to_owned(),
    ];
    members.into_iter().map(|members| {
        format!(r#"{{"specversion":"1.0","id":"e","source":"s","type":"a.x",{members}}}"#)
            .into_bytes()
    })
}

fn publish(number: u64, lowest: Option<u64>, body: &Body) -> FromClient {
    let (number, name) = (Some(number), Some("a.x".into()));
    FromClient::Publish(Publish { number, topic: 0, name, body: body.encode(), lowest })
}

fn subscribe(start: Start) -> FromClient {
    FromClient::Subscribe(Subscribe { subscription: 1, pattern: ">".into(), start, credit: None })
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}
