//! How is an address written in a DNS name, and may the world be asked about it at all?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `4.3.2.1` or the 32 nibbles of an IPv6 address, reversed (RFC 5782 §2.1, §2.4): the front of a DNS list's name.
pub fn reversed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(v6) => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            let mut out = String::with_capacity(63);
            for octet in v6.octets().iter().rev() {
                for nibble in [octet & 15, octet >> 4] {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push(char::from(HEX[usize::from(nibble)]));
                }
            }
            out
        }
    }
}

/// Can this be a client of the public Internet? Nothing outside is ever asked about other addresses: nobody else
/// knows them, and asking would tell strangers how our network is built. Documentation networks (RFC 5737, RFC 3849)
/// count as public: they are no client's, and examples and tests use them.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, ..] = v4.octets();
    // RFC 6598: carriers' shared addresses. Class E and broadcast, multicast, "this network": RFC 6890.
    let shared = a == 100 && (64..128).contains(&b);
    !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared || a == 0 || a >= 224)
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let first = v6.segments()[0];
    // fc00::/7 (RFC 4193), fe80::/10 (RFC 4291), fec0::/10 (RFC 3879), ff00::/8; ::/8 holds ::, ::1 and embedded IPv4.
    (0x0100..0xff00).contains(&first) && first & 0xfe00 != 0xfc00 && first & 0xff80 != 0xfe80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_reversed_as_rfc_5782_says() {
        assert_eq!(reversed(IpAddr::from([192, 0, 2, 99])), "99.2.0.192");
        let v6: Ipv6Addr = "2001:db8:1:2:3:4:567:89ab".parse().expect("a literal");
        assert_eq!(reversed(IpAddr::V6(v6)), "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2");
    }

    #[test]
    fn only_public_addresses_are_asked_about() {
        let public = ["8.8.8.8", "100.63.255.255", "100.128.0.0", "192.0.2.1", "223.255.255.255", "172.32.0.1"];
        for text in public.into_iter().chain(["2001:db8::1", "2a00::1"]) {
            assert!(is_public(text.parse().expect("an address")), "{text}");
        }
        for text in [
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.1.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::1.2.3.4",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().expect("an address")), "{text}");
        }
    }
}
