//! The options for limits. Rates are written as `200:2000`, a rate and a burst.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use relay::limits::{Limits, Rate};
use relay::units;

/// Limits on clients. The address of a client is its IPv4 address or the /64 of its IPv6 address. A client that has
/// signed in has the rates of its account instead, and shares them with the account's other connections.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits of each address or account; 0 for none")]
pub struct Limited {
    /// Publishes per second, and burst.
    #[arg(long, value_name = "RATE:BURST", value_parser = rate, default_value = "200:2000")]
    rate_publishes: Rate,
    /// Bytes read from the network per second, and burst.
    #[arg(long, value_name = "RATE:BURST", value_parser = kibibytes, default_value = "2MiB:8MiB")]
    rate_bytes: Rate,
    /// Subscriptions per second, and burst; the burst is --max-subscriptions if it is not given.
    #[arg(long, value_name = "RATE[:BURST]", value_parser = rate_alone, default_value = "50")]
    rate_subscribes: Rate,
    /// Requests for history per second, and burst.
    #[arg(long, value_name = "RATE:BURST", value_parser = rate, default_value = "20:200")]
    rate_histories: Rate,
    /// Presence joins and watches per second, and burst.
    #[arg(long, value_name = "RATE:BURST", value_parser = rate, default_value = "20:100")]
    rate_joins: Rate,
    /// New WebSocket connections per second, and burst.
    #[arg(long, value_name = "RATE:BURST", value_parser = rate, default_value = "20:100")]
    rate_handshakes: Rate,
    /// Connections at a time, without those of accounts.
    #[arg(long, value_name = "COUNT", default_value_t = 1_024)]
    address_connections: usize,
    /// Connections of an account at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    account_connections: usize,
    /// Connections of all addresses at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    max_connections: usize,
    /// The memory that all clients together may fill with unfinished messages, waiting writes, subscriptions and
    /// presence. An address may fill a quarter of it.
    #[arg(long, value_name = "BYTES", value_parser = units::bytes, default_value = "64MiB")]
    memory: u64,
    /// The time limit for the headers of a request, and for a connection without a request.
    #[arg(long, value_name = "TIME", value_parser = units::time, default_value = "10s")]
    header_timeout: Duration,
    /// The time limit for a message of more than 32 KiB; it may wait for memory for a sixth of that.
    #[arg(long, value_name = "TIME", value_parser = units::time, default_value = "60s")]
    message_timeout: Duration,
    /// The time limit for a hello, or in cloudevents.json for anything valid.
    #[arg(long, value_name = "TIME", value_parser = units::time, default_value = "10s")]
    hello_timeout: Duration,
    /// Multiply the rates, the bursts, the connections, the memory and --new-clients: for benchmarks and tests, whose
    /// load comes from one address.
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    raise_limits: u32,
}

impl Limited {
    /// The limits of connections with at most `max_subscriptions`, and of addresses with `new_clients` in an hour.
    pub fn limits(self, max_subscriptions: usize, new_clients: u32) -> Limits {
        let mut subscribes = self.rate_subscribes;
        if subscribes.burst == 0 {
            subscribes.burst = max_subscriptions.try_into().unwrap_or(u32::MAX);
        }
        let limits = Limits {
            publishes: self.rate_publishes,
            kibibytes: self.rate_bytes,
            subscribes,
            histories: self.rate_histories,
            joins: self.rate_joins,
            handshakes: self.rate_handshakes,
            new_clients_per_hour: new_clients,
            connections: self.address_connections,
            account_connections: self.account_connections,
            max_connections: self.max_connections,
            memory: self.memory,
            header_timeout: self.header_timeout,
            message_timeout: self.message_timeout,
            hello_timeout: self.hello_timeout,
        };
        limits.times(self.raise_limits)
    }
}

const RATE: &str = "give a rate per second and a burst, such as 200:2000, or 0 for no limit";

/// `200:2000`, or `0`.
fn rate(text: &str) -> Result<Rate, &'static str> {
    match rate_alone(text)? {
        Rate { per_second: 1.., burst: 0 } => Err(RATE),
        rate => Ok(rate),
    }
}

/// The same, or a rate without a burst.
fn rate_alone(text: &str) -> Result<Rate, &'static str> {
    let (rate, burst) =
        text.split_once(':').map_or((text, None), |(rate, burst)| (rate, Some(burst)));
    let number = |text: &str| text.parse::<u32>().map_err(|_| RATE);
    let burst = burst.map(number).transpose()?;
    if burst == Some(0) {
        return Err(RATE);
    }
    Ok(Rate::new(number(rate)?, burst.unwrap_or(0)))
}

/// `2MiB:8MiB`, or `0`.
fn kibibytes(text: &str) -> Result<Rate, &'static str> {
    let error =
        "give bytes per second and a burst of at least 1KiB, such as 2MiB:8MiB, or 0 for no limit";
    let number = |text: &str| match units::bytes(text).map(|bytes| u32::try_from(bytes >> 10)) {
        Ok(Ok(kibibytes)) => Ok(kibibytes),
        _ => Err(error),
    };
    match text.split_once(':') {
        None if text == "0" => Ok(Rate::new(0, 0)),
        None => Err(error),
        Some((rate, burst)) => match (number(rate)?, number(burst)?) {
            (0, _) | (_, 0) => Err(error),
            (rate, burst) => Ok(Rate::new(rate, burst)),
        },
    }
}

/// `10.0.0.0/8`, or one address.
pub fn network(text: &str) -> Result<IpNet, &'static str> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| "give a network, such as 10.0.0.0/8 or fd00::/8, or an address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_burst_or_is_none() {
        assert_eq!(rate("200:2000"), Ok(Rate::new(200, 2_000)));
        assert_eq!(rate("0"), Ok(Rate::new(0, 0)));
        assert_eq!(rate_alone("50"), Ok(Rate::new(50, 0)));
        assert_eq!(kibibytes("2MiB:8MiB"), Ok(Rate::new(2_048, 8_192)));
        assert_eq!(kibibytes("0"), Ok(Rate::new(0, 0)));
        for text in ["", "200", "200:", ":5", "200:0", "-1:5", "2:3:4", "1.5:2"] {
            assert!(rate(text).is_err(), "{text}");
        }
        for text in ["2MiB", "2MiB:0", "500:1MiB", "2MiB:9999TiB"] {
            assert!(kibibytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_may_be_an_address() {
        assert_eq!(network("127.0.0.1"), network("127.0.0.1/32"));
        assert!(network("10.0.0.0/8").is_ok() && network("fd00::/8").is_ok());
        assert!(network("proxy").is_err() && network("10.0.0.0/33").is_err());
    }
}
