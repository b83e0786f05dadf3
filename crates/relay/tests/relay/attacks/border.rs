//! Attacks on the border: hosts, origins, proxies, connections, file modes. Refusals are in the audit log.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use session::{CloseCode, FromPeer, SUBPROTOCOL};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;

use crate::support::{
    Client, Process, assert_serves, connect, connect_from, hello, publish, tcp_from,
};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The head of the answer to a raw request.
async fn ask(relay: &Process, request: &str) -> String {
    let mut socket = TcpStream::connect(&relay.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = socket.read_to_end(&mut answer);
    tokio::time::timeout(PATIENCE, read).await.expect("an end in time").unwrap();
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    answer.split("\r\n\r\n").next().unwrap().to_owned()
}

async fn get(relay: &Process, path: &str, headers: &str) -> String {
    ask(relay, &format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n")).await
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).expect("a status").parse().unwrap()
}

/// The status of a handshake with these headers.
async fn handshake(relay: &Process, headers: &[(&'static str, &str)]) -> u16 {
    let mut all = vec![("sec-websocket-protocol", SUBPROTOCOL)];
    all.extend(headers);
    match connect(relay, &all).await {
        Ok(_) => 101,
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
    }
}

/// Reads until the other end closes the connection.
async fn is_cut(mut socket: TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end too.
    let read = socket.read_to_end(&mut rest);
    let _ = tokio::time::timeout(PATIENCE, read).await.expect("the connection is cut");
}

#[tokio::test]
async fn a_name_of_another_that_leads_here_is_misdirected() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    for host in
        ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1@evil", ""]
    {
        let host = format!("host: {host}\r\n");
        assert_eq!(status(&get(&relay, "/", &host).await), 421, "{host}");
        assert_eq!(status(&get(&relay, "/healthz", &host).await), 200, "{host}");
    }
    for hosts in ["", "host: localhost\r\nhost: localhost\r\n"] {
        assert!([400, 421].contains(&status(&get(&relay, "/", hosts).await)), "{hosts}");
    }
    assert_eq!(status(&ask(&relay, "GET / HTTP/1.0\r\n\r\n").await), 421);
    for host in ["localhost", "LOCALHOST.", "127.0.0.1", "[::1]:80"] {
        assert_eq!(status(&get(&relay, "/", &format!("host: {host}\r\n")).await), 404, "{host}");
    }
    // The page of that name has the same origin, and is refused nevertheless.
    let own = [("host", "evil.example"), ("origin", "http://evil.example")];
    assert_eq!(handshake(&relay, &own).await, 421);
    assert_serves(&relay).await;
}

#[tokio::test]
async fn a_page_has_the_scheme_of_the_relay_and_a_listed_host() {
    let data = tempfile::tempdir().unwrap();
    let options = ["--behind-proxy", "127.0.0.1", "--host", "example.org", "--host", "[::1]"];
    let relay = Process::start_with(data.path(), &options);
    let secure = ("x-forwarded-proto", "https");
    for (host, origin, expected) in [
        ("example.org", "https://example.org", 101),
        ("example.org:443", "https://example.org", 101),
        ("Example.org", "https://EXAMPLE.ORG:443", 101),
        ("[::1]", "https://[::1]", 101),
        ("example.org", "http://example.org", 403),
        ("example.org", "https://example.org:8443", 403),
        ("example.org:8443", "https://example.org", 403),
        ("localhost", "https://localhost", 421),
    ] {
        let headers = [("host", host), ("origin", origin), secure];
        assert_eq!(handshake(&relay, &headers).await, expected, "{host} {origin}");
    }
    let plain = |origin| [("host", "example.org"), ("origin", origin)];
    assert_eq!(handshake(&relay, &plain("http://example.org")).await, 101);
    assert_eq!(handshake(&relay, &plain("https://example.org")).await, 403);
}

#[tokio::test]
async fn only_the_proxy_says_which_scheme_it_is() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), &["--behind-proxy", "10.0.0.0/8"]);
    let origin = format!("https://{}", relay.address);
    let headers = [("origin", origin.as_str()), ("x-forwarded-proto", "https")];
    assert_eq!(handshake(&relay, &headers).await, 403);
}

#[tokio::test]
async fn allowed_origins_are_compared_as_the_web_does() {
    let data = tempfile::tempdir().unwrap();
    for allowed in [
        "https://example.org/",
        "https://Example.org",
        "https://example.org:443",
        "HTTPS://example.org",
    ] {
        let relay = Process::start_with(data.path(), &["--allow-origin", allowed]);
        assert_eq!(handshake(&relay, &[("origin", "https://example.org")]).await, 101, "{allowed}");
        assert_eq!(handshake(&relay, &[("origin", "http://example.org")]).await, 403, "{allowed}");
    }
}

#[test]
fn what_cannot_work_is_refused_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    for (options, advice) in [
        (["--allow-origin", "example.org"], "https://example.org"),
        (["--allow-origin", "*"], "https://example.org"),
        (["--allow-origin", "https://example.org/chat"], "no path"),
        (["--host", "https://example.org"], "alone"),
        (["--behind-proxy", "proxy"], "10.0.0.0/8"),
        (["--rate-publishes", "200"], "200:2000"),
        (["--listen", "0.0.0.0:0"], "--host example.org"),
        (["--listen", "[::]:0"], "--host example.org"),
    ] {
        let mut relay = Command::new(env!("CARGO_BIN_EXE_event-relay"));
        let relay = relay.arg("--data").arg(data.path()).args(options);
        let mut relay = relay.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A relay that starts prints its address, and does not end.
        let mut address = String::new();
        BufReader::new(relay.stdout.take().unwrap()).read_line(&mut address).unwrap();
        if !address.is_empty() {
            relay.kill().unwrap();
        }
        let output = relay.wait_with_output().unwrap();
        let reported = String::from_utf8(output.stderr).unwrap();
        assert_eq!(address, "", "{options:?}");
        assert!(!output.status.success() && reported.contains(advice), "{options:?}: {reported}");
    }
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let (data, page) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(page.path().join("index.html"), "<p>chat</p>").unwrap();
    let relay = Process::start_with(data.path(), &["--page", page.path().to_str().unwrap()]);
    let own = format!("host: {}\r\n", relay.address);
    let foreign = format!("{own}upgrade: websocket\r\norigin: https://evil.example\r\n");
    for (path, headers) in [
        ("/", own.as_str()),
        ("/healthz", &own),
        ("/nothing", &own),
        ("/ws", &own),
        ("/ws", &foreign),
        ("/", "host: evil.example\r\n"),
    ] {
        let head = get(&relay, path, headers).await;
        for header in [
            "x-content-type-options: nosniff",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
            "referrer-policy: no-referrer",
            "permissions-policy: camera=()",
        ] {
            assert_eq!(head.matches(header).count(), 1, "{path} {header}: {head}");
        }
    }
}

/// As many connections as the suite says, or as this machine lets a test have.
fn bare_connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = files.and_then(|line| line.split_whitespace().next()?.parse().ok());
    soft.unwrap_or(600).min(2_200_usize) / 2
}

#[tokio::test]
async fn silent_connections_are_cut_and_others_are_served_meanwhile() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start_with(data.path(), &["--raise-limits", "1"]);
    let began = Instant::now();
    let mut bare = Vec::new();
    for _ in 0..bare_connections() {
        bare.push(tcp_from(&relay, 2).await.unwrap());
    }
    assert_serves(&relay).await;
    let mut half = tcp_from(&relay, 3).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nx-a: ").await.unwrap();
    let mut idle = tcp_from(&relay, 3).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    for socket in bare.into_iter().chain([half, idle]) {
        is_cut(socket).await;
    }
    // The default is ten seconds.
    assert!(began.elapsed() >= Duration::from_secs(9), "{:?}", began.elapsed());
    assert_serves(&relay).await;
    let mut again = Client::welcomed_from(&relay, 2, 1).await;
    again.send(&[publish(1, "a", "e")]).await;
    again.ack().await;
}

#[tokio::test]
async fn http_2_which_has_no_timeouts_here_is_not_spoken() {
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let mut socket = TcpStream::connect(&relay.address).await.unwrap();
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, [0_u8; 0]);
    let put = "PUT / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&ask(&relay, put).await), 404);
}

/// Asserts that a connection ends with a code after which clients reconnect, and with a time to wait.
async fn is_sent_away(client: &mut Client) {
    match client.frame().await {
        FromPeer::Bye(bye) => {
            assert_eq!(bye.code, CloseCode::Overloaded.code());
            assert!(bye.retry.is_some_and(|retry| retry > 0));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(client.close_code().await, CloseCode::Overloaded.code());
}

#[tokio::test]
async fn one_connection_more_than_an_address_may_have_is_sent_away() {
    let data = tempfile::tempdir().unwrap();
    let relay =
        Process::start_with(data.path(), &["--raise-limits", "1", "--address-connections", "4"]);
    let mut held = Vec::new();
    for id in 1..=4 {
        held.push(Client::welcomed_from(&relay, 2, id).await);
    }
    let frames = [("sec-websocket-protocol", SUBPROTOCOL)];
    let mut one_more = connect_from(&relay, 2, &frames).await.unwrap();
    is_sent_away(&mut one_more).await;
    assert_serves(&relay).await;
    drop(one_more);
    // When one ends there is room for one.
    drop(held.pop());
    let mut client = loop {
        let mut client = connect_from(&relay, 2, &frames).await.unwrap();
        client.send(&[hello(9, 1, 1)]).await;
        match client.frame().await {
            FromPeer::Welcome(_) => break client,
            FromPeer::Bye(_) => tokio::task::yield_now().await,
            other => panic!("{other:?}"),
        }
    };
    client.send(&[publish(1, "a", "e")]).await;
    client.ack().await;
}

#[tokio::test]
async fn handshakes_beyond_the_rate_are_sent_away() {
    let data = tempfile::tempdir().unwrap();
    let relay =
        Process::start_with(data.path(), &["--raise-limits", "1", "--rate-handshakes", "1:3"]);
    let frames = [("sec-websocket-protocol", SUBPROTOCOL)];
    let (began, mut welcomed) = (Instant::now(), 0);
    let bye = loop {
        let mut client = connect_from(&relay, 2, &frames).await.unwrap();
        client.send(&[hello(1, welcomed + 1, 1)]).await;
        match client.frame().await {
            FromPeer::Welcome(_) => welcomed += 1,
            FromPeer::Bye(bye) => break bye,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(bye.code, CloseCode::Overloaded.code());
    assert!(bye.retry.is_some_and(|retry| retry > 0));
    assert!((3..=4 + began.elapsed().as_secs()).contains(&welcomed), "{welcomed}");
    assert_serves(&relay).await;
}

#[tokio::test]
async fn behind_a_proxy_each_client_has_its_own_limits() {
    let data = tempfile::tempdir().unwrap();
    let options =
        ["--raise-limits", "1", "--address-connections", "2", "--behind-proxy", "127.0.0.2"];
    let relay = Process::start_with(data.path(), &options);
    let through = async |host: u8, client: &str, id: u8| {
        let headers = [("sec-websocket-protocol", SUBPROTOCOL), ("x-forwarded-for", client)];
        let mut client = connect_from(&relay, host, &headers).await.unwrap();
        client.send(&[hello(id, 1, 1)]).await;
        (matches!(client.frame().await, FromPeer::Welcome(_)), client)
    };
    let mut held = Vec::new();
    for (client, id) in [("192.0.2.1", 1), ("192.0.2.1", 2), ("192.0.2.2", 3)] {
        let (is_welcome, client) = through(2, client, id).await;
        assert!(is_welcome, "{id}");
        held.push(client);
    }
    assert!(!through(2, "192.0.2.1", 4).await.0);
    // Other addresses are not trusted: three clients are one address.
    for id in [5, 6] {
        let (is_welcome, client) = through(3, &format!("192.0.2.{id}"), id).await;
        assert!(is_welcome, "{id}");
        held.push(client);
    }
    assert!(!through(3, "192.0.2.7", 7).await.0);
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_own_user_reads_the_store_and_its_backup() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("a/b");
    let relay = Process::start(&data);
    assert_serves(&relay).await;
    let copy = parent.path().join("copy.redb");
    let mut backup = Command::new(env!("CARGO_BIN_EXE_event-relay"));
    backup.arg("backup").arg("--data").arg(&data).arg("--to").arg(&copy);
    assert!(backup.status().unwrap().success());
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&parent.path().join("a")), 0o700);
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&copy), 0o600);
    for entry in std::fs::read_dir(&data).unwrap() {
        let entry = entry.unwrap().path();
        assert_eq!(mode(&entry), 0o600, "{}", entry.display());
    }
}

#[tokio::test]
async fn each_kind_of_refusal_is_in_the_audit_log() {
    let data = tempfile::tempdir().unwrap();
    let options = ["--raise-limits", "1", "--address-connections", "1", "--hello-timeout", "1s"];
    let (relay, log) = Process::start_logged(data.path(), &options);
    let (lines, mut audit) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok).filter(|line| line.contains(" audit: ")) {
            let _ = lines.send(line);
        }
    });
    let mut logged = async |refused: &str, host: u8, code: u16| {
        let line = tokio::time::timeout(PATIENCE, audit.recv()).await.expect("a line").unwrap();
        for part in [
            format!("refused=\"{refused}\""),
            format!("address=127.0.0.{host}"),
            format!("code={code}"),
        ] {
            assert!(line.contains(&part), "{part} in {line}");
        }
        assert!(!line.contains("evil"), "{line}");
    };
    let frames = ("sec-websocket-protocol", SUBPROTOCOL);

    assert_eq!(handshake(&relay, &[("origin", "https://evil.example")]).await, 403);
    logged("origin", 1, 403).await;
    assert_eq!(handshake(&relay, &[("host", "evil.example")]).await, 421);
    logged("host", 1, 421).await;

    let _first = Client::welcomed_from(&relay, 2, 1).await;
    let mut thief = connect_from(&relay, 3, &[frames]).await.unwrap();
    let session::FromClient::Hello(mut stolen) = hello(1, 2, 1) else { unreachable!() };
    stolen.secret = Some([9; 32]);
    thief.send(&[session::FromClient::Hello(stolen)]).await;
    assert_eq!(thief.close_code().await, CloseCode::Unauthorized.code());
    logged("secret", 3, CloseCode::Unauthorized.code()).await;

    let mut one_more = connect_from(&relay, 2, &[frames]).await.unwrap();
    assert_eq!(one_more.close_code().await, CloseCode::Overloaded.code());
    logged("limit", 2, CloseCode::Overloaded.code()).await;

    let mut early = connect_from(&relay, 4, &[frames]).await.unwrap();
    early.send(&[publish(1, "a", "e")]).await;
    assert_eq!(early.close_code().await, CloseCode::UnexpectedHello.code());
    logged("hello", 4, CloseCode::UnexpectedHello.code()).await;
}
