//! The public keys of an issuer, from a JWK Set (RFC 7517).

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The maximum number of keys in a set.
const MAX_KEYS: usize = 64;

/// Why a set of keys cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// It is not a JWK Set.
    #[error("it is not a JWK Set, which is JSON of the form {{\"keys\": [...]}} (RFC 7517)")]
    NotASet,
    /// It contains a private key.
    #[error("it contains a private or secret key: give the public keys only")]
    Private,
    /// No key can be used.
    #[error("it contains no key for signatures by ES256, EdDSA (Ed25519) or RS256")]
    NoKey,
    /// There are too many keys.
    #[error("it contains more than 64 keys")]
    TooMany,
    /// A key id occurs twice, or a set of several keys has a key without an id.
    #[error("each key of a set needs its own `kid`")]
    Ids,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Keys(Vec<Key>);

/// A public key with the only algorithm that it is used for.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) id: Option<String>,
    pub(crate) key: DecodingKey,
    pub(crate) algorithm: Algorithm,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    /// Parses a JWK Set. Keys of other kinds are skipped, because the sets of identity providers have them.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        let set: Set = serde_json::from_slice(json).map_err(|_| KeySetError::NotASet)?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        if set.keys.iter().any(|key| key.get("d").is_some() || key.get("k").is_some()) {
            return Err(KeySetError::Private);
        }
        let keys: Vec<_> = set.keys.into_iter().filter_map(Key::new).collect();
        if keys.is_empty() {
            return Err(KeySetError::NoKey);
        }
        let mut ids: Vec<_> = keys.iter().map(|key| &key.id).collect();
        ids.sort_unstable();
        let are_distinct = ids.windows(2).all(|pair| pair[0] != pair[1]);
        let are_named = keys.len() == 1 || ids.iter().all(|id| id.is_some());
        if are_distinct && are_named { Ok(Self(keys)) } else { Err(KeySetError::Ids) }
    }

    /// The key that a token names. A token without a key id is for the only key.
    pub(crate) fn find(&self, id: Option<&str>) -> Option<&Key> {
        match (id, &self.0[..]) {
            (None, [key]) => Some(key),
            (None, _) => None,
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Key {
    /// A key for signatures with a supported algorithm.
    fn new(json: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::EllipticCurve(it) if it.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::OctetKeyPair(it) if it.curve == EllipticCurve::Ed25519 => {
                Algorithm::EdDSA
            }
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            _ => return None,
        };
        let common = &jwk.common;
        let is_for_signatures =
            common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
        let is_for_algorithm =
            common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
        if !is_for_signatures || !is_for_algorithm {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id: jwk.common.key_id, key, algorithm })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const ED: &str =
        r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn parse(keys: &[&str]) -> Result<usize, KeySetError> {
        let keys: Vec<_> = keys.iter().map(|key| format!("{{{key}}}")).collect();
        Keys::parse(format!("{{\"keys\":[{}]}}", keys.join(",")).as_bytes()).map(|keys| keys.len())
    }

    #[test]
    fn keys_of_other_kinds_are_skipped_and_a_set_needs_one() {
        let other = [
            r#""kty":"EC","crv":"P-384","x":"AA","y":"AA""#,
            r#""kty":"EC","crv":"secp256k1","x":"AA","y":"AA""#,
            r#""kty":"new","kid":"7""#,
            r#""kty":"RSA","n":"AQAB","e":"AQAB","use":"enc""#,
            r#""kty":"RSA","n":"AQAB","e":"AQAB","alg":"PS256""#,
        ];
        assert_eq!(parse(&other), Err(KeySetError::NoKey));
        assert_eq!(parse(&[]), Err(KeySetError::NoKey));
        let rsa = r#""kty":"RSA","n":"AQAB","e":"AQAB","alg":"RS256","use":"sig","kid":"r""#;
        let keys = [other[0], EC, other[2]];
        assert_eq!(parse(&keys), Ok(1));
        let (ec, ed) =
            (format!("{EC},\"kid\":\"a\",\"alg\":\"ES256\""), format!("{ED},\"kid\":\"b\""));
        assert_eq!(parse(&[&ec, &ed, rsa]), Ok(3));
    }

    #[test]
    fn each_of_several_keys_needs_its_own_id() {
        assert_eq!(parse(&[EC]), Ok(1));
        assert_eq!(parse(&[EC, ED]), Err(KeySetError::Ids));
        let (ec, ed) = (format!("{EC},\"kid\":\"a\""), format!("{ED},\"kid\":\"a\""));
        assert_eq!(parse(&[&ec, &ed]), Err(KeySetError::Ids));
        assert_eq!(parse(&[&ec, ED]), Err(KeySetError::Ids));
    }

    #[test]
    fn a_set_with_a_private_key_is_refused() {
        assert_eq!(parse(&[&format!("{EC},\"d\":\"AA\"")]), Err(KeySetError::Private));
        assert_eq!(parse(&[EC, r#""kty":"oct","k":"AA""#]), Err(KeySetError::Private));
    }

    #[test]
    fn other_files_are_not_sets() {
        for text in ["", "[]", "{}", "{\"keys\":{}}", "-----BEGIN PUBLIC KEY-----"] {
            assert_eq!(
                Keys::parse(text.as_bytes()).map(|keys| keys.len()),
                Err(KeySetError::NotASet)
            );
        }
        assert_eq!(parse(&["\"kty\":\"new\""; 65]), Err(KeySetError::TooMany));
    }
}
