//! Device keys of simulated worlds. Their signatures are as deterministic as the worlds. Anything could forge them, but
//! only the device makes them.

use std::hash::{DefaultHasher, Hash, Hasher};

use session::Hello;

/// The key pair of a simulated device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceKey(pub u64);

impl DeviceKey {
    /// The public key.
    pub fn public(self) -> [u8; 65] {
        let mut key = [4; 65];
        key[1..9].copy_from_slice(&self.0.to_be_bytes());
        key
    }

    /// The key pair with this public key.
    pub fn of(public: &[u8; 65]) -> Option<Self> {
        Some(Self(u64::from_be_bytes(public[1..9].try_into().ok()?)))
    }

    /// A signature.
    pub fn sign(self, signed: impl Hash) -> [u8; 64] {
        let mut hasher = DefaultHasher::new();
        (self.0, signed).hash(&mut hasher);
        let mut signature = [0; 64];
        signature[..8].copy_from_slice(&hasher.finish().to_be_bytes());
        signature
    }

    /// The proof of a hello.
    pub fn prove(self, client: &[u8; 16], fence: u64, token: Option<&str>) -> [u8; 64] {
        self.sign((client, fence, token))
    }
}

/// Whether a hello has no key, or a valid proof by it.
pub fn is_proven(hello: &Hello) -> bool {
    let Some(key) = hello.key else { return true };
    let proof = DeviceKey::of(&key)
        .map(|key| key.prove(&hello.client, hello.fence, hello.token.as_deref()));
    proof == hello.proof
}
