//! Proofs of hellos: a client has the private key of its device, and uses it for this relay.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use session::Hello;

use crate::border::Host;

/// The hosts in the URLs of a relay that was given none.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The hosts that a proof may be for. The request's `host` header does not count: another relay could get a proof for
/// its own host and pass it on with that header.
#[derive(Debug, Clone)]
pub(crate) struct ProofHosts(Arc<[Host]>);

impl ProofHosts {
    /// `hosts` are those by which clients reach the relay. If there are none, the names of loopback count.
    pub(crate) fn new(hosts: &[Host]) -> Self {
        if hosts.is_empty() {
            return Self(LOOPBACK.iter().filter_map(|host| host.parse().ok()).collect());
        }
        Self(hosts.into())
    }

    /// Whether a hello has no key, or a proof by it for one of the hosts.
    pub(crate) fn accept(&self, hello: &Hello) -> bool {
        let (key, proof) = match (&hello.key, &hello.proof) {
            (None, None) => return true,
            (Some(key), Some(proof)) => (key, proof),
            _ => return false,
        };
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
        self.0.iter().any(|host| {
            let Hello { client, fence, token, .. } = hello;
            let proven = trust::proof_bytes(host.as_str(), client, *fence, token.as_deref());
            key.verify(&proven, proof).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    fn hello(key: &EcdsaKeyPair, host: &str, token: Option<&str>) -> Hello {
        let proven = trust::proof_bytes(host, &[1; 16], 7, token);
        let proof = key.sign(&SystemRandom::new(), &proven).unwrap();
        Hello {
            token: token.map(str::to_owned),
            key: Some(key.public_key().as_ref().try_into().unwrap()),
            proof: Some(proof.as_ref().try_into().unwrap()),
            ..Hello::new([1; 16], [2; 32], 7)
        }
    }

    fn key() -> EcdsaKeyPair {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
    }

    #[test]
    fn a_proof_is_for_one_of_the_hosts_and_without_one_for_loopback() {
        let key = key();
        let hosts = |names: &[&str]| {
            let hosts: Vec<Host> = names.iter().map(|name| name.parse().unwrap()).collect();
            ProofHosts::new(&hosts)
        };
        let own = hosts(&["example.org", "www.example.org"]);
        for (host, is_own, is_loopback) in [
            ("example.org", true, false),
            ("www.example.org", true, false),
            ("localhost", false, true),
            ("127.0.0.1", false, true),
            ("[::1]", false, true),
            ("evil.example", false, false),
            ("", false, false),
        ] {
            let hello = hello(&key, host, None);
            assert_eq!(own.accept(&hello), is_own, "{host}");
            assert_eq!(hosts(&[]).accept(&hello), is_loopback, "{host}");
        }
    }

    #[test]
    fn a_proof_is_for_one_hello_and_one_key() {
        let (key, hosts) = (key(), ProofHosts::new(&[]));
        let valid = hello(&key, "localhost", Some("token"));
        assert!(hosts.accept(&valid));
        assert!(hosts.accept(&Hello { lowest: 9, returning: true, secret: None, ..valid.clone() }));
        let other = Some(super::tests::key().public_key().as_ref().try_into().unwrap());
        for changed in [
            Hello { client: [3; 16], ..valid.clone() },
            Hello { fence: 8, ..valid.clone() },
            Hello { token: Some("other".to_owned()), ..valid.clone() },
            Hello { token: None, ..valid.clone() },
            Hello { key: other, ..valid.clone() },
            Hello { key: Some([0; 65]), ..valid.clone() },
            Hello { key: Some([4; 65]), ..valid.clone() },
            Hello { proof: Some([0; 64]), ..valid.clone() },
            Hello { proof: None, ..valid.clone() },
            Hello { key: None, ..valid.clone() },
        ] {
            assert!(!hosts.accept(&changed), "{changed:?}");
        }
        assert!(
            hosts.accept(&Hello { key: None, proof: None, ..valid }),
            "the secret identifies it"
        );
    }
}
