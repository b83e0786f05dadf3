//! The page's headers, the store's and the port's owner.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::support::Process;

/// The status, headers and body of a GET over a plain socket.
fn get(relay: &Process, path: &str, extra: &str) -> (u16, HashMap<String, String>, String) {
    let mut socket = TcpStream::connect(&relay.address).unwrap();
    write!(
        socket,
        "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{extra}\r\n",
        relay.address
    )
    .unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (status, headers, body.to_owned())
}

#[test]
fn each_page_has_a_nonce_of_its_own_in_its_policy_and_its_text() {
    let (data, page) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let html = "<script nonce=\"{{__TRUNK NONCE__}}\">go()</script>";
    fs::write(page.path().join("index.html"), html).unwrap();
    fs::write(page.path().join("chat-0123456789abcdef.js"), "go()").unwrap();
    fs::write(page.path().join("plain.js"), "go()").unwrap();
    let relay = Process::start_with(data.path(), &["--page", page.path().to_str().unwrap()]);
    let mut nonces = Vec::new();
    for path in ["/", "/index.html"] {
        // A browser that has a copy asks like this; the copy's nonce is old.
        let (status, headers, body) =
            get(&relay, path, "if-modified-since: Fri, 01 Jan 2100 00:00:00 GMT\r\n");
        assert_eq!((status, headers["cache-control"].as_str()), (200, "no-cache"));
        let policy = &headers["content-security-policy"];
        let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0;
        assert!(body.contains(&format!("nonce=\"{nonce}\"")) && nonce.len() >= 22, "{body}");
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval' "));
        assert!(!policy.contains("unsafe-inline"));
        nonces.push(nonce.to_owned());
    }
    assert_ne!(nonces[0], nonces[1]);

    let long = "public, max-age=31536000, immutable";
    for (path, status, cache) in [
        ("/chat-0123456789abcdef.js", 200, long),
        ("/plain.js", 200, "no-cache"),
        ("/no-0123456789abcdef.js", 404, "no-cache"),
        ("/../Cargo.toml", 404, "no-cache"),
    ] {
        let (found, headers, _) = get(&relay, path, "");
        assert_eq!((found, headers["cache-control"].as_str()), (status, cache), "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert!(headers.contains_key("content-security-policy"), "{path}");
    }
    assert_eq!(get(&relay, "/healthz", "").0, 200);
}

#[test]
fn a_taken_port_or_store_is_told_in_one_line() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let relay = Process::start(data.path());
    for (listen, data, advice) in
        [(relay.address.as_str(), other.path(), "--listen"), ("127.0.0.1:0", data.path(), "--data")]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_event-relay"))
            .args(["--listen", listen, "--data"])
            .arg(data)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{told}");
        assert!(told.contains(advice), "{told}");
    }
}
