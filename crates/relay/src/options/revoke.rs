//! The command that revokes keys.

use std::path::PathBuf;
use std::time::Duration;

use relay::admin::{self, AdminError};
use relay::certificates::Revocation;
use relay::units;

/// What to revoke. It cannot be undone: a device needs a new key.
#[derive(Debug, clap::Args)]
#[group(id = "what", required = true, multiple = true, args = ["key", "subject"])]
pub struct Revoke {
    /// The directory of the log.
    #[arg(long)]
    data: PathBuf,
    /// The thumbprint of a key, as in the source /keys/THUMBPRINT of its events, which may begin with a hyphen;
    /// repeatable.
    #[arg(long, value_name = "THUMBPRINT", allow_hyphen_values = true)]
    key: Vec<String>,
    /// An account, with all keys of which it has sent certificates.
    #[arg(long, visible_alias = "sub", allow_hyphen_values = true)]
    subject: Option<String>,
    /// How long ago the key was lost, such as 2h: what it has signed since then is not believed.
    #[arg(long, value_name = "TIME", value_parser = units::time)]
    since: Option<Duration>,
    /// The reason, for people.
    #[arg(long)]
    reason: Option<String>,
}

impl Revoke {
    /// Revokes, and returns the message for the operator.
    pub fn run(self) -> Result<String, AdminError> {
        let Self { data, key, subject, since, reason } = self;
        let now = store::now() / 1_000;
        let since = since.map(|since| now.saturating_sub(since.as_secs()));
        admin::revoke(&data, &Revocation { keys: key, subject, since, reason })
    }
}
