//! Which exceptions are about this mail? An index of all of them, immutable: for each shape (which scopes, nets of which
//! size, addresses in which form) one look into a table, however many exceptions there are.

use super::{
    Excepted, precedence,
    scope::{Form, covers, holds, keys, narrowness},
};
use crate::{
    config::Network,
    session::Address,
    state::{Digest, Exception},
};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

/// Exceptions that one decision is told of: those that may be heard, then the narrowest ones.
pub const MATCHES_MAX: usize = 16;

/// What this process counted of an exception, and its runs before as far as they belong to it.
#[derive(Debug, Default)]
pub(super) struct Counted {
    all: AtomicU32,
    changed: AtomicU32,
    last: AtomicU64,
    last_changed: AtomicU64,
}

impl Counted {
    pub(super) fn of(hits: crate::state::Hits) -> Self {
        Self {
            all: hits.all.into(),
            changed: hits.changed.into(),
            last: hits.last.into(),
            last_changed: hits.last_changed.into(),
        }
    }

    pub(super) fn hit(&self, changed: bool, now: u64) {
        // Whoever sees one of them sees the others soon: nothing is decided by them.
        self.all.fetch_add(1, Ordering::Relaxed);
        self.last.fetch_max(now, Ordering::Relaxed);
        if changed {
            self.changed.fetch_add(1, Ordering::Relaxed);
            self.last_changed.fetch_max(now, Ordering::Relaxed);
        }
    }

    pub(super) fn hits(&self) -> crate::state::Hits {
        crate::state::Hits {
            all: self.all.load(Ordering::Relaxed),
            changed: self.changed.load(Ordering::Relaxed),
            last: self.last.load(Ordering::Relaxed),
            last_changed: self.last_changed.load(Ordering::Relaxed),
        }
    }
}

/// One exception that holds.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) excepted: Excepted,
    pub(super) counted: Arc<Counted>,
}

/// Exceptions alike: the same scopes, in the same forms.
#[derive(Debug)]
struct Alike {
    shape: Shape,
    /// Places of entries by the hash of their scope.
    places: HashMap<u64, Vec<u32>>,
}

/// Which scopes, and how exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shape {
    /// Is it IPv4, and the length of its prefix?
    clients: Option<(bool, u8)>,
    sender: Option<Form>,
    recipient: Option<Form>,
}

impl Shape {
    fn of(exception: &Exception) -> Self {
        Self {
            clients: exception.clients.map(|net| (net.address.is_ipv4(), net.prefix)),
            sender: Form::of(&exception.sender),
            recipient: Form::of(&exception.recipient),
        }
    }
}

/// All exceptions of one moment. What has expired since is passed over.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// The narrowest first; of equals the later one.
    entries: Vec<Entry>,
    alike: Vec<Alike>,
    by_id: HashMap<Digest, u32>,
}

impl Board {
    pub(super) fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_cached_key(|entry| {
            std::cmp::Reverse((narrowness(&entry.excepted.said), precedence::made(&entry.excepted)))
        });
        let (mut alike, mut by_id) = (Vec::<Alike>::new(), HashMap::with_capacity(entries.len()));
        let mut shapes = HashMap::new();
        for (place, entry) in (0_u32..).zip(&entries) {
            let said = &entry.excepted.said;
            let shape = Shape::of(said);
            let at = *shapes.entry(shape).or_insert_with(|| {
                alike.push(Alike { shape, places: HashMap::new() });
                alike.len() - 1
            });
            let hash = hash(said.clients, said.sender.as_bytes(), said.recipient.as_bytes());
            alike[at].places.entry(hash).or_default().push(place);
            by_id.insert(entry.excepted.id, place);
        }
        Self { entries, alike, by_id }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn entry(&self, id: Digest) -> Option<&Entry> {
        self.by_id.get(&id).and_then(|&place| self.entries.get(place as usize))
    }

    /// Those that are about this mail at `now` (Unix seconds): the first that holds is heard. At most [`MATCHES_MAX`].
    pub(super) fn about(&self, about: &About<'_>, now: u64) -> Vec<Excepted> {
        let mut places = Vec::new();
        for alike in &self.alike {
            alike.find(about, |place| {
                let said = self.entries.get(place as usize).map(|entry| &entry.excepted.said);
                if said.is_some_and(|said| said.until > now && about.is_meant(said)) {
                    places.push(place);
                }
            });
        }
        places.sort_unstable();
        let entry = |place: u32| self.entries.get(place as usize).map(|entry| entry.excepted.clone());
        let mut about: Vec<Excepted> = places.into_iter().filter_map(entry).collect();
        precedence::put_speakers_first(&mut about);
        about.truncate(MATCHES_MAX);
        about
    }
}

impl Alike {
    /// The places under every key that the mail has in this shape.
    fn find(&self, about: &About<'_>, mut found: impl FnMut(u32)) {
        let clients = match (self.shape.clients, about.client) {
            (None, _) => None,
            (Some((is_v4, prefix)), Some(ip)) if ip.is_ipv4() == is_v4 => Some(Network::around(ip, prefix)),
            (Some(_), _) => return,
        };
        for sender in keys_of(self.shape.sender, about.sender) {
            for recipient in keys_of(self.shape.recipient, about.recipient) {
                let places = self.places.get(&hash(clients, sender, recipient));
                places.into_iter().flatten().for_each(|&place| found(place));
            }
        }
    }
}

/// Keys of an address in a form; where the shape has none, one that is empty.
fn keys_of(form: Option<Form>, address: Option<&Address>) -> impl Iterator<Item = &[u8]> {
    let any: Option<&[u8]> = form.is_none().then_some(b"");
    let of_address = form.zip(address).map(|(form, address)| keys(address, form));
    any.into_iter().chain(of_address.into_iter().flatten())
}

/// Entries under one hash are compared in full: it need not be more than quick.
fn hash(clients: Option<Network>, sender: &[u8], recipient: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (clients, sender, recipient).hash(&mut hasher);
    hasher.finish()
}

/// What is known of a mail so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct About<'a> {
    pub(super) client: Option<IpAddr>,
    pub(super) sender: Option<&'a Address>,
    pub(super) recipient: Option<&'a Address>,
}

impl About<'_> {
    pub(super) fn is_meant(&self, said: &Exception) -> bool {
        holds(said.clients, self.client) && covers(&said.sender, self.sender) && covers(&said.recipient, self.recipient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn entry(number: usize, said: Exception) -> Entry {
        let excepted = Excepted { id: Digest::of(&[&number.to_le_bytes()]), said: Arc::new(said) };
        Entry { excepted, counted: Arc::default() }
    }

    fn any_pattern() -> impl Strategy<Value = String> {
        prop_oneof![
            Just(String::new()),
            "[ab]@[ab]\\.c",
            "@[ab]\\.c",
            "@([ab]\\.){2}c",
            "\\.[ab]\\.c",
            Just(".c".to_owned())
        ]
    }

    fn any_exception() -> impl Strategy<Value = Exception> {
        let net = prop_oneof![
            Just(None),
            (any::<[bool; 2]>(), prop::sample::select(vec![8_u8, 24, 30, 31, 32]))
                .prop_map(|([c, d], prefix)| Some(Network::around(IpAddr::from([192, 0, c.into(), d.into()]), prefix))),
            any::<bool>().prop_map(|v6| v6.then(|| "2001:db8::/64".parse().expect("a net"))),
        ];
        let sender = prop_oneof![4 => any_pattern(), 1 => Just("<>".to_owned())];
        (net, sender, any_pattern(), any::<bool>(), 0..4_u64, 1..6_u64).prop_map(
            |(clients, sender, recipient, allows, made_at, until)| Exception {
                allows,
                clients,
                sender,
                recipient,
                made_at,
                until,
                ..Exception::default()
            },
        )
    }

    fn any_address() -> impl Strategy<Value = Option<Address>> {
        let text = prop_oneof![Just(String::new()), "[ABab]@([ab]\\.){1,3}c", "[ab]@c", "[ab]"];
        prop::option::of(text.prop_map(|text| Address::new(Bytes::from(text))))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn the_index_finds_what_looking_at_each_finds(
            exceptions in prop::collection::vec(any_exception(), 0..60),
            ip in prop::option::of(prop_oneof![Just("2001:db8::1".parse().expect("an address")),
                any::<[bool; 2]>().prop_map(|[c, d]| IpAddr::from([192, 0, c.into(), d.into()]))]),
            (sender, recipient) in (any_address(), any_address()),
            now in 0..7_u64,
        ) {
            let about = About { client: ip, sender: sender.as_ref(), recipient: recipient.as_ref() };
            let entries: Vec<Entry> =
                exceptions.into_iter().enumerate().map(|(number, said)| entry(number, said)).collect();
            let mut slow: Vec<Excepted> = entries.iter().map(|entry| entry.excepted.clone()).collect();
            slow.retain(|one| one.said.until > now && about.is_meant(&one.said));
            slow.sort_by_key(|one| (narrowness(&one.said), one.said.made_at, one.said.revision, one.id));
            slow.reverse();
            precedence::put_speakers_first(&mut slow);
            slow.truncate(MATCHES_MAX);
            prop_assert_eq!(Board::new(entries).about(&about, now), slow);
        }
    }

    #[test]
    fn ten_thousand_of_one_shape_are_one_look() {
        let net = |number: u32| Some(Network::around(IpAddr::from((0x0a00_0000 + number * 256).to_be_bytes()), 24));
        let said = |number: u32| Exception { clients: net(number), until: 9, ..Exception::default() };
        let board = Board::new((0..10_000).map(|number| entry(number as usize, said(number))).collect());
        assert_eq!(board.alike.len(), 1);
        assert!(board.alike[0].places.values().all(|places| places.len() == 1), "no two under one hash");
        let about = About { client: Some(IpAddr::from([10, 3, 7, 200])), ..About::default() };
        let found = board.about(&about, 1);
        assert_eq!(found.iter().map(|one| one.said.clients).collect::<Vec<_>>(), [net(0x307)]);
    }

    #[test]
    fn of_equals_the_later_one_goes_first() {
        let said = |allows, made_at| Exception {
            allows,
            sender: "ann@a.example".to_owned(),
            made_at,
            until: 99,
            ..Exception::default()
        };
        let board = Board::new(vec![entry(0, said(true, 5)), entry(1, said(false, 6)), entry(2, said(true, 4))]);
        let sender = Address::new(Bytes::from_static(b"Ann@A.example"));
        let found = board.about(&About { sender: Some(&sender), ..About::default() }, 10);
        assert_eq!(found.iter().map(|one| one.said.made_at).collect::<Vec<_>>(), [6, 5, 4]);
    }
}
