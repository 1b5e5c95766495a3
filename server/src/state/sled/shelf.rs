//! Where do records lie in the embedded store? Each shelf is a tree of its own, octets of the key to octets of the
//! record. Nobody shares it: what it holds is this server's own.
//!
//! What cannot be read is absent, and removed when it is met.

use super::{
    super::{Cursor, Held, Key, Page, Record, Shelf, StateError},
    Sled, write_to,
};
use std::ops::Bound::{Excluded, Unbounded};

impl Sled {
    // Cheap when it is open already, and every tree that exists is opened with the store, behind its guards.
    fn on<R: Record, T>(&self, work: impl FnOnce(&sled::Tree) -> sled::Result<T>) -> Result<T, StateError> {
        self.with(|db| work(&db.open_tree(R::NAME)?))
    }
}

impl<R: Record> Shelf<R> for Sled {
    fn read(&self, keys: &[R::Key], now: u64) -> Result<Vec<Held<R>>, StateError> {
        self.on::<R, _>(|shelf| {
            let mut damaged = Vec::new();
            let mut held = Vec::with_capacity(keys.len());
            for key in keys {
                let octets = key.octets();
                let stored = shelf.get(&octets)?;
                let record = stored.as_deref().and_then(R::decode);
                if stored.is_some() && record.is_none() {
                    damaged.push((octets, None));
                }
                held.push(Held { own: record.filter(|record| record.expires_at() > now), others: None });
            }
            write_to(shelf, damaged)?;
            Ok(held)
        })
    }

    fn keep(&self, records: &[(R::Key, R)]) -> Result<(), StateError> {
        let entries = records.iter().map(|(key, record)| (key.octets(), Some(record.encode())));
        self.on::<R, _>(|shelf| write_to(shelf, entries))
    }

    fn remove(&self, keys: &[R::Key]) -> Result<(), StateError> {
        self.on::<R, _>(|shelf| write_to(shelf, keys.iter().map(|key| (key.octets(), None))))
    }

    fn walk(&self, from: Option<&Cursor>, most: usize) -> Result<Page<R>, StateError> {
        let most = most.max(1);
        let begin = from.map_or(Unbounded, |cursor| Excluded(cursor.0.clone()));
        self.on::<R, _>(|shelf| {
            let (mut records, mut damaged, mut next) = (Vec::new(), Vec::new(), None);
            for (place, entry) in shelf.range::<Vec<u8>, _>((begin, Unbounded)).take(most).enumerate() {
                let (key, stored) = entry?;
                match (R::Key::from_octets(&key), R::decode(&stored)) {
                    (Some(key), Some(record)) => records.push((key, Held { own: Some(record), others: None })),
                    _ => damaged.push((key.to_vec(), None)),
                }
                if place + 1 == most {
                    next = Some(Cursor(key.to_vec()));
                }
            }
            write_to(shelf, damaged)?;
            Ok(Page { records, next })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Digest, Tokens, conformance::shelves};

    #[test]
    fn what_cannot_be_read_is_absent_and_removed() {
        let scratch = tempfile::tempdir().expect("a folder");
        let store = Sled::open(scratch.path()).expect("opens").store;
        let tree = store.on::<Tokens, _>(|tree| Ok(tree.clone())).expect("opens");
        let plant = |key: &[u8], octets: &[u8]| drop(tree.insert(key, octets).expect("stores"));
        shelves::damage::<Tokens>(&store, &plant, shelves::NOON);
        let (key, long) = (Digest::of(&[b"damaged"]).octets(), vec![0; 17]);
        plant(&key, &[99, 1]);
        plant(&long, &Tokens::default().encode());
        shelves::walked::<Tokens>(&store, 2);
        assert_eq!(tree.len(), 2, "what is good stays");
        plant(&key, &[]);
        let read: Vec<Held<Tokens>> = store.read(&[Digest::of(&[b"damaged"])], 0).expect("reads");
        assert_eq!((read, tree.len()), (vec![Held::default()], 2));
    }
}
