//! Requests that are not finished, and clients that go away before the answer.

use std::collections::BTreeSet;
use std::time::Instant;

use super::*;

#[tokio::test]
async fn a_batch_is_completely_published_although_its_client_has_gone() {
    const BATCHES: usize = 30;
    let (_data, relay) = relay(&[]);
    let mut texts = Texts::connect(&relay).await;
    texts.ask("$link.subscribe", json!({ "pattern": "batch.*" })).await;
    assert_eq!(texts.receive().await["type"], "$link.subscribed");
    let send = |number: usize| {
        let mut now = event(&format!("{number}"), "batch.now");
        now["ephemeral"] = json!(true);
        let batch = json!([event(&format!("{number}"), "batch.kept"), now]).to_string();
        let mut socket = TcpStream::connect(&relay.address).unwrap();
        let (address, length) = (&relay.address, batch.len());
        let head = format!(
            "POST /events HTTP/1.1\r\nhost: {address}\r\n{}: {}\r\ncontent-length: {length}\r\n\r\n",
            BATCHED.0, BATCHED.1
        );
        socket.write_all(format!("{head}{batch}").as_bytes()).unwrap();
        socket
    };
    let sockets: Vec<TcpStream> = (0..BATCHES).map(send).collect();
    // The clients go away once the relay publishes the first batch.
    let mut received = vec![texts.receive().await];
    drop(sockets);
    assert_eq!(post(&relay, &[STRUCTURED], event("last", "batch.last").to_string()).status, 200);
    let ids = |received: &[Value], topic: &str| -> BTreeSet<String> {
        let of_topic = received.iter().filter(|event| event["type"] == topic);
        of_topic.map(|event| event["id"].to_string()).collect()
    };
    while ids(&received, "batch.last").is_empty()
        || ids(&received, "batch.kept") != ids(&received, "batch.now")
    {
        received.push(texts.receive().await);
    }
    assert_eq!(received.len(), 2 * ids(&received, "batch.kept").len() + 1, "an event came twice");
}

/// Sends the head of a request for the client of a proxy, and waits until the relay asks for the body.
fn begin(relay: &Process, client: &str) -> TcpStream {
    let mut socket = TcpStream::connect(&relay.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let (address, (name, value)) = (&relay.address, STRUCTURED);
    let head = format!(
        "POST /events HTTP/1.1\r\nhost: {address}\r\nx-forwarded-for: {client}\r\n{name}: {value}\r\n"
    );
    write!(socket, "{head}content-length: 1000\r\nexpect: 100-continue\r\n\r\n").unwrap();
    let mut answer = [0; 25];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket
}

#[tokio::test]
async fn behind_a_proxy_the_unfinished_requests_of_each_client_are_counted() {
    let options =
        ["--raise-limits", "1", "--address-connections", "2", "--behind-proxy", "127.0.0.1"];
    let (_data, relay) = relay(&options);
    let refused = |client: &str| {
        let forwarded = ("x-forwarded-for", client);
        let answer = post(&relay, &[STRUCTURED, forwarded], event("1", "a").to_string());
        let is_refused = answer.status == 503;
        if is_refused {
            answer.is_problem(503, "overloaded");
            assert_eq!(answer.headers["retry-after"], "5");
        }
        is_refused
    };
    let held = ["192.0.2.1", "192.0.2.1"].map(|client| begin(&relay, client));
    assert!(refused("192.0.2.1"));
    assert!(!refused("192.0.2.2"));
    // On all paths.
    let mut other = TcpStream::connect(&relay.address).unwrap();
    let head = format!("host: {}\r\nx-forwarded-for: 192.0.2.1\r\n", relay.address);
    write!(other, "GET /healthz HTTP/1.1\r\n{head}connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    // A connection of the proxy is no client's once its request is answered.
    let mut pooled = TcpStream::connect(&relay.address).unwrap();
    for client in ["192.0.2.3", "192.0.2.3", "192.0.2.2", "192.0.2.3"] {
        let head = format!("host: {}\r\nx-forwarded-for: {client}\r\n", relay.address);
        write!(pooled, "GET /healthz HTTP/1.1\r\n{head}\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok\n") {
            let mut byte = [0];
            pooled.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
    }
    drop(held);
    let began = Instant::now();
    while refused("192.0.2.1") {
        assert!(began.elapsed() < PATIENCE);
    }
    assert_serves(&relay).await;
}
