//! The page's files and headers, and errors about the store and the port.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use crate::support::Process;

/// The status, headers and body of a GET over a plain socket.
fn get(relay: &Process, path: &str, extra: &str) -> (u16, HashMap<String, String>, String) {
    request(relay, "GET", path, extra)
}

fn request(
    relay: &Process,
    method: &str,
    path: &str,
    extra: &str,
) -> (u16, HashMap<String, String>, String) {
    let mut socket = TcpStream::connect(&relay.address).unwrap();
    write!(
        socket,
        "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{extra}\r\n",
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

/// A page with one inline script, and its compressed forms.
fn page() -> tempfile::TempDir {
    let page = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("index.html", SCRIPTED),
        ("index.html.br", "the page by brotli"),
        ("index.html.gz", "the page by gzip"),
        ("embed.html", "<script type=\"module\" src=\"./embed.js\"></script>"),
        ("chat-0123456789abcdef.js", "go()"),
        ("chat-0123456789abcdef.js.gz", "gzip of go()"),
        ("plain.js", "go()"),
    ] {
        fs::write(page.path().join(name), text).unwrap();
    }
    page
}

const SCRIPTED: &str = "<script type=\"module\">go()</script>";
/// The hash of `go()`.
const HASH: &str = "'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw='";

fn relay_of(page: &Path) -> (tempfile::TempDir, Process) {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), &["--page", page.to_str().unwrap()]);
    (data, relay)
}

#[test]
fn a_policy_allows_the_inline_scripts_by_their_hash_and_no_others() {
    let page = page();
    let (_data, relay) = relay_of(page.path());
    for path in ["/", "/index.html", "/?room=1", "/index.html?a=b&c", "/embed.html"] {
        let (status, headers, _) = get(&relay, path, "");
        assert_eq!((status, headers["cache-control"].as_str()), (200, "no-cache"), "{path}");
        let policy = &headers["content-security-policy"];
        let scripts = format!("default-src 'none'; script-src 'self' 'wasm-unsafe-eval' {HASH};");
        assert!(policy.starts_with(&scripts), "{path}: {policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("nonce"), "{policy}");
    }
    let long = "public, max-age=31536000, immutable";
    for (path, status, cache) in [
        ("/chat-0123456789abcdef.js", 200, long),
        ("/chat-0123456789abcdef.js?v=1", 200, long),
        ("/plain.js", 200, "no-cache"),
        ("/no-0123456789abcdef.js", 404, "no-cache"),
        ("/../Cargo.toml", 404, "no-cache"),
    ] {
        let (found, headers, _) = get(&relay, path, "");
        assert_eq!((found, headers["cache-control"].as_str()), (status, cache), "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert!(!headers["content-security-policy"].contains("sha256"), "{path}");
    }
    assert_eq!(get(&relay, "/healthz", "").0, 200);
}

#[test]
fn what_is_compressed_beside_a_file_is_sent_to_those_that_take_it() {
    let page = page();
    let (_data, relay) = relay_of(page.path());
    for (path, takes, encoding, body) in [
        ("/", "gzip, deflate, br", Some("br"), "the page by brotli"),
        ("/?q", "gzip", Some("gzip"), "the page by gzip"),
        ("/index.html", "br;q=0, gzip", Some("gzip"), "the page by gzip"),
        ("/index.html", "identity", None, SCRIPTED),
        ("/chat-0123456789abcdef.js", "gzip, br", Some("gzip"), "gzip of go()"),
        ("/plain.js", "gzip, br", None, "go()"),
    ] {
        let (status, headers, found) = get(&relay, path, &format!("accept-encoding: {takes}\r\n"));
        assert_eq!((status, found.as_str()), (200, body), "{path} by {takes}");
        assert_eq!(headers.get("content-encoding").map(String::as_str), encoding, "{path}");
        assert_eq!(headers["vary"], "accept-encoding", "{path}");
        assert!(headers["content-type"].starts_with("text/"), "{path}: {headers:?}");
    }
}

#[test]
fn a_page_that_a_browser_has_is_not_sent_again() {
    let page = page();
    let (_data, relay) = relay_of(page.path());
    for path in ["/", "/index.html", "/chat-0123456789abcdef.js"] {
        for takes in ["br", "identity"] {
            let takes = format!("accept-encoding: {takes}\r\n");
            let (_, first, _) = get(&relay, path, &takes);
            for condition in [
                format!("if-none-match: {}\r\n", first["etag"]),
                format!("if-modified-since: {}\r\n", first["last-modified"]),
            ] {
                let (status, again, body) = get(&relay, path, &format!("{takes}{condition}"));
                assert_eq!((status, body.as_str()), (304, ""), "{path}");
                for name in ["etag", "vary", "cache-control", "content-security-policy"] {
                    assert_eq!(again[name], first[name], "{path}");
                }
            }
        }
    }
    // The page is rebuilt: neither an old copy nor its policy is valid.
    let (_, first, _) = get(&relay, "/", "accept-encoding: br\r\n");
    fs::write(page.path().join("index.html"), "<script>another()</script>").unwrap();
    fs::write(page.path().join("index.html.br"), "another page by brotli").unwrap();
    let condition = format!("accept-encoding: br\r\nif-none-match: {}\r\n", first["etag"]);
    let (status, headers, body) = get(&relay, "/", &condition);
    assert_eq!((status, body.as_str()), (200, "another page by brotli"));
    assert!(headers["content-security-policy"].contains("'sha256-"));
    assert!(!headers["content-security-policy"].contains(HASH));
}

#[test]
fn a_head_and_a_range_are_of_what_a_get_sends() {
    let page = page();
    let (_data, relay) = relay_of(page.path());
    let (status, headers, body) = request(&relay, "HEAD", "/", "accept-encoding: br\r\n");
    assert_eq!((status, body.as_str(), headers["content-length"].as_str()), (200, "", "18"));
    assert_eq!(headers["content-encoding"], "br");
    assert!(headers["content-security-policy"].contains(HASH));
    for (path, takes, range, expected) in [
        ("/", "br", "bytes=0-2", (206, "the")),
        ("/", "identity", "bytes=-9", (206, "</script>")),
        ("/plain.js", "br", "bytes=2-", (206, "()")),
        ("/plain.js", "br", "bytes=9-", (416, "")),
    ] {
        let extra = format!("accept-encoding: {takes}\r\nrange: {range}\r\n");
        let (status, _, body) = get(&relay, path, &extra);
        assert_eq!((status, body.as_str()), expected, "{path} {range}");
    }
    assert_eq!(request(&relay, "POST", "/", "content-length: 0\r\n").0, 405);
}

#[test]
fn a_taken_port_or_store_is_reported_in_one_line() {
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
        let reported = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), reported.lines().count()), (Some(1), 1), "{reported}");
        assert!(reported.contains(advice), "{reported}");
    }
}
