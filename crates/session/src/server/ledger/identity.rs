//! What a client must show to be admitted: its secret, or a proof by its device key.

use crate::server::Opened;

/// What identifies a client to its peer.
#[derive(Clone, PartialEq, Eq)]
pub enum Identity {
    /// The hash of its secret, or whatever else the store compares.
    Secret([u8; 32]),
    /// The public key of its device, which replaced the secret with its first proof. A stolen secret is of no use then.
    Key([u8; 65]),
}

impl Identity {
    /// Compares what is `known` of a client with what its hello shows: a `key` whose proof is valid, a secret, or both.
    /// Returns what the client is known by from now on.
    pub(super) fn shown(
        known: Option<&Self>,
        key: Option<[u8; 65]>,
        secret: Option<[u8; 32]>,
    ) -> Result<Self, Opened> {
        match (known, key, secret) {
            (Some(Self::Key(known)), key, _) if key.as_ref() != Some(known) => {
                Err(Opened::OtherKey)
            }
            (Some(Self::Secret(known)), _, Some(secret)) if secret != *known => {
                Err(Opened::WrongSecret)
            }
            // Without the secret, nothing shows that the key belongs to the owner of the client.
            (Some(Self::Secret(_)), _, None) => Err(Opened::OtherKey),
            (_, Some(key), _) => Ok(Self::Key(key)),
            (_, None, Some(secret)) => Ok(Self::Secret(secret)),
            (_, None, None) => Err(Opened::WrongSecret),
        }
    }
}

impl std::fmt::Debug for Identity {
    /// Without the hash, which is not for logs.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Secret(_) => "Secret(..)",
            Self::Key(_) => "Key(..)",
        })
    }
}
