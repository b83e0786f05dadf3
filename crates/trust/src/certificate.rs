//! Certificates: JSON Web Tokens that say whose a key is (RFC 7519, with the key in `cnf` by RFC 7800).

use base64ct::{Base64UrlUnpadded, Encoding};
use session::rights::{Subject, SubjectError};
use session::signed::{PublicKey, Thumbprint};

use crate::json::{self, Object, Value};

/// The header `typ` of a certificate. It distinguishes certificates from tokens that sign in, so that neither can be
/// taken for the other (RFC 8725, 3.11).
pub const TYPE: &str = "edk-cert+jwt";
/// The maximum size of a certificate, in bytes.
pub const MAX_CERTIFICATE: usize = 4 << 10;
/// The maximum lifetime of a certificate, in seconds.
pub const MAX_LIFE: u64 = 24 * 60 * 60;
/// The maximum size of an issuer, a name or an id, in bytes.
const MAX_TEXT: usize = 256;

/// States the account that a key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The issuer, the claim `iss`.
    pub issuer: String,
    /// The account, the claim `sub`.
    pub subject: String,
    /// The account's name for people, the claim `name`.
    pub name: Option<String>,
    /// When it was issued, in seconds since 1970.
    pub issued_at: u64,
    /// When it ends, in seconds since 1970.
    pub expires_at: u64,
    /// Its own id, the claim `jti`.
    pub id: String,
    /// The public key.
    pub key: PublicKey,
}

/// A certificate whose signature is still to be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified {
    /// What it says if the issuer has signed it.
    pub certificate: Certificate,
    /// The issuer's key, if the header names it.
    pub kid: Option<String>,
    /// The algorithm that the header names. The one to verify with is the key's (RFC 8725, 3.1), and both must agree.
    pub algorithm: String,
    /// The bytes that are signed.
    pub signed: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Why a text is not a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// It is too long.
    #[error("the certificate has more than 4 KiB")]
    TooLong,
    /// It is not a JSON Web Token.
    #[error("the certificate is not a JSON Web Token")]
    Malformed,
    /// Its `typ` is not [`TYPE`].
    #[error("the token is not a certificate: its `typ` is not `edk-cert+jwt`")]
    Type,
    /// It has critical headers.
    #[error("the certificate has critical headers, which are not known")]
    Critical,
    /// A claim is missing, or is not valid.
    #[error("the claim `{0}` of the certificate is missing or not valid")]
    Claim(&'static str),
    /// Its subject is not valid.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// It is valid for too long.
    #[error("the certificate is valid for more than 24 hours")]
    Life,
}

impl Certificate {
    /// The name of its key.
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.key)
    }
}

/// Reads a certificate. Its signature is still to be verified.
///
/// # Errors
/// A [`CertificateError`] that names the rule.
pub fn parse_certificate(jwt: &str) -> Result<Unverified, CertificateError> {
    if jwt.len() > MAX_CERTIFICATE {
        return Err(CertificateError::TooLong);
    }
    let (signed, signature) = jwt.rsplit_once('.').ok_or(CertificateError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(CertificateError::Malformed)?;
    let [header, claims, signature] =
        [header, claims, signature].map(|part| Base64UrlUnpadded::decode_vec(part).ok());
    let object = |part: Option<Vec<u8>>| {
        let text = String::from_utf8(part?).ok()?;
        json::object(&text)
    };
    let (Some(header), Some(claims), Some(signature)) = (object(header), object(claims), signature)
    else {
        return Err(CertificateError::Malformed);
    };
    let typ = header.text("typ").unwrap_or_default().to_ascii_lowercase();
    if typ.strip_prefix("application/").unwrap_or(&typ) != TYPE {
        return Err(CertificateError::Type);
    }
    if header.get("crit").is_some() {
        return Err(CertificateError::Critical);
    }
    let algorithm = header.text("alg").ok_or(CertificateError::Malformed)?.to_owned();
    let kid = header.text("kid").map(str::to_owned);
    let certificate = certificate(&claims)?;
    Ok(Unverified { certificate, kid, algorithm, signed: signed.into(), signature })
}

fn certificate(claims: &Object) -> Result<Certificate, CertificateError> {
    let text = |name: &'static str| {
        let text = claims.text(name).filter(|text| is_fine(text));
        text.map(str::to_owned).ok_or(CertificateError::Claim(name))
    };
    let seconds = |name: &'static str| claims.number(name).ok_or(CertificateError::Claim(name));
    let (issued_at, expires_at) = (seconds("iat")?, seconds("exp")?);
    if expires_at <= issued_at {
        return Err(CertificateError::Claim("exp"));
    }
    if expires_at - issued_at > MAX_LIFE {
        return Err(CertificateError::Life);
    }
    let subject = text("sub")?;
    Subject::account(&subject)?;
    let name = if claims.get("name").is_some() { Some(text("name")?) } else { None };
    let key = key(claims).ok_or(CertificateError::Claim("cnf"))?;
    Ok(Certificate {
        issuer: text("iss")?,
        subject,
        name,
        issued_at,
        expires_at,
        id: text("jti")?,
        key,
    })
}

/// Whether a text is short enough and has no control characters.
fn is_fine(text: &str) -> bool {
    (1..=MAX_TEXT).contains(&text.len()) && !text.contains(char::is_control)
}

/// The public key of P-256 in `cnf.jwk`.
fn key(claims: &Object) -> Option<PublicKey> {
    let Value::Object(cnf) = claims.get("cnf")? else { return None };
    let Value::Object(jwk) = cnf.get("jwk")? else { return None };
    if jwk.text("kty") != Some("EC") || jwk.text("crv") != Some("P-256") || jwk.get("d").is_some() {
        return None;
    }
    let mut key = [4; 65];
    for (name, part) in [("x", 1..33), ("y", 33..65)] {
        let length = part.len();
        let bytes = Base64UrlUnpadded::decode(jwk.text(name)?, &mut key[part]).ok()?;
        if bytes.len() != length {
            return None;
        }
    }
    Some(key)
}
