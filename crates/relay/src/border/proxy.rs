//! Finds the client behind reverse proxies.

use std::net::IpAddr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The networks of the trusted proxies. Other clients could forge `x-forwarded-for`.
#[derive(Debug, Clone, Default)]
pub(super) struct Proxies(Vec<IpNet>);

impl Proxies {
    pub(super) fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    pub(super) fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address: the last one that is not a proxy's. Each proxy appends the address that it sees.
    pub(super) fn client(&self, remote: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines = headers.get_all("x-forwarded-for").iter();
        let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
        let mut forwarded = lines.iter().flat_map(|line| line.split(',')).rev();
        let mut client = remote.to_canonical();
        while self.has(client)
            && let Some(before) = forwarded.next().and_then(|it| it.trim().parse::<IpAddr>().ok())
        {
            client = before.to_canonical();
        }
        client
    }

    /// Whether the client speaks TLS to the proxy.
    pub(super) fn is_secure(&self, remote: IpAddr, headers: &HeaderMap) -> bool {
        let forwarded = headers.get_all("x-forwarded-proto").iter().next_back();
        let last = forwarded.and_then(|line| line.to_str().ok()?.rsplit(',').next());
        self.has(remote) && last.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.parse().unwrap(), line.parse().unwrap())).collect()
    }

    fn client(remote: &str, lines: &[&str]) -> String {
        let proxies =
            Proxies::new(["10.0.0.0/8", "fd00::/8"].map(|it| it.parse().unwrap()).to_vec());
        let client = proxies.client(remote.parse().unwrap(), &headers("x-forwarded-for", lines));
        client.to_string()
    }

    #[test]
    fn the_last_address_that_no_proxy_has_is_the_clients() {
        assert_eq!(client("10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, 192.0.2.7, 10.9.9.9"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["198.51.100.1", "192.0.2.7 "]), "192.0.2.7");
        assert_eq!(client("::ffff:10.0.0.1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(client("10.0.0.1", &["192.0.2.7, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn other_addresses_are_not_believed() {
        assert_eq!(client("192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let https = headers("x-forwarded-proto", &["https"]);
        assert!(!proxies.is_secure("192.0.2.1".parse().unwrap(), &https));
        assert!(proxies.is_secure("10.0.0.1".parse().unwrap(), &https));
        let both = headers("x-forwarded-proto", &["https, http"]);
        assert!(!proxies.is_secure("10.0.0.1".parse().unwrap(), &both));
    }
}
