//! Which server of a cluster has a key? 16,384 slots by a checksum of the key, and who says it has which.

use super::Node;
use redis::Value;

/// Slots of a cluster (Redis cluster specification).
pub(super) const SLOTS: u16 = 16_384;

/// Ranges of slots that are read: each slot alone would be as many.
const RANGES_MAX: usize = SLOTS as usize;

/// The slot of a key without braces: our keys have none. CRC-16/XMODEM, as the cluster specification wants.
pub(super) fn slot(key: &[u8]) -> u16 {
    let crc = key.iter().fold(0_u16, |crc, &octet| {
        (0..8).fold(
            crc ^ (u16::from(octet) << 8),
            |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 },
        )
    });
    crc % SLOTS
}

/// Who has which slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots(Vec<(u16, u16, Node)>);

impl Slots {
    /// The answer to `CLUSTER SLOTS` of a server; `None` = it is none, or nobody has any slot.
    pub(super) fn of_answer(answer: &Value, asked: &Node) -> Option<Self> {
        let Value::Array(ranges) = answer else { return None };
        let range = |range: &Value| {
            let Value::Array(parts) = range else { return None };
            let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = parts.as_slice() else { return None };
            let slot = |number: i64| u16::try_from(number).ok().filter(|&slot| slot < SLOTS);
            let [host, Value::Int(port), ..] = master.as_slice() else { return None };
            let host = match host {
                Value::BulkString(host) => std::str::from_utf8(host).ok()?,
                Value::SimpleString(host) => host,
                Value::Nil => "",
                _ => return None,
            };
            let node = Node::announced(host, u16::try_from(*port).ok()?, asked)?;
            Some((slot(*first)?, slot(*last)?, node))
        };
        let mut ranges: Vec<_> = ranges.iter().take(RANGES_MAX).filter_map(range).collect();
        ranges.sort();
        (!ranges.is_empty()).then_some(Self(ranges))
    }

    /// Who has a slot.
    pub(super) fn owner(&self, slot: u16) -> Option<&Node> {
        let behind = self.0.partition_point(|(first, _, _)| *first <= slot);
        let (_, last, node) = self.0.get(behind.checked_sub(1)?)?;
        (slot <= *last).then_some(node)
    }

    /// Everybody who has slots, in the order of their first ones: a replica that takes over takes that place.
    pub(super) fn masters(&self) -> Vec<Node> {
        let mut masters: Vec<Node> = Vec::new();
        for (_, _, node) in &self.0 {
            if !masters.contains(node) {
                masters.push(node.clone());
            }
        }
        masters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        // CRC-16/XMODEM of "123456789" is 0x31C3; the others are what CLUSTER KEYSLOT of Redis 7.0.15 answers.
        assert_eq!(slot(b"123456789"), 0x31c3 % SLOTS);
        assert_eq!((slot(b""), slot(b"foo"), slot(b"tollgate:triplets:00ff")), (0, 12_182, 11_991));
    }

    fn of(text: &str) -> Option<Slots> {
        let answer = redis::parse_redis_value(text.as_bytes()).expect("RESP");
        Slots::of_answer(&answer, &Node::Tcp("192.0.2.9".to_owned(), 7))
    }

    #[test]
    fn a_servers_answer_is_read_in_part() {
        let master = |host: &str, port: u16| format!("*4\r\n{host}:{port}\r\n$1\r\nx\r\n*0\r\n");
        let range = |first: u16, last: i32, master: &str| format!("*3\r\n:{first}\r\n:{last}\r\n{master}");
        let (one, two) = (master("$9\r\n192.0.2.1\r\n", 6379), master("$-1\r\n", 6380));
        let text = format!(
            "*5\r\n{}{}{}:7\r\n{}",
            range(8_000, 16_383, &two),
            range(0, 99, &one),
            range(200, 99_999, &one),
            range(100, 199, &two)
        );
        let slots = of(&text).expect("slots");
        let owner = |slot| slots.owner(slot).map(ToString::to_string);
        assert_eq!((owner(0), owner(99)), (Some("192.0.2.1:6379".to_owned()), Some("192.0.2.1:6379".to_owned())));
        assert_eq!((owner(150), owner(300), owner(16_383)), (Some("192.0.2.9:6380".to_owned()), None, owner(8_000)));
        assert_eq!(slots.masters().len(), 2);
        assert_eq!((of("*0\r\n"), of(":1\r\n"), of("$-1\r\n")), (None, None, None));
    }

    proptest! {
        #[test]
        fn every_key_has_a_slot(key in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(slot(&key) < SLOTS);
        }
    }
}
