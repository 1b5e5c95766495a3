//! What is a network? An address and a prefix length, with host bits zero.

use crate::session::parse_ip;
use std::{fmt, net::IpAddr, str::FromStr};

/// A network in CIDR form; a single address is a /32 or /128. IPv4-mapped IPv6 networks are IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    /// The first address.
    pub address: IpAddr,
    /// 0-32 for IPv4, 0-128 for IPv6.
    pub prefix: u8,
}

impl Network {
    /// The network of this size that holds the address.
    pub fn around(ip: IpAddr, prefix: u8) -> Self {
        Self { address: masked(ip, prefix), prefix: prefix.min(if ip.is_ipv4() { 32 } else { 128 }) }
    }

    /// Is the address in it?
    pub fn contains(&self, ip: IpAddr) -> bool {
        ip.is_ipv4() == self.address.is_ipv4() && masked(ip, self.prefix) == self.address
    }
}

fn masked(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            IpAddr::from((u32::from(v4) & mask).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            IpAddr::from((u128::from(v6) & mask).to_be_bytes())
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("\"{text}\" is no network: expected an address such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32")
        };
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let ip = parse_ip(address.as_bytes()).ok_or_else(wrong)?;
        // A prefix is counted in the form that was written: ::ffff:0:0/96 is all of IPv4.
        let mapped = ip.is_ipv4() && address.contains(':');
        let (bits, skip) = if ip.is_ipv4() && !mapped { (32, 0) } else { (128, if mapped { 96 } else { 0 }) };
        let prefix = match prefix {
            None => bits,
            Some(digits) => {
                digits.parse::<u8>().ok().filter(|&prefix| prefix <= bits && prefix >= skip).ok_or_else(wrong)?
            }
        } - skip;
        let network = Self { address: masked(ip, prefix), prefix };
        if network.address != ip {
            return Err(format!("\"{text}\" has host bits set: expected {network}"));
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1/32"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ] {
            assert_eq!(text.parse::<Network>().map(|network| network.to_string()), Ok(shown.to_owned()));
        }
        for wrong in ["192.0.2.1/24", "192.0.2.0/33", "::ffff:1.2.3.4/24", "", "/8", "1.2.3", "1.2.3.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn families_do_not_mix() {
        let all: Network = "0.0.0.0/0".parse().expect("a network");
        assert!(all.contains(IpAddr::from([255, 1, 2, 3])));
        assert!(!all.contains("::1".parse().expect("a literal")));
    }
}
