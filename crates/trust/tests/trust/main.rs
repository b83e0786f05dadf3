//! Signed events and certificates: known answers, rules, and verifiers that share no code with this.

mod believing;
mod certificates;
mod third_parties;
mod vectors;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use trust::PublicKey;

/// The known answers.
fn known() -> Value {
    serde_json::from_str(include_str!("../../vectors/signed.json")).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn public(jwk: &Value) -> PublicKey {
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    [vec![4], part("x"), part("y")].concat().try_into().unwrap()
}

fn is_right(key: &PublicKey, signed: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(signed, signature).is_ok()
}
