//! Hosts and origins, compared as on the web: case, default ports and trailing dots do not matter.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Why a host or an origin is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a host.
    #[error(
        "give a host by its name or address alone: example.org, 192.0.2.1 or [2001:db8::1]; \
             a name with other letters as its punycode"
    )]
    Host,
    /// Not an origin.
    #[error(
        "give an origin with its scheme and no path, one for each: https://example.org or \
             https://example.org:8443"
    )]
    Origin,
}

/// The name or the address of a host, as in URLs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host(String);

impl Host {
    /// The host as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the host is the machine's loopback.
    pub fn is_loopback(&self) -> bool {
        let address = self.0.trim_start_matches('[').trim_end_matches(']');
        self.0 == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl FromStr for Host {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Some(address) = text.strip_prefix('[') {
            let address = address.strip_suffix(']').and_then(|it| it.parse::<Ipv6Addr>().ok());
            return address.map(|address| Self(format!("[{address}]"))).ok_or(NameError::Host);
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if name.is_empty() || name.len() > 253 || !name.bytes().all(is_name) {
            return Err(NameError::Host);
        }
        Ok(Self(name.to_ascii_lowercase()))
    }
}

/// A host with a port, as in the header `Host`. Without a port it is the scheme's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    port: Option<u16>,
}

impl FromStr for Authority {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // The colons of an IPv6 address are inside brackets.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
                let port = port.parse().ok().filter(|_| is_number).ok_or(NameError::Host)?;
                (host, Some(port))
            }
            _ => (text, None),
        };
        Ok(Self { host: host.parse()?, port })
    }
}

/// The origin of a page: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    authority: Authority,
}

impl Origin {
    /// The origin of what `scheme` serves at `authority`.
    pub(super) fn new(scheme: &str, mut authority: Authority) -> Self {
        let default = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        authority.port = authority.port.filter(|port| Some(*port) != default);
        Self { scheme: scheme.to_owned(), authority }
    }
}

impl FromStr for Origin {
    type Err = NameError;

    /// A trailing slash is allowed, because copied URLs have one.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let (scheme, rest) = text.split_once("://").ok_or(NameError::Origin)?;
        let is_letter =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let begins = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        if !begins || !scheme.bytes().all(is_letter) {
            return Err(NameError::Origin);
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let authority = rest.parse().map_err(|_| NameError::Origin)?;
        Ok(Self::new(&scheme.to_ascii_lowercase(), authority))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn origins_are_compared_as_the_web_does() {
        for same in [
            "https://example.org/",
            "https://Example.org",
            "HTTPS://EXAMPLE.ORG:443",
            "https://example.org:443/",
            "https://example.org.",
        ] {
            assert_eq!(origin(same), origin("https://example.org"), "{same}");
        }
        for other in ["http://example.org", "https://example.org:80", "https://www.example.org"] {
            assert_ne!(origin(other), origin("https://example.org"), "{other}");
        }
        assert_eq!(origin("http://[0:0::1]:80"), origin("http://[::1]"));
        assert_eq!(origin("tauri://localhost"), origin("tauri://LOCALHOST/"));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "example.org",
            "*",
            "null",
            "",
            "https://",
            "https://*.example.org",
            "https://example.org/chat",
            "https://example.org:port",
            "https://example.org:+1",
            "https://example.org:99999",
            "https://ann@example.org",
            "https://exämple.org",
            "://a",
            "1http://a",
            "https://example.org//",
            "https://a b",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(NameError::Origin), "{text}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_alone() {
        let host = |text: &str| text.parse::<Host>();
        assert_eq!(host("Example.org."), host("example.org"));
        for text in ["", ".", "*", "https://example.org", "example.org:80", "a/b", "[::1", "::1"] {
            assert_eq!(host(text), Err(NameError::Host), "{text}");
        }
        for text in ["localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "[::1]"] {
            assert!(host(text).unwrap().is_loopback(), "{text}");
        }
        for text in ["example.org", "localhost.example.org", "127.0.0.1.example.org", "[::2]"] {
            assert!(!host(text).unwrap().is_loopback(), "{text}");
        }
    }
}
