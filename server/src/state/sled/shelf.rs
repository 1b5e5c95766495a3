//! Where do records lie in the embedded store? Each shelf is a tree of its own, octets of the key to octets of the
//! record. Nobody shares it: what it holds is this server's own.
//!
//! What cannot be read is absent, and removed when it is met.

use super::{
    super::{Cursor, Held, Key, Page, Record, Shelf, StateError},
    Sled,
};
use std::ops::Bound::{Excluded, Unbounded};

impl Sled {
    // Cheap when it is open already, and every tree that exists is opened with the store, behind its guards.
    fn shelf<R: Record>(&self) -> Result<sled::Tree, StateError> {
        self.db.open_tree(R::NAME).map_err(|error| self.failed(&error))
    }
}

impl<R: Record> Shelf<R> for Sled {
    fn read(&self, keys: &[R::Key], now: u64) -> Result<Vec<Held<R>>, StateError> {
        let shelf = self.shelf::<R>()?;
        let mut damaged = Vec::new();
        let mut held = Vec::with_capacity(keys.len());
        for key in keys {
            let octets = key.octets();
            let stored = shelf.get(&octets).map_err(|error| self.failed(&error))?;
            let record = stored.as_deref().and_then(R::decode);
            if stored.is_some() && record.is_none() {
                damaged.push((octets, None));
            }
            held.push(Held { own: record.filter(|record| record.expires_at() > now), others: None });
        }
        self.write_to(&shelf, damaged)?;
        Ok(held)
    }

    fn keep(&self, records: &[(R::Key, R)]) -> Result<(), StateError> {
        let entries = records.iter().map(|(key, record)| (key.octets(), Some(record.encode())));
        self.write_to(&self.shelf::<R>()?, entries)
    }

    fn remove(&self, keys: &[R::Key]) -> Result<(), StateError> {
        self.write_to(&self.shelf::<R>()?, keys.iter().map(|key| (key.octets(), None)))
    }

    fn walk(&self, from: Option<&Cursor>, most: usize) -> Result<Page<R>, StateError> {
        let shelf = self.shelf::<R>()?;
        let begin = from.map_or(Unbounded, |cursor| Excluded(cursor.0.clone()));
        let (mut records, mut damaged, mut next) = (Vec::new(), Vec::new(), None);
        for (place, entry) in shelf.range::<Vec<u8>, _>((begin, Unbounded)).take(most.max(1)).enumerate() {
            let (key, stored) = entry.map_err(|error| self.failed(&error))?;
            match (R::Key::from_octets(&key), R::decode(&stored)) {
                (Some(key), Some(record)) => records.push((key, Held { own: Some(record), others: None })),
                _ => damaged.push((key.to_vec(), None)),
            }
            if place + 1 == most.max(1) {
                next = Some(Cursor(key.to_vec()));
            }
        }
        self.write_to(&shelf, damaged)?;
        Ok(Page { records, next })
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
        let tree = store.shelf::<Tokens>().expect("opens");
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
