//! An issuer for development and for backends: makes key pairs and tokens.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use trust::PublicKey;

use super::claims::EdkClaim;
use super::keys::{KeySetError, Keys};
use super::{LimitsClaim, MAX_LIFE, RightsClaim};

/// Why a key or a token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// A file has no private key.
    #[error("{0} has no private key as `event-relay keys` makes it")]
    NotAKey(PathBuf),
    /// Public keys cannot be added to a file.
    #[error("cannot add the public key to {path}: {error}")]
    Set {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeySetError,
    },
    /// The lifetime is too long.
    #[error("a token is valid for 1 second to 24 hours: give a shorter time with --expires")]
    Life,
    /// The cryptographic library has failed.
    #[error("the key cannot be used")]
    Crypto,
}

/// A key pair for signatures by ES256.
#[derive(Serialize, Deserialize)]
pub struct IssuerKey {
    kty: String,
    crv: String,
    alg: String,
    #[serde(rename = "use")]
    usage: String,
    /// The key's thumbprint (RFC 7638).
    kid: String,
    x: String,
    y: String,
    /// The private key.
    d: String,
}

/// Without the private key.
impl std::fmt::Debug for IssuerKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("IssuerKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// What a new token says.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The account.
    pub subject: String,
    /// The account's name for people, in certificates that the relay makes.
    pub name: Option<String>,
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud`.
    pub audience: String,
    /// What the account may do.
    pub rights: RightsClaim,
    /// Higher rates than the relay's.
    pub limits: LimitsClaim,
    /// The lifetime.
    pub seconds: u64,
}

impl IssuerKey {
    /// Makes a key pair.
    ///
    /// # Errors
    /// [`IssuerError::Crypto`].
    pub fn generate() -> Result<Self, IssuerError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| IssuerError::Crypto)?;
        let private: EcPrivateKeyBin<'_> =
            pair.private_key().as_be_bytes().map_err(|_| IssuerError::Crypto)?;
        // Uncompressed: 4, x and y.
        let public = pair.public_key().as_ref();
        let [x, y] = [public.get(1..33), public.get(33..65)]
            .map(|part| part.map(|part| URL_SAFE_NO_PAD.encode(part)));
        let (Some(x), Some(y)) = (x, y) else { return Err(IssuerError::Crypto) };
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Ok(Self {
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            alg: "ES256".to_owned(),
            usage: "sig".to_owned(),
            kid: URL_SAFE_NO_PAD.encode(Sha256::digest(members)),
            x,
            y,
            d: URL_SAFE_NO_PAD.encode(private.as_ref()),
        })
    }

    /// Reads a private key.
    ///
    /// # Errors
    /// An [`IssuerError`] that names the file.
    pub fn read(path: &Path) -> Result<Self, IssuerError> {
        let json = fs::read(path).map_err(|error| file(path, error))?;
        serde_json::from_slice(&json).map_err(|_| IssuerError::NotAKey(path.to_owned()))
    }

    /// Writes the private key to a new file that only its user can read.
    ///
    /// # Errors
    /// An [`IssuerError`] that names the file.
    pub fn write(&self, path: &Path) -> Result<(), IssuerError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let json = serde_json::to_string_pretty(self).map_err(|_| IssuerError::Crypto)?;
        let write = || {
            let mut file = options.open(path)?;
            writeln!(file, "{json}")?;
            file.sync_all()
        };
        write().map_err(|error| file(path, error))
    }

    /// Adds the public key to a JWK Set, which is made if it is missing. A relay that uses the file never sees half of
    /// it.
    ///
    /// # Errors
    /// An [`IssuerError`] that names the file.
    pub fn publish(&self, path: &Path) -> Result<(), IssuerError> {
        let mut keys = match fs::read(path) {
            Ok(json) => {
                let set = |error| IssuerError::Set { path: path.to_owned(), error };
                Keys::parse(&json).map_err(set)?;
                let json: Value =
                    serde_json::from_slice(&json).map_err(|_| set(KeySetError::NotASet))?;
                json["keys"].as_array().cloned().unwrap_or_default()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(file(path, error)),
        };
        keys.push(self.public());
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = path.with_file_name(name);
        let json = format!("{:#}\n", json!({ "keys": keys }));
        Keys::parse(json.as_bytes())
            .map_err(|error| IssuerError::Set { path: path.to_owned(), error })?;
        fs::write(&new, json)
            .and_then(|()| fs::rename(&new, path))
            .map_err(|error| file(path, error))
    }

    /// A JWK Set of the public key.
    pub fn key_set(&self) -> String {
        json!({ "keys": [self.public()] }).to_string()
    }

    fn public(&self) -> Value {
        json!({
            "kty": self.kty, "crv": self.crv, "alg": self.alg, "use": self.usage,
            "kid": self.kid, "x": self.x, "y": self.y,
        })
    }

    /// Makes a token that is valid from now on.
    ///
    /// # Errors
    /// [`IssuerError::Life`] and [`IssuerError::Crypto`].
    pub fn sign(&self, token: &NewToken) -> Result<String, IssuerError> {
        if !(1..=MAX_LIFE).contains(&token.seconds) {
            return Err(IssuerError::Life);
        }
        let now = get_current_timestamp();
        let edk = EdkClaim { rights: token.rights.clone(), limits: token.limits };
        let mut claims = json!({
            "iss": token.issuer, "aud": token.audience, "sub": token.subject,
            "iat": now, "exp": now + token.seconds, "edk": edk,
        });
        if let Some(name) = &token.name {
            claims["name"] = name.as_str().into();
        }
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::ES256) };
        encode(&header, &claims, &self.encoding_key()?).map_err(|_| IssuerError::Crypto)
    }

    /// Makes a certificate of a key that is valid from now on, for this many seconds.
    ///
    /// # Errors
    /// [`IssuerError::Life`] and [`IssuerError::Crypto`].
    pub fn certify(
        &self,
        issuer: &str,
        subject: &str,
        name: Option<&str>,
        key: &PublicKey,
        seconds: u64,
    ) -> Result<String, IssuerError> {
        if !(1..=trust::MAX_LIFE).contains(&seconds) {
            return Err(IssuerError::Life);
        }
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| IssuerError::Crypto)?;
        let [x, y] = [&key[1..33], &key[33..]].map(|part| URL_SAFE_NO_PAD.encode(part));
        let now = get_current_timestamp();
        let mut claims = json!({
            "iss": issuer, "sub": subject, "iat": now, "exp": now + seconds,
            "jti": URL_SAFE_NO_PAD.encode(id),
            "cnf": { "jwk": { "kty": "EC", "crv": "P-256", "x": x, "y": y } },
        });
        if let Some(name) = name {
            claims["name"] = name.into();
        }
        let header = Header {
            typ: Some(trust::TYPE.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::ES256)
        };
        encode(&header, &claims, &self.encoding_key()?).map_err(|_| IssuerError::Crypto)
    }

    /// The private key as `jsonwebtoken` takes it.
    ///
    /// # Errors
    /// [`IssuerError::Crypto`].
    pub fn encoding_key(&self) -> Result<EncodingKey, IssuerError> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| IssuerError::Crypto);
        let public = [vec![4], bytes(&self.x)?, bytes(&self.y)?].concat();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, &bytes(&self.d)?, &public)
                .map_err(|_| IssuerError::Crypto)?;
        let document = pair.to_pkcs8v1().map_err(|_| IssuerError::Crypto)?;
        Ok(EncodingKey::from_ec_der(document.as_ref()))
    }
}

fn file(path: &Path, error: io::Error) -> IssuerError {
    IssuerError::File { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_its_users_alone_and_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("issuer.json");
        let key = IssuerKey::generate().unwrap();
        key.write(&path).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let error = IssuerKey::generate().unwrap().write(&path).unwrap_err();
        assert!(error.to_string().contains("issuer.json"), "{error}");
        assert_eq!(IssuerKey::read(&path).unwrap().d, key.d);
        assert!(!format!("{key:?}").contains(&key.d));
        assert!(!key.key_set().contains(&key.d));
    }

    #[test]
    fn a_second_public_key_joins_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let keys = [IssuerKey::generate().unwrap(), IssuerKey::generate().unwrap()];
        keys.iter().for_each(|key| key.publish(&path).unwrap());
        let set = Keys::parse(&fs::read(&path).unwrap()).unwrap();
        assert!(keys.iter().all(|key| set.find(Some(&key.kid)).is_some()));
        // A key is in a set once.
        let twice = keys[0].publish(&path);
        assert!(matches!(twice, Err(IssuerError::Set { error: KeySetError::Ids, .. })));
        assert_eq!(Keys::parse(&fs::read(&path).unwrap()).unwrap().len(), 2);
    }

    #[test]
    fn the_key_id_is_the_thumbprint() {
        let key = IssuerKey::generate().unwrap();
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.public()).unwrap();
        let hash = jsonwebtoken::jwk::ThumbprintHash::SHA256;
        assert_eq!(jwk.thumbprint(hash).unwrap(), key.kid);
    }
}
