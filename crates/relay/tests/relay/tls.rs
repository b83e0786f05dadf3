//! TLS without a proxy.

use std::io::BufRead;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use session::{FromClient, FromPeer, SUBPROTOCOL};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::{PATIENCE, Process, hello};

/// Writes a new certificate for `localhost` and its key. Returns the certificate.
fn certificate(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

fn options(folder: &Path) -> [String; 4] {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    ["--tls-cert".to_owned(), path("cert.pem"), "--tls-key".to_owned(), path("key.pem")]
}

/// Connects, and trusts only this certificate.
async fn connect(
    relay: &Process,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(&relay.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// The head of the answer to a request.
async fn ask(relay: &Process, trusted: &CertificateDer<'static>, request: &str) -> String {
    let mut stream = connect(relay, trusted, &["http/1.1"]).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The relay may end without a close of TLS.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_relay_with_a_certificate_speaks_tls_and_expects_pages_of_https() {
    let folder = tempfile::tempdir().unwrap();
    let cert = certificate(folder.path());
    let options = options(folder.path());
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let relay = Process::start_with(&folder.path().join("data"), &options);
    let origin = async |scheme: &str| {
        let stream = connect(&relay, &cert, &[]).await.unwrap();
        let port = relay.address.rsplit_once(':').unwrap().1;
        let mut request = format!("wss://localhost:{port}/ws").into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", SUBPROTOCOL.parse().unwrap());
        headers.insert("origin", format!("{scheme}://localhost:{port}").parse().unwrap());
        tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| socket)
    };
    match origin("http").await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 403),
        other => panic!("{other:?}"),
    }
    let mut socket = origin("https").await.unwrap();
    let mut bytes = Vec::new();
    let FromClient::Hello(hello) = hello(1, 1, 1) else { unreachable!() };
    FromClient::Hello(hello).encode(&mut bytes);
    socket.send(Message::Binary(bytes.into())).await.unwrap();
    let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() else { panic!("no frame") };
    assert!(matches!(FromPeer::decode(&bytes).next(), Some(Ok(FromPeer::Welcome(_)))));
    // On loopback, the header would affect other servers.
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = ask(&relay, &cert, request).await;
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("strict-transport"), "{answer}");
    // Plain HTTP is not answered, and HTTP/2 is not spoken.
    let mut plain = TcpStream::connect(&relay.address).await.unwrap();
    plain.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, plain.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_eq!(ask(&relay, &cert, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await, "");
    assert!(connect(&relay, &cert, &["h2"]).await.is_err());
}

#[tokio::test]
async fn with_a_host_name_browsers_stay_with_tls() {
    let folder = tempfile::tempdir().unwrap();
    let cert = certificate(folder.path());
    let options = options(folder.path());
    let mut options: Vec<_> = options.iter().map(String::as_str).collect();
    options.extend(["--host", "localhost"]);
    let relay = Process::start_with(&folder.path().join("data"), &options);
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = ask(&relay, &cert, request).await;
    assert!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");
}

#[tokio::test]
async fn handshakes_of_tls_count_for_the_rate_and_those_of_their_websockets_do_not_count_again() {
    let folder = tempfile::tempdir().unwrap();
    let cert = certificate(folder.path());
    let options = options(folder.path());
    let mut options: Vec<_> = options.iter().map(String::as_str).collect();
    options.extend(["--raise-limits", "1", "--rate-handshakes", "1:2"]);
    let relay = Process::start_with(&folder.path().join("data"), &options);
    let began = Instant::now();
    let streams =
        [connect(&relay, &cert, &[]).await.unwrap(), connect(&relay, &cert, &[]).await.unwrap()];
    let mut refused = 0;
    while began.elapsed() < Duration::from_millis(500) {
        refused += u32::from(connect(&relay, &cert, &[]).await.is_err());
    }
    assert!(refused > 0);
    for stream in streams {
        let port = relay.address.rsplit_once(':').unwrap().1;
        let mut request = format!("wss://localhost:{port}/ws").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
        let mut bytes = Vec::new();
        hello(1, 1, 1).encode(&mut bytes);
        socket.send(Message::Binary(bytes.into())).await.unwrap();
        let first = socket.next().await.unwrap().unwrap();
        let Message::Binary(bytes) = first else { panic!("{first:?}") };
        assert!(
            !matches!(FromPeer::decode(&bytes).next(), Some(Ok(FromPeer::Bye(bye))) if bye.code == 4002)
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_hangup_reads_the_certificate_again_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = certificate(folder.path());
    let options = options(folder.path());
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let (relay, log) = Process::start_logged(&folder.path().join("data"), &options);
    let mut log = log.lines().map_while(Result::ok);
    let mut hang_up = |said: &str| {
        let id = relay.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
        assert!(log.any(|line| line.contains(said)));
    };
    assert!(connect(&relay, &first, &[]).await.is_ok());
    let second = certificate(folder.path());
    assert!(connect(&relay, &first, &[]).await.is_ok());
    hang_up("the TLS certificate was read again");
    assert!(connect(&relay, &second, &[]).await.is_ok());
    assert!(connect(&relay, &first, &[]).await.is_err());
    // A key of another certificate.
    let elsewhere = tempfile::tempdir().unwrap();
    certificate(elsewhere.path());
    std::fs::copy(elsewhere.path().join("key.pem"), folder.path().join("key.pem")).unwrap();
    hang_up("the previous TLS certificate stays in use");
    assert!(connect(&relay, &second, &[]).await.is_ok());
}

#[test]
fn files_that_are_not_a_certificate_and_its_key_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    std::fs::write(folder.path().join("key.pem"), "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_event-relay"));
    command.args(options(folder.path())).arg("--data").arg(folder.path().join("data"));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("key.pem"), "{said}");
}
