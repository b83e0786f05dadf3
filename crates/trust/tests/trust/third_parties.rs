//! Verifiers in other languages, written by the text of CloudEvents' extension, with no code of ours.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use super::*;

/// The known answer of CloudEvents' own text (`verifiability.md`, "Case 5").
const PUBLISHED: &str = r#"{"specversion":"1.0","id":"1","source":"example/uri","type":"example.type.binary","datacontenttype":"application/octet-stream","data_base64":"8J+koQ==","dssematerial":"eyJwYXlsb2FkVHlwZSI6Imh0dHBzOi8vY2xvdWRldmVudHMuaW8vdmVyaWZpYWJpbGl0eS9kc3NlL3YwLjEiLCJwYXlsb2FkIjoiZXlKamIzSmxJam9pY1VOVFpXbGFhMU1yYUVnNVYybERiR1p4Tm5Cc1puRlpUbFo1TW10MmVGZFNabTlDY2t4RmVtOUVhejBpZlE9PSIsInNpZ25hdHVyZXMiOlt7ImtleWlkIjoidGVzdGtleSIsInNpZyI6IkYyaXAweG1nSlgzdWdIWkM2dE1ycjdBMkVxYWkwOHJhR3JUd2R5aC9PR0RJSXJGN0J5TTJ5SVRMS3FOckYzZHpaR1IybzBDczlmRUJGZEx4Uk9VeUVRPT0ifV19"}"#;

/// The keys of the known events and of the published one.
fn keys() -> Value {
    let known = known();
    let mut keys = [known["device"].clone(), known["issuer"].clone()];
    keys.iter_mut().for_each(|key| _ = key.as_object_mut().unwrap().remove("d"));
    let published = json!({
        "kty": "EC", "crv": "P-256", "kid": "testkey",
        "x": "Z805D3eqNZywjCI19lInBJOp7YMrCrzAH3CVTAOQ0jg",
        "y": "DHgr1U4mkSWkT0Qzr_FDLOlOErynOqZ6yAzqEmCN33Q",
    });
    json!({ "keys": [keys[0], keys[1], published] })
}

/// What the program answers about events, one a line.
fn answers(program: &str, script: &str, events: &[String]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(&path, keys().to_string()).unwrap();
    let script = format!("{}/verify/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(program)
        .arg(script)
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    // All answers together fit into the buffer of a pipe, so the program does not wait for a reader.
    child.stdin.take().unwrap().write_all(format!("{}\n", events.join("\n")).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} has failed: {}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The known events, as a line each.
fn events() -> Vec<String> {
    let known = known();
    let events = known["events"].as_array().unwrap().iter();
    events.map(|event| event["json"].as_str().unwrap().to_owned()).collect()
}

/// The event with a member in place of its own.
fn with(event: &str, name: &str, value: Value) -> String {
    let mut event: Value = serde_json::from_str(event).unwrap();
    event[name] = value;
    event.to_string()
}

/// The event with another envelope.
fn repacked(event: &str, change: impl FnOnce(&mut Value)) -> String {
    let parsed: Value = serde_json::from_str(event).unwrap();
    let mut envelope: Value = serde_json::from_slice(&bytes(&parsed["dssematerial"])).unwrap();
    change(&mut envelope);
    with(event, "dssematerial", STANDARD.encode(envelope.to_string()).into())
}

fn attacks(event: &str, signed_extensions: &str) -> Vec<String> {
    let known = known();
    let issuer = format!("/keys/{}", known["issuer"]["kid"].as_str().unwrap());
    let payload = |material: Value| {
        move |envelope: &mut Value| {
            envelope["payload"] = STANDARD.encode(material.to_string()).into();
        }
    };
    let digest = STANDARD.encode([0; 32]);
    vec![
        with(event, "id", "other".into()),
        with(event, "type", "chat.other".into()),
        with(event, "source", issuer.clone().into()),
        with(event, "source", "/clients/1".into()),
        with(event, "time", "2026-11-30T09:00:01Z".into()),
        with(event, "data", json!({ "text": "hullo" })),
        with(event, "datacontenttype", "application/json".into()),
        with(event, "dataschema", "urn:x".into()),
        with(event, "subject", "door".into()),
        with(event, "dssematerial", "".into()),
        with(event, "dssematerial", "?".into()),
        with(event, "dssematerial", STANDARD.encode("{").into()),
        with(signed_extensions, "t", "other".into()),
        with(signed_extensions, "n", 7.into()),
        with(signed_extensions, "b", false.into()),
        with(signed_extensions, "absent", "here".into()),
        repacked(event, |envelope| envelope["payloadType"] = "text/plain".into()),
        repacked(event, |envelope| envelope["signatures"] = json!([])),
        repacked(event, |envelope| {
            envelope["signatures"][0]["sig"] = STANDARD.encode([7; 64]).into()
        }),
        repacked(event, |envelope| envelope["signatures"][0]["keyid"] = issuer[6..].into()),
        repacked(event, payload(json!({ "core": digest }))),
        repacked(event, payload(json!({ "core": digest, "ext": digest }))),
        repacked(event, payload(json!({ "core": digest, "signedextattrs": ["t"] }))),
        repacked(
            event,
            payload(json!({ "core": digest, "ext": digest, "signedextattrs": ["t", "t"] })),
        ),
        repacked(
            event,
            payload(json!({ "core": digest, "ext": digest, "signedextattrs": ["id"] })),
        ),
    ]
}

fn verifies(program: &str, script: &str) {
    let mut events = events();
    let find = |id: &str| {
        let found = events.iter().find(|event| event.contains(&format!(r#""id":"{id}""#)));
        found.unwrap().clone()
    };
    let attacks = attacks(&find("json"), &find("signed-extensions"));
    // What is not signed may change.
    let unsigned = with(&find("json"), "authid", "bob".into());
    events.extend([PUBLISHED.to_owned(), unsigned]);
    let said = answers(program, script, &events);
    assert_eq!(said.len(), events.len());
    for (event, said) in events.iter().zip(&said) {
        let is_verified = said.starts_with("verified ") && said.contains(": core");
        assert!(is_verified, "{said}\n{event}");
    }
    let extensions = said.iter().find(|said| said.contains("signed-extensions")).unwrap();
    assert!(extensions.ends_with(": core and t, n, absent, b"), "{extensions}");
    let said = answers(program, script, &attacks);
    assert_eq!(said.len(), attacks.len());
    for (event, said) in attacks.iter().zip(&said) {
        assert!(said.starts_with("refused "), "{said}\n{event}");
    }
}

#[test]
fn node_verifies_our_events_by_the_specification_alone() {
    verifies("node", "verify.mjs");
}

#[test]
fn python_verifies_our_events_by_the_specification_alone() {
    verifies(&std::env::var("EDK_PYTHON").unwrap_or("python3".to_owned()), "verify.py");
}
