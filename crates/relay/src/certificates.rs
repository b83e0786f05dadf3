//! Certificates of keys, which are events: those that the relay takes, and those that it makes for its own accounts.
//!
//! A certificate states the account of a key, and any reader can verify it. The relay takes a certificate only from the
//! holder of the key, and only if its issuer has signed it. So the topic of a key holds nothing else but the relay's
//! own [revocations].

pub(crate) mod http;
pub mod revocations;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use jsonwebtoken::{Validation, decode, get_current_timestamp};
use serde_json::Value;
use session::{Body, Form, Stream};
use store::{Keep, Route, Settings as StoreSettings};
use topic::{Pattern, Topic};
use trust::{Certificate, PublicKey, Record, Thumbprint, parse_certificate};

use crate::authority::{Admitted, Authority, Refused};
use crate::limits::{Key, Timer};
use crate::tokens::{IssuerKey, KeyFile, KeyFileError, Keys, LEEWAY};
pub use revocations::Revocation;
use revocations::Revocations;

/// The stream of certificates and revocations. It keeps everything.
const STREAM: &str = "certs";
const TOPICS: &str = "certs.*";
/// The most certificates that the relay takes from an account in an hour.
const PER_HOUR: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// With more accounts than this, those that have their whole rate again are forgotten.
const ACCOUNTS: usize = 65_536;

type Rates = RateLimiter<Key, HashMapStateStore<Key>, Timer, NoOpMiddleware<Nanos>>;

/// The issuers of certificates that the relay takes.
#[derive(Debug, Default)]
pub struct Settings {
    /// Issuers, by the claim `iss`, with the files of their public keys.
    pub issuers: Vec<(String, PathBuf)>,
    /// The relay as an issuer, with the claim `iss` and its private key.
    pub own: Option<(String, IssuerKey)>,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Certificates {
    issuers: Vec<Issuer>,
    own: Option<(String, IssuerKey)>,
    pub(crate) revocations: Revocations,
    /// By account.
    rates: Rates,
}

/// An issuer whose certificates the relay takes.
#[derive(Debug)]
struct Issuer {
    name: String,
    keys: IssuerKeys,
}

#[derive(Debug)]
enum IssuerKeys {
    File(KeyFile),
    Own(Arc<Keys>),
}

/// The sender of a certificate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender<'s> {
    /// The account, or a guest's name.
    pub(crate) subject: Option<&'s str>,
    /// The key that it has proven to hold.
    pub(crate) key: Option<&'s PublicKey>,
}

/// The settings have a stream with the name of the stream of certificates, which is the relay's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamTaken;

impl Certificates {
    /// Reads the keys of the issuers.
    ///
    /// # Errors
    /// A [`KeyFileError`] that names the file.
    pub fn open(settings: Settings) -> Result<Self, KeyFileError> {
        let Settings { issuers, own } = settings;
        let issuer = |(name, path)| {
            KeyFile::open(path).map(|file| Issuer { name, keys: IssuerKeys::File(file) })
        };
        let mut issuers = issuers.into_iter().map(issuer).collect::<Result<Vec<_>, _>>()?;
        // A set of one valid key can be parsed.
        let keys = own.as_ref().and_then(|(name, key)| {
            Some((name.clone(), Keys::parse(key.key_set().as_bytes()).ok()?))
        });
        issuers.extend(
            keys.map(|(name, keys)| Issuer { name, keys: IssuerKeys::Own(Arc::new(keys)) }),
        );
        let rates = RateLimiter::new(
            Quota::per_hour(PER_HOUR),
            HashMapStateStore::default(),
            Timer::default(),
        );
        Ok(Self { issuers, own, revocations: Revocations::default(), rates })
    }

    /// Adds the stream of certificates, which is never trimmed.
    pub(crate) fn add_stream(store: &mut StoreSettings) -> Result<(), StreamTaken> {
        let stream = Stream::named(STREAM);
        let mut named = store.routes.iter().map(|route| &route.stream);
        let mut kept = store.keep_of.iter().map(|(stream, _)| stream);
        if named.any(|it| *it == stream) || kept.any(|it| *it == stream) {
            return Err(StreamTaken);
        }
        // The constant is a valid pattern.
        let patterns = Pattern::parse(TOPICS).into_iter().collect();
        // The first route that matches takes a topic.
        store.routes.insert(0, Route { stream: stream.clone(), patterns });
        store.keep_of.push((stream, Keep::default()));
        Ok(())
    }

    /// Checks what a client publishes to a topic of certificates. Returns why the event is refused otherwise.
    pub(crate) fn check(
        &self,
        topic: &Topic,
        body: &Body,
        sender: Sender<'_>,
    ) -> Result<(), String> {
        let key = Thumbprint::from_topic(topic.as_str())
            .ok_or("topics of the form `certs.*` are for the certificates of keys")?;
        if sender.key.map(Thumbprint::of) != Some(key) {
            return Err("the topic is that of a key that the hello has not proven".to_owned());
        }
        if !body.extensions.is_empty() || body.schema.is_some() {
            return Err("a certificate has no extensions and no schema".to_owned());
        }
        let is_json = Form::of(body.content_type.as_deref()) == Form::Json;
        let Some(Record::Certificate(jwt)) = Record::parse(&body.data).filter(|_| is_json) else {
            return Err("the event's data is not a certificate as a JSON string".to_owned());
        };
        let certificate = self.verified(&jwt)?;
        if certificate.thumbprint() != key {
            return Err("the certificate is for another key".to_owned());
        }
        if sender.subject != Some(certificate.subject.as_str()) {
            return Err("the certificate is for another account".to_owned());
        }
        if self.revocations.has_key(&key) || self.revocations.has_subject(&certificate.subject) {
            return Err("the key or its account was revoked".to_owned());
        }
        self.charge(&certificate.subject)
    }

    /// Charges a certificate to the rate of its account, because it stays in the log for good.
    fn charge(&self, account: &str) -> Result<(), String> {
        if self.rates.len() >= ACCOUNTS {
            self.rates.retain_recent();
        }
        self.rates.check_key(&Key::Account(account.into())).map_err(|_| {
            format!("the account has sent {PER_HOUR} certificates in an hour: keep one for a day")
        })
    }

    /// The certificate, if an issuer has signed it and it is valid now.
    fn verified(&self, jwt: &str) -> Result<Certificate, String> {
        let read = parse_certificate(jwt).map_err(|error| error.to_string())?;
        let name = &read.certificate.issuer;
        let mut issuers = self.issuers.iter().filter(|issuer| issuer.name == *name).peekable();
        if issuers.peek().is_none() {
            return Err("the certificate is of an issuer that this relay does not know".to_owned());
        }
        let is_right = issuers.any(|issuer| issuer.has_signed(jwt, read.kid.as_deref()));
        if !is_right {
            return Err("the issuer has not signed the certificate, or it has ended".to_owned());
        }
        if read.certificate.issued_at > get_current_timestamp() + LEEWAY {
            return Err("the certificate is not valid yet".to_owned());
        }
        Ok(read.certificate)
    }
}

impl Issuer {
    /// Whether a token that has not ended is signed by this key of the issuer, with the key's algorithm.
    fn has_signed(&self, jwt: &str, kid: Option<&str>) -> bool {
        let keys = match &self.keys {
            IssuerKeys::File(file) => file.keys(),
            IssuerKeys::Own(keys) => Arc::clone(keys),
        };
        let Some(key) = keys.find(kid) else { return false };
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.set_issuer(&[&self.name]);
        decode::<Value>(jwt, &key.key, &validation).is_ok()
    }
}

/// Refuses the credentials of accounts that are revoked.
#[derive(Debug)]
pub(crate) struct Unrevoked {
    pub(crate) inner: Arc<dyn Authority>,
    pub(crate) certificates: Arc<Certificates>,
}

impl Authority for Unrevoked {
    fn check(&self, token: Option<&str>) -> Result<Admitted, Refused> {
        let admitted = self.inner.check(token)?;
        let account = admitted.granted.account.as_ref();
        if account.is_some_and(|it| self.certificates.revocations.has_subject(it.name())) {
            return Err(Refused("the account was revoked: ask the operator".to_owned()));
        }
        Ok(admitted)
    }

    fn is_open(&self) -> bool {
        self.inner.is_open()
    }

    fn name(&self, token: &str) -> Option<String> {
        self.inner.name(token)
    }
}

#[cfg(test)]
mod tests;
