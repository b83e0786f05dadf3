//! How many new clients an address may make: each costs rows that live for months.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

const HOUR: u64 = 3_600_000;
/// The most addresses that are remembered. Who has more of them than that is not held by a limit per
/// address: all are forgotten then.
const ADDRESSES: usize = 65_536;

/// Each address has an hour's share, which comes back evenly (the generic cell rate algorithm).
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    /// When the share of the address is whole again, in milliseconds since 1970.
    whole: HashMap<IpAddr, u64>,
}

impl Newcomers {
    /// Takes one from the share of `address`.
    ///
    /// # Errors
    /// After how many milliseconds there is one again.
    pub(super) fn admit(&mut self, address: IpAddr, per_hour: u32, now: u64) -> Result<(), u64> {
        if per_hour == 0 {
            return Ok(());
        }
        let each = (HOUR / u64::from(per_hour)).max(1);
        if self.whole.len() >= ADDRESSES {
            self.whole.retain(|_, whole| *whole > now);
            if self.whole.len() >= ADDRESSES {
                self.whole.clear();
            }
        }
        let whole = self.whole.entry(network(address)).or_insert(now);
        // A clock that went back by more than the share would shut the address out for as long.
        *whole = (*whole).clamp(now, now + HOUR);
        match (*whole + each).checked_sub(now + HOUR) {
            Some(wait) if wait > 0 => Err(wait),
            _ => {
                *whole += each;
                Ok(())
            }
        }
    }
}

/// What one host has to itself: an IPv4 address, or the /64 of an IPv6 one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_an_hours_share_that_comes_back_evenly() {
        let mut newcomers = Newcomers::default();
        let [one, other]: [IpAddr; 2] =
            ["2001:db8::1", "2001:db8:0:1::1"].map(|a| a.parse().unwrap());
        let now = 10 * HOUR;
        for _ in 0..60 {
            assert_eq!(newcomers.admit(one, 60, now), Ok(()));
        }
        assert_eq!(newcomers.admit("2001:db8::2".parse().unwrap(), 60, now), Err(60_000));
        assert_eq!(newcomers.admit(other, 60, now), Ok(()));
        assert_eq!(newcomers.admit(one, 60, now + 59_999), Err(1));
        assert_eq!(newcomers.admit(one, 60, now + 60_000), Ok(()));
        assert_eq!(newcomers.admit(one, 60, now - 5 * HOUR), Err(60_000));
        assert_eq!(newcomers.admit(one, 0, now), Ok(()));
    }

    #[test]
    fn the_addresses_that_are_remembered_have_a_bound() {
        let mut newcomers = Newcomers::default();
        for host in 0..200_000_u32 {
            let address = IpAddr::from(std::net::Ipv4Addr::from_bits(host));
            assert_eq!(newcomers.admit(address, 1, 1), Ok(()));
            assert!(newcomers.whole.len() <= ADDRESSES);
        }
    }
}
