//! `run --auth`: makes the keys and the tokens of three accounts, and a page to choose one.
//!
//! Whoever opens that page can be any of them, so it is for this machine only.

use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The page's path on the relay.
pub const PATH: &str = "/accounts.html";
/// The key under which the chat looks for the keys of the relay's certificates.
const ISSUER_KEYS: &str = "event-driven-kit.chat.issuer-keys";
/// Begins the keys under which the chat looks for tokens in the browser.
const TOKEN: &str = "event-driven-kit.chat.token.";
/// What the tokens say.
const CLAIMS: [&str; 4] = ["--auth-issuer", "cargo xtask run", "--auth-audience", "chat"];

/// What an account may do with its own state, with the inboxes of others and with its direct messages.
const OWN: [&str; 4] = [
    "--publish",
    "person.{sub}.>,person.*.inbox.>,dm.{sub}.*.>,dm.*.{sub}.>",
    "--subscribe",
    "person.{sub}.>,person.*.PROFILE,dm.{sub}.*.>,dm.*.{sub}.>",
];

struct Account {
    name: &'static str,
    /// Options of `event-relay token`.
    rights: &'static [&'static str],
    text: &'static str,
}

const ACCOUNTS: [Account; 3] = [
    Account {
        name: "ann",
        rights: &["--publish", "chat.>", "--subscribe", "chat.>", OWN[0], OWN[1], OWN[2], OWN[3]],
        text: "reads and writes in all rooms",
    },
    Account {
        name: "bob",
        rights: &[
            "--publish",
            "chat.lobby.>",
            "--subscribe",
            "chat.>",
            OWN[0],
            OWN[1],
            OWN[2],
            OWN[3],
        ],
        text: "reads all rooms, and writes only in the room “lobby”",
    },
    Account {
        name: "cho",
        rights: &["--subscribe", "chat.lobby.>", OWN[2], OWN[3]],
        text: "only reads, and only the room “lobby”",
    },
];

/// The page holds the tokens.
pub fn check(listen: SocketAddr) -> Result<()> {
    if listen.ip().is_loopback() {
        return Ok(());
    }
    bail!("`--auth` shows tokens to everyone who opens the page: use it with a loopback address");
}

/// Removes the page of an earlier run.
pub fn remove(dist: &Path) -> Result<()> {
    let page = dist.join(PATH.trim_start_matches('/'));
    match fs::remove_file(&page) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).context(format!("cannot remove {}", page.display()))
        }
        _ => Ok(()),
    }
}

/// Makes what is missing and the page. Returns the options of the relay.
pub fn make(workspace: &Workspace, dist: &Path) -> Result<Vec<String>> {
    let folder = workspace.own_target().join("accounts");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (key, keys) = pair(workspace, &folder, "issuer.json", "keys.json")?;
    let (issuer, issuer_keys) =
        pair(workspace, &folder, "certificates.json", "certificates-keys.json")?;
    let mut tokens = Vec::new();
    for account in &ACCOUNTS {
        let mut relay = process::command(workspace.relay());
        relay.arg("token").arg("--key").arg(&key).args(CLAIMS);
        relay.args(["--subject", account.name, "--expires", "24h"]).args(account.rights);
        let output = relay.output().with_context(|| process::unstartable(&relay))?;
        if !output.status.success() {
            bail!("no token could be made: {}", String::from_utf8_lossy(&output.stderr));
        }
        tokens.push(String::from_utf8(output.stdout)?.trim().to_owned());
    }
    let page = dist.join(PATH.trim_start_matches('/'));
    let issuer_keys = fs::read_to_string(issuer_keys)?;
    fs::write(&page, html(&tokens, &issuer_keys))
        .with_context(|| format!("cannot write {}", page.display()))?;
    let mut options = vec!["--auth-keys".to_owned(), keys.display().to_string()];
    options.extend(["--issuer".to_owned(), issuer.display().to_string()]);
    options.extend(CLAIMS.map(str::to_owned));
    Ok(options)
}

/// The files of a key and of its public half, which are made if one of them is missing.
fn pair(
    workspace: &Workspace,
    folder: &Path,
    key: &str,
    public: &str,
) -> Result<(PathBuf, PathBuf)> {
    let (key, public) = (folder.join(key), folder.join(public));
    if !key.exists() || !public.exists() {
        for file in [&key, &public] {
            // One of the two is of no use alone.
            let _ = fs::remove_file(file);
        }
        let mut relay = process::command(workspace.relay());
        relay.arg("keys").arg("--key").arg(&key).arg("--public").arg(&public);
        process::run(&mut relay)?;
    }
    Ok((key, public))
}

/// The page. It leaves the tokens and the keys of the relay's certificates in the browser's storage, where the chat
/// looks for them.
fn html(tokens: &[String], issuer_keys: &str) -> String {
    let (mut items, mut script) = (String::new(), String::new());
    script.push_str(&format!(
        "localStorage.setItem(\"{ISSUER_KEYS}\", JSON.stringify({issuer_keys}));\n"
    ));
    for (Account { name, text, .. }, token) in ACCOUNTS.iter().zip(tokens) {
        items.push_str(&format!("  <li><a href=\"./?account={name}\">{name}</a> {text}</li>\n"));
        script.push_str(&format!("localStorage.setItem(\"{TOKEN}{name}\", \"{token}\");\n"));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Accounts</title>\n\
         <h1>Choose an account</h1>\n<p>Open several in tabs of their own.</p>\n<ul>\n{items}</ul>\n\
         <script>\n{script}</script>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_link_and_a_token_for_each_account() {
        let tokens = ["a.b.c", "d.e.f", "g.h.i"].map(str::to_owned);
        let html = html(&tokens, r#"{"keys":[]}"#);
        assert!(html.contains(&format!("\"{ISSUER_KEYS}\", JSON.stringify({{\"keys\":[]}})")));
        for (account, token) in ACCOUNTS.iter().zip(&tokens) {
            assert!(html.contains(&format!("./?account={}", account.name)));
            assert!(html.contains(&format!("\"{TOKEN}{}\", \"{token}\"", account.name)));
        }
    }

    #[test]
    fn the_chat_looks_for_tokens_where_the_page_keeps_them() {
        let root = Workspace::locate().unwrap().root;
        let chat = fs::read_to_string(root.join("crates/chat/src/account.rs")).unwrap();
        for text in [TOKEN, ISSUER_KEYS, "?account="] {
            assert!(chat.contains(&format!("\"{text}\"")), "{text}");
        }
    }

    #[test]
    fn accounts_are_for_this_machine_only() {
        assert!(check("127.0.0.1:8080".parse().unwrap()).is_ok());
        assert!(check("0.0.0.0:8080".parse().unwrap()).is_err());
    }
}
