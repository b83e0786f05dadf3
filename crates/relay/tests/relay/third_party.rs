//! A client in another language, with a WebSocket library of that language.

use std::process::Command;

use crate::support::Process;

#[test]
fn a_python_client_publishes_repeats_and_resumes_by_cloudevents_json() {
    let Ok(python) = std::env::var("EDK_PYTHON") else {
        let is_ci = std::env::var_os("CI").is_some();
        assert!(
            !is_ci,
            "EDK_PYTHON names no Python with websocket-client: `cargo xtask test` does"
        );
        eprintln!("not run: EDK_PYTHON names no Python with websocket-client");
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let relay = Process::start(data.path());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/third_party.py");
    let output = Command::new(python)
        .args([script, &relay.url(), "chat.lobby.TEXT_MESSAGE", "check"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"checked\n");
}
