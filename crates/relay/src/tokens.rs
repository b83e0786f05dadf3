//! Accounts: a client signs in with a JSON Web Token (RFC 7519) that was signed with one of an issuer's keys.
//!
//! The algorithm is the key's, never the one that the token names (RFC 8725, 3.1).

mod claims;
mod issuer;
mod key_file;
mod keys;
mod known;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header, get_current_timestamp};
use session::rights::{Rights, RightsError, Subject, SubjectError};

use crate::authority::{Admitted, Authority, Granted, Refused};
use claims::Claims;
pub use claims::{LimitsClaim, RightsClaim, RightsTextError};
pub use issuer::{IssuerError, IssuerKey, NewToken};
pub(crate) use key_file::KeyFile;
pub use key_file::KeyFileError;
pub use keys::KeySetError;
pub(crate) use keys::Keys;
use known::KnownTokens;

/// The maximum size of a token.
const MAX_TOKEN: usize = 8 << 10;
/// The maximum lifetime of a token, in seconds.
pub const MAX_LIFE: u64 = 24 * 60 * 60;
/// How far the clocks of the issuer and the relay may differ, in seconds.
pub(crate) const LEEWAY: u64 = 60;
/// The types of access tokens. Others, such as `edk-cert+jwt`, are not for signing in (RFC 8725, 3.11).
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// What tokens must say.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file with the issuer's public keys, a JWK Set.
    pub keys: PathBuf,
    /// The claim `iss`.
    pub issuer: String,
    /// One of the claim `aud`.
    pub audience: String,
    /// The rights of clients without a token. Without them, such clients are refused.
    pub guests: Option<Rights>,
}

/// Why the relay cannot check tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The file of keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// Signatures do not work on this machine.
    #[error("signatures do not work on this machine: {0}; report this bug")]
    SelfTest(&'static str),
}

/// Why a token is refused. The client receives this text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum TokenError {
    #[error("this relay needs a token: sign in")]
    Missing,
    #[error("the token has more than 8 KiB")]
    TooLong,
    #[error("this is not a JSON Web Token")]
    Malformed,
    #[error("the token is of a type that is not for signing in")]
    Type,
    #[error("the token has critical headers, which this relay does not know")]
    Critical,
    #[error("the relay does not have the key that the token names")]
    Key,
    #[error("the token's algorithm is not that of the key")]
    Algorithm,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    TooEarly,
    #[error("the token is from another issuer")]
    Issuer,
    #[error("the token is for another audience")]
    Audience,
    #[error("a claim of the token is missing or malformed")]
    Claims,
    #[error("the token is valid for more than 24 hours")]
    TooLongLived,
    #[error(transparent)]
    Subject(#[from] SubjectError),
    #[error(transparent)]
    Rights(#[from] RightsError),
}

/// See the [module](self).
#[derive(Debug)]
pub struct Tokens {
    keys: KeyFile,
    rules: Rules,
    guests: Option<Rights>,
    known: KnownTokens,
}

/// The claims that all tokens must have.
#[derive(Debug)]
struct Rules {
    issuer: String,
    audience: String,
}

impl Tokens {
    /// Reads the keys, and tests whether signatures can be checked.
    ///
    /// # Errors
    /// A [`TokensError`] that says what to do.
    pub fn open(settings: Settings) -> Result<Self, TokensError> {
        self_test().map_err(TokensError::SelfTest)?;
        let Settings { keys, issuer, audience, guests } = settings;
        let (keys, rules) = (KeyFile::open(keys)?, Rules { issuer, audience });
        Ok(Self { keys, rules, guests, known: KnownTokens::default() })
    }

    /// Verifies a token, unless that was done already.
    fn verify(&self, token: &str) -> Result<Admitted, TokenError> {
        let (keys, now) = (self.keys.keys(), get_current_timestamp());
        if let Some(admitted) = self.known.get(token, &keys, now) {
            return Ok(admitted);
        }
        let admitted = self.rules.check(token, &keys)?;
        self.known.add(token, keys, &admitted, now);
        Ok(admitted)
    }
}

impl Authority for Tokens {
    fn check(&self, token: Option<&str>) -> Result<Admitted, Refused> {
        let admitted = match (token, &self.guests) {
            (Some(token), _) => self.verify(token),
            (None, Some(rights)) => {
                Ok(Granted { rights: rights.clone(), ..Granted::default() }.into())
            }
            (None, None) => Err(TokenError::Missing),
        };
        admitted.map_err(|error| Refused(error.to_string()))
    }

    fn name(&self, token: &str) -> Option<String> {
        claims::name(token)
    }
}

impl Rules {
    fn check(&self, token: &str, keys: &Keys) -> Result<Admitted, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::TooLong);
        }
        let header = decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::Json(_) => TokenError::Algorithm,
            _ => TokenError::Malformed,
        })?;
        if header.typ.as_deref().is_some_and(|name| !is_access_token(name)) {
            return Err(TokenError::Type);
        }
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let key = keys.find(header.kid.as_deref()).ok_or(TokenError::Key)?;
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        let decoded = decode::<Claims>(token, &key.key, &validation);
        let claims = decoded.map_err(|error| TokenError::of(error.kind()))?.claims;
        let now = get_current_timestamp();
        let is_long = claims.iat.is_some_and(|iat| claims.exp.saturating_sub(iat) > MAX_LIFE);
        if is_long || claims.exp > now + MAX_LIFE + LEEWAY {
            return Err(TokenError::TooLongLived);
        }
        let granted = Granted {
            account: Some(Subject::account(&claims.sub)?),
            rights: claims.edk.rights.rights()?,
            // As long as a new connection would be accepted with it.
            expires_in: Some((claims.exp + LEEWAY).saturating_sub(now) * 1_000),
            key: claims.cnf.map(|cnf| cnf.jkt),
        };
        Ok(Admitted { granted, raised: claims.edk.limits.raised(), key: key.id.clone() })
    }
}

impl TokenError {
    fn of(error: &ErrorKind) -> Self {
        match error {
            ErrorKind::InvalidAlgorithm => Self::Algorithm,
            ErrorKind::InvalidSignature => Self::Signature,
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::TooEarly,
            ErrorKind::InvalidIssuer => Self::Issuer,
            ErrorKind::InvalidAudience => Self::Audience,
            ErrorKind::MissingRequiredClaim(_)
            | ErrorKind::InvalidClaimFormat(_)
            | ErrorKind::Json(_) => Self::Claims,
            _ => Self::Malformed,
        }
    }
}

/// Whether the header `typ` is that of an access token. It may be a media type in full (RFC 7515, 4.1.9).
fn is_access_token(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    TYPES.contains(&name.strip_prefix("application/").unwrap_or(&name))
}

/// Makes a token and checks it, and checks that a changed one is refused.
fn self_test() -> Result<(), &'static str> {
    let key = IssuerKey::generate().map_err(|_| "no key can be made")?;
    let keys = Keys::parse(key.key_set().as_bytes()).map_err(|_| "a new key cannot be read")?;
    let rules = Rules { issuer: "self-test".to_owned(), audience: "self-test".to_owned() };
    let token = NewToken {
        subject: "self-test".to_owned(),
        name: None,
        issuer: rules.issuer.clone(),
        audience: rules.audience.clone(),
        rights: RightsClaim::default(),
        limits: LimitsClaim::default(),
        seconds: 60,
    };
    let token = key.sign(&token).map_err(|_| "no token can be signed")?;
    rules.check(&token, &keys).map_err(|_| "a valid token is refused")?;
    let (message, signature) = token.rsplit_once('.').ok_or("a token has no signature")?;
    let changed: String = signature.chars().rev().collect();
    match rules.check(&format!("{message}.{changed}"), &keys) {
        Err(TokenError::Signature | TokenError::Malformed) => Ok(()),
        _ => Err("a token with a wrong signature is accepted"),
    }
}
