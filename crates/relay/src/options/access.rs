//! The options for accounts, guests and TLS.

use std::path::PathBuf;
use std::sync::Arc;

use relay::authority::{Authority, Guests};
use relay::certificates::{self, Certificates};
use relay::tokens::{IssuerKey, RightsClaim, Settings, Tokens, TokensError};
use relay::{Config, Tls};
use session::rights::Rights;

/// The access of clients, besides hosts and origins.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Accounts and TLS")]
pub struct Access {
    /// The file with the public keys for tokens, a JWK Set. Clients then sign in with a token that one of the keys
    /// verifies. The relay reads the file again when it changes.
    #[arg(long, value_name = "FILE", requires_all = ["auth_issuer", "auth_audience"])]
    auth_keys: Option<PathBuf>,
    /// The issuer of the tokens, their claim `iss`.
    #[arg(long, value_name = "ISSUER", requires = "auth_keys")]
    auth_issuer: Option<String>,
    /// The audience of the tokens, one of their claim `aud`.
    #[arg(long, value_name = "AUDIENCE", requires = "auth_keys")]
    auth_audience: Option<String>,
    /// Make certificates for the accounts' keys, at POST /certificate, with this private key of `event-relay keys`.
    /// Readers find the public key at /.well-known/jwks.json.
    #[arg(long, value_name = "FILE", requires = "auth_keys")]
    issuer: Option<PathBuf>,
    /// The name of the relay as an issuer, the claim `iss` of its certificates.
    #[arg(long, value_name = "ISSUER", requires = "issuer", default_value = "event-relay")]
    issuer_name: String,
    /// Admit clients without a token as guests, with rights such as 'pub=chat.>;sub=chat.>,news.*'. Without RIGHTS,
    /// guests may do everything except moderate.
    #[arg(long, value_name = "RIGHTS", num_args = 0..=1, default_missing_value = EVERYTHING, value_parser = guests)]
    anonymous: Option<Rights>,
    /// The PEM file with the certificate chain, for TLS without a proxy. The relay reads it again on SIGHUP.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The PEM file with the private key of the certificate.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl Access {
    /// Adds what these options say to a configuration.
    pub fn configure(self, config: &mut Config) -> Result<(), Box<dyn std::error::Error>> {
        if let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) {
            config.tls = Some(Tls::open(cert.clone(), key.clone())?);
        }
        config.certificates = self.certificates()?;
        config.authority = self.authority()?;
        Ok(())
    }

    /// What checks certificates: those of the tokens' issuer and the relay's own are taken.
    fn certificates(&self) -> Result<Option<Arc<Certificates>>, Box<dyn std::error::Error>> {
        let (Some(keys), Some(issuer)) = (&self.auth_keys, &self.auth_issuer) else {
            return Ok(None);
        };
        let own = self.issuer.as_deref().map(IssuerKey::read).transpose()?;
        let own = own.map(|key| (self.issuer_name.clone(), key));
        let issuers = vec![(issuer.clone(), keys.clone())];
        let settings = certificates::Settings { issuers, own };
        Ok(Some(Arc::new(Certificates::open(settings)?)))
    }

    /// What checks the clients' credentials, if there are options for it.
    fn authority(self) -> Result<Option<Arc<dyn Authority>>, TokensError> {
        let Self { auth_keys, auth_issuer, auth_audience, anonymous, .. } = self;
        // clap requires all three or none.
        let (Some(keys), Some(issuer), Some(audience)) = (auth_keys, auth_issuer, auth_audience)
        else {
            return Ok(anonymous.map(|rights| Arc::new(Guests(rights)) as Arc<dyn Authority>));
        };
        let tokens = Tokens::open(Settings { keys, issuer, audience, guests: anonymous })?;
        Ok(Some(Arc::new(tokens)))
    }
}

/// `--anonymous` without rights. An empty text is an error, because an unset variable must not admit guests to
/// everything.
const EVERYTHING: &str = "all";

/// The rights of guests.
fn guests(text: &str) -> Result<Rights, String> {
    if text == EVERYTHING {
        return Ok(Rights::all());
    }
    let claim: RightsClaim = text.parse().map_err(|error| format!("{error}"))?;
    claim.rights().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Options {
        #[command(flatten)]
        access: Access,
    }

    fn parse(options: &[&str]) -> Result<Access, String> {
        let options = std::iter::once(&"relay").chain(options);
        Options::try_parse_from(options).map(|it| it.access).map_err(|error| error.to_string())
    }

    #[test]
    fn guests_have_all_rights_or_those_that_are_listed() {
        assert_eq!(parse(&[]).unwrap().anonymous, None);
        assert_eq!(parse(&["--anonymous"]).unwrap().anonymous, Some(Rights::all()));
        let some = parse(&["--anonymous", "sub=chat.>"]).unwrap().anonymous.unwrap();
        assert!(!some.are_all());
        for (rights, error) in [
            ("", "give rights as lists"),
            ("chat.>", "give rights as lists"),
            ("sub=a..b", "invalid pattern"),
            ("sub={x}", "{sub}"),
        ] {
            let refused = parse(&["--anonymous", rights]).unwrap_err();
            assert!(refused.contains(error), "{refused}");
        }
    }

    #[test]
    fn keys_need_an_issuer_and_an_audience() {
        let all = ["--auth-keys", "k", "--auth-issuer", "i", "--auth-audience", "a"];
        assert!(parse(&all).is_ok());
        for options in
            [&all[..2], &all[..4], &all[2..], &all[4..], &[all[0], all[1], all[4], all[5]]]
        {
            assert!(parse(options).is_err(), "{options:?}");
        }
    }
}
