//! What an event on the topic of a key says.

use crate::json::{self, Value};

/// The data of an event on the topic [`Thumbprint::topic`](crate::Thumbprint::topic).
///
/// ```
/// use trust::Record;
/// assert_eq!(Record::parse(br#""a.b.c""#), Some(Record::Certificate("a.b.c".to_owned())));
/// let revoked = Record::parse(br#"{"revoked":true,"reason":"a lost phone"}"#);
/// let reason = Some("a lost phone".to_owned());
/// assert_eq!(revoked, Some(Record::Revoked { since: None, reason }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A certificate of the key, to be [parsed](crate::parse_certificate).
    Certificate(String),
    /// The key is revoked. Only the peer itself publishes this.
    Revoked {
        /// Its events are not believed from this time on, in seconds since 1970. If absent, from the time of this event
        /// on.
        since: Option<u64>,
        /// The reason for people.
        reason: Option<String>,
    },
}

impl Record {
    /// Reads the data of an event. `None` if it is neither a certificate nor a revocation.
    pub fn parse(data: &[u8]) -> Option<Self> {
        match json::value(std::str::from_utf8(data).ok()?)? {
            Value::Text(certificate) => Some(Self::Certificate(certificate)),
            Value::Object(members) => {
                let is_revoked = members.is_true("revoked");
                let since = members.number("since");
                let reason = members.text("reason").map(str::to_owned);
                is_revoked.then_some(Self::Revoked { since, reason })
            }
            _ => None,
        }
    }
}
