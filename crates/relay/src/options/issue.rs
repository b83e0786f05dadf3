//! The commands that make keys and tokens.

use std::path::PathBuf;
use std::time::Duration;

use relay::tokens::{IssuerError, IssuerKey, LimitsClaim, NewToken, RightsClaim};
use relay::units;

/// The files of a new key pair.
#[derive(Debug, clap::Args)]
pub struct NewKeys {
    /// The new file for the private key, which signs tokens. Only its user can read it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file for the public key, for --auth-keys. If it exists, the key is added to it.
    #[arg(long, value_name = "FILE")]
    public: PathBuf,
}

impl NewKeys {
    /// Makes the key pair. Returns what to tell the user.
    pub fn make(self) -> Result<String, IssuerError> {
        let Self { key: path, public } = self;
        let key = IssuerKey::generate()?;
        key.write(&path)?;
        if let Err(error) = key.publish(&public) {
            // Without its public key it is of no use.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        Ok(format!(
            "the private key is in {}, the public key in {}",
            path.display(),
            public.display()
        ))
    }
}

/// The content of a new token. Patterns can be separated by commas or given by several options; {sub} in a pattern
/// stands for the subject.
#[derive(Debug, clap::Args)]
pub struct Token {
    /// The private key, made by `event-relay keys`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The account, such as ann.
    #[arg(long, visible_alias = "sub")]
    subject: String,
    /// The account's name for people, such as 'Ann Lee'. Certificates that the relay makes contain it.
    #[arg(long)]
    name: Option<String>,
    /// The issuer, as in the relay's option.
    #[arg(long, value_name = "ISSUER")]
    auth_issuer: String,
    /// The audience, as in the relay's option.
    #[arg(long, value_name = "AUDIENCE")]
    auth_audience: String,
    /// Topics to publish to.
    #[arg(long, visible_alias = "pub", value_name = "PATTERNS", value_delimiter = ',')]
    publish: Option<Vec<String>>,
    /// Topics to subscribe to.
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    subscribe: Option<Vec<String>>,
    /// Topics at which to be present and to watch presence [default: those of --subscribe].
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    presence: Option<Vec<String>>,
    /// Topics whose past may be read [default: those of --subscribe].
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    history: Option<Vec<String>>,
    /// Topics whose events may be deleted.
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    moderate: Option<Vec<String>>,
    /// A higher rate of publishes per second than the relay's, for a backend. The burst rises with it.
    #[arg(long, value_name = "RATE")]
    raise_publishes: Option<u64>,
    /// A higher rate of bytes per second than the relay's, such as 20MiB.
    #[arg(long, value_name = "BYTES", value_parser = units::bytes)]
    raise_bytes: Option<u64>,
    /// How long the token is valid, at most 24h.
    #[arg(long, value_name = "TIME", value_parser = units::time, default_value = "1h")]
    expires: Duration,
}

impl Token {
    /// Makes the token.
    pub fn make(self) -> Result<String, Box<dyn std::error::Error>> {
        // `--history ''` is an empty list.
        let list = |patterns: Option<Vec<String>>| {
            patterns.map(|list| list.into_iter().filter(|pattern| !pattern.is_empty()).collect())
        };
        let rights = RightsClaim {
            publish: list(self.publish),
            subscribe: list(self.subscribe),
            presence: list(self.presence),
            history: list(self.history),
            moderate: list(self.moderate),
        };
        // The relay would refuse these.
        rights.clone().rights()?;
        session::rights::Subject::account(&self.subject)?;
        let token = NewToken {
            subject: self.subject,
            name: self.name,
            issuer: self.auth_issuer,
            audience: self.auth_audience,
            rights,
            limits: LimitsClaim { publishes: self.raise_publishes, bytes: self.raise_bytes },
            seconds: self.expires.as_secs(),
        };
        Ok(IssuerKey::read(&self.key)?.sign(&token)?)
    }
}
