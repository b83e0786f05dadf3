//! Runs the commands of `docs/trust.md`.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::support::{Client, PATIENCE, hello};
use session::{CloseCode, FromClient, FromPeer, RejectCode, Start, Subscribe};

const GUIDE: &str = include_str!("../../../../../docs/trust.md");

/// The blocks of shell commands.
fn commands() -> Vec<&'static str> {
    let blocks = GUIDE.split("```sh\n").skip(1);
    blocks.filter_map(|rest| rest.split_once("\n```")).map(|(block, _)| block).collect()
}

/// Runs the commands in a folder, and then waits for its input to end. At the end the relays stop.
fn run(folder: &Path, ports: &[(&str, u16)]) -> (std::process::Child, Vec<String>) {
    let mut script = String::from("set -eu\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n");
    let blocks = commands();
    assert!(blocks.len() >= 8, "the guide has fewer commands");
    script.push_str(&blocks.join("\n"));
    for (port, free) in ports {
        assert!(script.contains(port), "{port}");
        script = script.replace(port, &free.to_string());
    }
    script.push_str("\necho all commands are done\nread -r _ || true\n");
    let bin = Path::new(env!("CARGO_BIN_EXE_event-relay")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut child = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder)
        .env("PATH", path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    for line in std::io::BufRead::lines(output).map_while(Result::ok) {
        let is_done = line == "all commands are done";
        lines.push(line);
        if is_done {
            return (child, lines);
        }
    }
    let status = child.wait().unwrap();
    panic!("a command of the guide has failed, {status}: {lines:?}");
}

/// Says hello until the relay that was started in the background listens.
async fn answer(port: u16, id: u8, token: Option<String>) -> (Client, FromPeer) {
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < PATIENCE);
        tokio::task::yield_now().await;
    }
    let mut client = Client::connect_to(&format!("ws://127.0.0.1:{port}/ws")).await;
    let FromClient::Hello(mut hello) = hello(id, 1, 1) else { unreachable!() };
    hello.token = token;
    client.send(&[FromClient::Hello(hello)]).await;
    let frame = client.frame().await;
    (client, frame)
}

/// The code with which a subscription is refused.
async fn refusal(client: &mut Client, subscription: u32, pattern: &str) -> Option<RejectCode> {
    let (pattern, start) = (pattern.to_owned(), Start::Earliest);
    let subscribe = Subscribe { subscription, pattern, start, credit: None };
    client.send(&[FromClient::Subscribe(subscribe)]).await;
    loop {
        match client.frame().await {
            FromPeer::Subscribed(_) => return None,
            FromPeer::Refused(refused) => return Some(refused.code),
            FromPeer::CaughtUp(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_commands_of_the_guide_do_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let ports = ["8080", "8090", "8091", "8443"].map(|port| {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        (port, free.local_addr().unwrap().port())
    });
    let path = folder.path().to_owned();
    let (mut shell, said) = tokio::task::spawn_blocking(move || run(&path, &ports)).await.unwrap();
    assert!(said.iter().any(|line| line == "ok"), "the answer of /healthz by TLS: {said:?}");
    let stored = said.iter().find(|line| line.contains("note-1")).expect("the answer of /events");
    let stored: serde_json::Value = serde_json::from_str(stored).unwrap();
    assert_eq!(
        (&stored["source"], &stored["durability"]),
        (&"/users/ann/shop".into(), &"disk".into())
    );
    let [(_, guests), (_, accounts), ..] = ports;
    let certificate = std::fs::read_to_string(folder.path().join("ann.certificate")).unwrap();
    let certificate = trust::parse_certificate(&certificate).unwrap().certificate;
    assert_eq!(
        (certificate.subject.as_str(), certificate.name.as_deref()),
        ("ann", Some("Ann Lee"))
    );
    // The key that the guide revokes is the one of its certificate.
    let revoked = format!("revoked {}", certificate.thumbprint());
    for line in [revoked.as_str(), "revoked the account mallory and no keys"] {
        assert!(said.iter().any(|it| it == line), "{line}: {said:?}");
    }

    let (mut guest, welcome) = answer(guests, 1, None).await;
    assert!(matches!(welcome, FromPeer::Welcome(_)), "{welcome:?}");
    assert_eq!(refusal(&mut guest, 1, "news.a").await, None);
    assert_eq!(refusal(&mut guest, 2, "chat.a").await, Some(RejectCode::NotAllowed));

    let (_, bye) = answer(accounts, 1, None).await;
    let FromPeer::Bye(bye) = bye else { panic!("{bye:?}") };
    assert_eq!(bye.code, CloseCode::CredentialRefused.code());
    let token = std::fs::read_to_string(folder.path().join("ann.token")).unwrap();
    let (mut ann, welcome) = answer(accounts, 1, Some(token.trim().to_owned())).await;
    assert!(matches!(welcome, FromPeer::Welcome(_)), "{welcome:?}");
    assert_eq!(refusal(&mut ann, 1, "inbox.ann").await, None);
    assert_eq!(refusal(&mut ann, 2, "inbox.bob").await, Some(RejectCode::NotAllowed));
    let keys = std::fs::read(folder.path().join("keys.json")).unwrap();
    let keys: serde_json::Value = serde_json::from_slice(&keys).unwrap();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);

    drop(shell.stdin.take());
    shell.wait().unwrap();
}
