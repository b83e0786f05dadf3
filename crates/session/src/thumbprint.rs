//! The name of a public key.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

/// A public key of P-256 as an uncompressed point: 4, x and y.
pub type PublicKey = [u8; 65];

/// The length of a thumbprint's text.
const CHARACTERS: usize = 43;
const SOURCE: &str = "/keys/";
const TOPIC: &str = "certs.";

/// The SHA-256 thumbprint of a public key (RFC 7638), by which it is known: as the source of the events that it signs,
/// and as the topic of its certificates.
///
/// Its text is base64url without padding.
///
/// ```
/// use session::signed::Thumbprint;
/// let thumbprint = Thumbprint::of(&[4; 65]);
/// assert_eq!(Thumbprint::parse(&thumbprint.to_string()), Some(thumbprint));
/// assert_eq!(Thumbprint::from_topic(&thumbprint.topic()), Some(thumbprint));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thumbprint(pub [u8; 32]);

impl Thumbprint {
    /// The thumbprint of a public key.
    pub fn of(key: &PublicKey) -> Self {
        let [x, y] = [&key[1..33], &key[33..]].map(Base64UrlUnpadded::encode_string);
        // RFC 7638, 3.2: the required members in their order, without spaces.
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Self(Sha256::digest(jwk).into())
    }

    /// Reads its text. `None` if the text is not a thumbprint.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let read = Base64UrlUnpadded::decode(text, &mut bytes).ok()?.len();
        (read == bytes.len()).then_some(Self(bytes))
    }

    /// The source of the events that the key signs: `/keys/<thumbprint>`.
    pub fn source(&self) -> String {
        format!("{SOURCE}{self}")
    }

    /// The topic of the key's certificates: `certs.<thumbprint>`.
    pub fn topic(&self) -> String {
        format!("{TOPIC}{self}")
    }

    /// The key that a source names. The source of a signed event is [`Thumbprint::source`], perhaps followed by a slash
    /// and what the publisher adds.
    pub fn from_source(source: &str) -> Option<Self> {
        let (name, rest) = source.strip_prefix(SOURCE)?.split_at_checked(CHARACTERS)?;
        if rest.is_empty() || rest.starts_with('/') { Self::parse(name) } else { None }
    }

    /// The key whose certificates a topic, or a pattern without wildcards, is for.
    pub fn from_topic(topic: &str) -> Option<Self> {
        Self::parse(topic.strip_prefix(TOPIC)?)
    }
}

/// Whether a topic is of the form `certs.*`: that of a key, or of the peer's own records about keys. The owner of a
/// [`Server`](crate::server::Server) checks what clients publish there.
pub fn is_for_certificates(topic: &str) -> bool {
    topic.strip_prefix(TOPIC).is_some_and(|token| !token.contains('.'))
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_or_a_topic_names_a_key_or_none() {
        let key = Thumbprint([0xab; 32]);
        assert_eq!(key.to_string().len(), CHARACTERS);
        let (source, topic) = (key.source(), key.topic());
        assert_eq!(Thumbprint::from_source(&source), Some(key));
        assert_eq!(Thumbprint::from_source(&format!("{source}/sensors/1")), Some(key));
        assert_eq!(Thumbprint::from_topic(&topic), Some(key));
        for other in ["", "/keys/", "/keys/x", "/clients/0", &source[1..], &format!("{source}x")] {
            assert_eq!(Thumbprint::from_source(other), None, "{other}");
        }
        for other in ["certs", "certs.x", "certs.*", "certs.>", &format!("{topic}.x"), &topic[1..]]
        {
            assert_eq!(Thumbprint::from_topic(other), None, "{other}");
        }
        // Another text of the same bytes would be another topic.
        let last = topic.pop_last();
        assert!(last.iter().all(|other| Thumbprint::from_topic(other).is_none()));
    }

    trait PopLast {
        fn pop_last(&self) -> Vec<String>;
    }

    impl PopLast for String {
        /// The same text with each other last letter of base64url.
        fn pop_last(&self) -> Vec<String> {
            let (first, last) = self.split_at(self.len() - 1);
            let letters = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']);
            let letters = letters.filter(|letter| {
                let text = format!("{first}{letter}");
                *letter != last.chars().next().unwrap()
                    && Thumbprint::from_topic(&text) == Some(Thumbprint([0xab; 32]))
            });
            letters.map(|letter| format!("{first}{letter}")).collect()
        }
    }
}
