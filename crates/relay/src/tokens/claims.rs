//! The claims of a token, and the claim `edk` with its rights.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize};
use session::rights::{PatternLists, Rights, RightsError};

use crate::limits::Raised;

/// The claims that the relay reads.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    #[serde(deserialize_with = "seconds")]
    pub(super) exp: u64,
    #[serde(default, deserialize_with = "optional_seconds")]
    pub(super) iat: Option<u64>,
    #[serde(default)]
    pub(super) edk: EdkClaim,
    pub(super) cnf: Option<Confirmation>,
}

/// The claim `cnf`: only a client that has proven this key may use the token (RFC 7800). Other ways of confirmation
/// than `jkt` make the token invalid, because the relay cannot check them.
#[derive(Debug, Deserialize)]
pub(super) struct Confirmation {
    /// The thumbprint of the key (RFC 9449, 6.1).
    #[serde(deserialize_with = "thumbprint")]
    pub(super) jkt: [u8; 32],
}

/// The claim `name` of a token that was checked (OpenID Connect Core, 5.1), if people can read it.
pub(super) fn name(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let name = serde_json::from_slice::<Named>(&claims).ok()?.name;
    let is_fine = (1..=256).contains(&name.len()) && !name.contains(char::is_control);
    is_fine.then_some(name)
}

/// The claim `edk`. The relay ignores members that it does not know: each one can only add something.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct EdkClaim {
    #[serde(flatten)]
    pub(super) rights: RightsClaim,
    #[serde(rename = "lim", default, skip_serializing_if = "LimitsClaim::is_empty")]
    pub(super) limits: LimitsClaim,
}

/// The member `lim` of the claim `edk`: higher rates than the relay's, per second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitsClaim {
    /// Publishes.
    #[serde(rename = "pub", skip_serializing_if = "Option::is_none")]
    pub publishes: Option<u64>,
    /// Bytes that are read from the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl LimitsClaim {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn raised(self) -> Raised {
        let rate = |rate: u64| rate.try_into().unwrap_or(u32::MAX);
        let Self { publishes, bytes } = self;
        Raised {
            publishes: publishes.map_or(0, rate),
            kibibytes: bytes.map_or(0, |bytes| rate(bytes >> 10)),
        }
    }
}

/// The rights in the claim `edk`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RightsClaim {
    /// Topics to publish to.
    #[serde(rename = "pub", skip_serializing_if = "Option::is_none")]
    pub publish: Option<Vec<String>>,
    /// Topics to subscribe to.
    #[serde(rename = "sub", skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<Vec<String>>,
    /// Topics at which to be present and to watch presence; those of `subscribe` if it is missing.
    #[serde(rename = "prs", skip_serializing_if = "Option::is_none")]
    pub presence: Option<Vec<String>>,
    /// Topics whose past may be read; those of `subscribe` if it is missing.
    #[serde(rename = "hst", skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<String>>,
    /// Topics whose events may be deleted.
    #[serde(rename = "adm", skip_serializing_if = "Option::is_none")]
    pub moderate: Option<Vec<String>>,
}

impl RightsClaim {
    /// Checks the patterns.
    ///
    /// # Errors
    /// A [`RightsError`] that names the list and the pattern.
    pub fn rights(self) -> Result<Rights, RightsError> {
        let Self { publish, subscribe, presence, history, moderate } = self;
        PatternLists { publish, subscribe, presence, history, moderate }.parse()
    }
}

/// Why a text is not a list of rights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "give rights as lists of patterns, such as 'pub=chat.>;sub=chat.>,news.*', with the names pub, sub, prs, hst and adm"
)]
pub struct RightsTextError;

/// `pub=chat.>;sub=chat.>,news.*`.
impl FromStr for RightsClaim {
    type Err = RightsTextError;

    fn from_str(text: &str) -> Result<Self, RightsTextError> {
        let mut rights = Self::default();
        for part in text.split(';').map(str::trim) {
            let (name, patterns) = part.split_once('=').ok_or(RightsTextError)?;
            let list = match name {
                "pub" => &mut rights.publish,
                "sub" => &mut rights.subscribe,
                "prs" => &mut rights.presence,
                "hst" => &mut rights.history,
                "adm" => &mut rights.moderate,
                _ => return Err(RightsTextError),
            };
            if list.is_some() {
                return Err(RightsTextError);
            }
            let patterns = patterns.split(',').map(str::trim).filter(|it| !it.is_empty());
            *list = Some(patterns.map(str::to_owned).collect());
        }
        Ok(rights)
    }
}

/// A time, which may have a fraction (RFC 7519, 2).
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    match (number.as_u64(), number.as_f64()) {
        (Some(seconds), _) => Ok(seconds),
        // The cast saturates.
        (None, Some(seconds)) if seconds >= 0.0 => Ok(seconds as u64),
        _ => Err(serde::de::Error::custom("a time before 1970")),
    }
}

fn thumbprint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| serde::de::Error::custom("not a thumbprint"))
}

fn optional_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    seconds(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_lists_of_patterns() {
        let rights: RightsClaim = "pub=chat.>, lobby.*;sub=chat.>; hst=".parse().unwrap();
        let list = |patterns: &[&str]| Some(patterns.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(rights.publish, list(&["chat.>", "lobby.*"]));
        assert_eq!(rights.subscribe, list(&["chat.>"]));
        assert_eq!((rights.history, rights.presence), (list(&[]), None));
        for text in ["", "chat.>", "pub:chat.>", "pub=a;pub=b", "sub=a;;pub=b", "deny=a"] {
            assert_eq!(text.parse::<RightsClaim>(), Err(RightsTextError), "{text}");
        }
    }

    #[test]
    fn limits_are_rates_beside_the_rights() {
        let edk = |json: &str| serde_json::from_str::<EdkClaim>(json).ok();
        let both =
            edk(r#"{"pub":["a"],"lim":{"pub":1000,"bytes":20971520,"x":1},"y":[]}"#).unwrap();
        assert_eq!(both.rights.publish, Some(vec!["a".to_owned()]));
        assert_eq!(both.limits.raised(), Raised { publishes: 1_000, kibibytes: 20_480 });
        let huge = edk(r#"{"lim":{"pub":18446744073709551615}}"#).unwrap();
        assert_eq!(huge.limits.raised(), Raised { publishes: u32::MAX, kibibytes: 0 });
        assert_eq!(edk("{}").unwrap().limits.raised(), Raised::default());
        for wrong in [r#"{"lim":{"pub":-1}}"#, r#"{"lim":{"bytes":"1"}}"#, r#"{"lim":7}"#] {
            assert!(edk(wrong).is_none(), "{wrong}");
        }
        let text = serde_json::to_string(&both).unwrap();
        assert_eq!(text, r#"{"pub":["a"],"lim":{"pub":1000,"bytes":20971520}}"#);
    }

    #[test]
    fn a_token_is_bound_to_a_key_by_its_thumbprint_or_to_none() {
        let cnf = |json: &str| {
            let claims = format!(r#"{{"sub":"ann","exp":17{json}}}"#);
            serde_json::from_str::<Claims>(&claims).ok().map(|claims| claims.cnf.map(|it| it.jkt))
        };
        let jkt = URL_SAFE_NO_PAD.encode([7; 32]);
        assert_eq!(cnf(""), Some(None));
        assert_eq!(cnf(&format!(r#","cnf":{{"jkt":"{jkt}"}}"#)), Some(Some([7; 32])));
        for json in
            [r#""x""#, "{}", r#"{"jwk":{}}"#, r#"{"jkt":""}"#, r#"{"jkt":7}"#, r#"{"jkt":"AAAA"}"#]
        {
            assert_eq!(cnf(&format!(r#","cnf":{json}"#)), None, "{json}");
        }
    }

    #[test]
    fn a_time_is_a_number_from_1970_on() {
        let exp = |json: &str| {
            serde_json::from_str::<Claims>(&format!(r#"{{"sub":"ann","exp":{json}}}"#))
                .ok()
                .map(|claims| claims.exp)
        };
        assert_eq!(exp("17"), Some(17));
        assert_eq!(exp("17.9"), Some(17));
        assert_eq!(exp("1e300"), Some(u64::MAX));
        for json in ["\"17\"", "-1", "null", "[17]", "1e999"] {
            assert_eq!(exp(json), None, "{json}");
        }
    }
}
