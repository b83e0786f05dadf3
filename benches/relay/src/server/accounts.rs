//! Prepares a relay with accounts: its keys, and a token for all clients.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

const ISSUER: [&str; 4] = ["--auth-issuer", "https://example.org", "--auth-audience", "bench"];
/// The number of patterns in the lists of a token. The topics of the benchmark match the last one.
const PATTERNS: usize = 64;

/// A token, and the key that has signed it.
pub struct Token {
    pub text: String,
    issuer: EcdsaKeyPair,
}

impl Token {
    fn read(text: String, key: &Path) -> Result<Self> {
        let jwk: Value = serde_json::from_str(&std::fs::read_to_string(key)?)?;
        let part = |name: &str| {
            let text = jwk[name].as_str().context("the key of the issuer has another form")?;
            anyhow::Ok(URL_SAFE_NO_PAD.decode(text)?)
        };
        let public = [vec![4], part("x")?, part("y")?].concat();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let issuer = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &part("d")?, &public);
        Ok(Self { text, issuer: issuer.context("the key of the issuer is not valid")? })
    }

    /// The same claims with another signature, which the relay has not verified yet.
    pub fn fresh(&self) -> Result<String> {
        let (signed, _) = self.text.rsplit_once('.').context("the token has another form")?;
        let signature = self.issuer.sign(&SystemRandom::new(), signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Makes the keys in the folder `data`. Returns the relay's options, and the token.
pub fn prepare(relay: &Path, data: &Path) -> Result<(Vec<OsString>, Token)> {
    let (key, public) = (data.join("issuer.json"), data.join("keys.json"));
    run(Command::new(relay).arg("keys").arg("--key").arg(&key).arg("--public").arg(&public))?;
    let others = (2..PATTERNS).map(|number| format!("room.{number}.>"));
    let patterns: Vec<_> = others.chain(["*.topic".to_owned(), "greet.*".to_owned()]).collect();
    let patterns = patterns.join(",");
    let mut token = Command::new(relay);
    token.arg("token").arg("--key").arg(&key).args(ISSUER).args(["--subject", "ann"]);
    token.args(["--publish", &patterns, "--subscribe", &patterns]);
    let token = Token::read(run(&mut token)?.trim().to_owned(), &key)?;
    // Like a deployed relay. Without a host, a proof is tried for each name of loopback.
    let options =
        [OsString::from("--auth-keys"), public.into(), "--host".into(), "127.0.0.1".into()];
    Ok((options.into_iter().chain(ISSUER.map(OsString::from)).collect(), token))
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} could not be started"))?;
    if !output.status.success() {
        bail!("{command:?} has failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
