//! Tokens that were verified. A client that reconnects, and a backend at each request, send the same one again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::Keys;
use crate::authority::Admitted;

/// The maximum total length of the remembered tokens, in bytes. What they grant takes a few times as much memory.
/// Beyond it, all are forgotten.
const MAX_BYTES: usize = 1 << 20;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct KnownTokens(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    tokens: HashMap<[u8; 32], KnownToken>,
    bytes: usize,
}

#[derive(Debug)]
struct KnownToken {
    admitted: Admitted,
    /// One of these has verified it.
    keys: Arc<Keys>,
    /// The last second in which it is valid.
    until: u64,
}

impl KnownTokens {
    /// What this token grants, if one of these keys has verified it and it has not ended.
    pub(super) fn get(&self, token: &str, keys: &Arc<Keys>, now: u64) -> Option<Admitted> {
        let hash = Self::hash(token);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.tokens.get(&hash)?;
        let left = known.until.checked_sub(now)?;
        if !Arc::ptr_eq(&known.keys, keys) {
            return None;
        }
        let mut admitted = known.admitted.clone();
        admitted.granted.expires_in = Some(left * 1_000);
        Some(admitted)
    }

    /// Remembers a token that one of these keys has just verified.
    pub(super) fn add(&self, token: &str, keys: Arc<Keys>, admitted: &Admitted, now: u64) {
        let Some(left) = admitted.granted.expires_in else { return };
        let (hash, admitted, until) = (Self::hash(token), admitted.clone(), now + left / 1_000);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.bytes + token.len() > MAX_BYTES {
            *known = Known::default();
        }
        known.bytes += token.len();
        known.tokens.insert(hash, KnownToken { admitted, keys, until });
    }

    fn hash(token: &str) -> [u8; 32] {
        Sha256::digest(token).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Granted;
    use crate::tokens::IssuerKey;

    fn keys() -> Arc<Keys> {
        let set = IssuerKey::generate().unwrap().key_set();
        Arc::new(Keys::parse(set.as_bytes()).unwrap())
    }

    fn admitted(seconds: u64) -> Admitted {
        Granted { expires_in: Some(seconds * 1_000), ..Granted::default() }.into()
    }

    fn left(known: &KnownTokens, token: &str, keys: &Arc<Keys>, now: u64) -> Option<u64> {
        known.get(token, keys, now).map(|admitted| admitted.granted.expires_in.unwrap() / 1_000)
    }

    #[test]
    fn a_token_is_known_until_it_ends_or_the_keys_change() {
        let (known, keys, others) = (KnownTokens::default(), keys(), keys());
        known.add("token", Arc::clone(&keys), &admitted(60), 1_000);
        assert_eq!(left(&known, "token", &keys, 1_000), Some(60));
        assert_eq!(left(&known, "token", &keys, 1_060), Some(0));
        assert_eq!(left(&known, "token", &keys, 1_061), None);
        assert_eq!(left(&known, "token", &others, 1_000), None);
        assert_eq!(left(&known, "tokem", &keys, 1_000), None);
    }

    #[test]
    fn what_is_known_is_bounded_in_bytes() {
        let (known, keys) = (KnownTokens::default(), keys());
        let token = |number: usize| format!("{number:08192}");
        for number in 0..1_000 {
            known.add(&token(number), Arc::clone(&keys), &admitted(60), 0);
            let known = known.0.lock().unwrap();
            assert!(known.tokens.len() * 8_192 <= MAX_BYTES && known.bytes <= MAX_BYTES);
        }
        assert!(known.get(&token(999), &keys, 0).is_some());
    }
}
