//! How are records kept in a Redis? A hash for each, one pipelined request for many.

use super::{
    Redis,
    failure::{Failure, first_error},
    fields, hex,
    link::{Answers, Unit},
    locked, reading, removing, unhex, unit,
};
use crate::state::{Cursor, Held, Key, Page, READ_MAX, Record, Shelf, StateError};
use redis::{Value, cmd};

/// Keys that a server is asked to look at in one step of a walk: more would hold it up for others.
const LOOKED_AT_MAX: usize = 1_000;

/// Keys of one step that are read: SCAN may find more than it was asked to look at, and those come with the next walk.
const FOUND_MAX: usize = 4 * LOOKED_AT_MAX;

impl Redis {
    fn shelf<R: Record>(&self) -> String {
        format!("{}:{}:", self.prefix, R::NAME)
    }

    fn key<R: Record>(&self, key: &R::Key) -> String {
        self.shelf::<R>() + &hex(&key.octets())
    }

    /// What the answers about some keys say; fields of the dead are noted.
    fn held<R: Record>(&self, keys: &[String], answers: Vec<Answers>, now: u64) -> Result<Vec<Held<R>>, StateError> {
        let mut all = Vec::with_capacity(keys.len());
        for (key, mut answers) in keys.iter().zip(answers) {
            let fields = match answers.pop() {
                Some(Value::Array(flat)) => pairs(flat),
                // A key of another type is somebody else's: not ours to read, nor to remove.
                Some(Value::ServerError(_)) => Some(Vec::new()),
                _ => None,
            };
            let fields = fields.ok_or_else(|| Failure::odd().at(&locked(&self.reading).first()))?;
            let read = fields::read::<R>(fields, self.incarnation.as_bytes(), now);
            self.bury((!read.dead.is_empty()).then(|| removing(key, &read.dead)));
            all.push(read.held);
        }
        Ok(all)
    }

    /// Records of three kinds, in one request.
    #[allow(clippy::type_complexity, reason = "three kinds of keys, and what is held under them")]
    pub fn read_three<A: Record, B: Record, C: Record>(
        &self,
        (first, second, third): (&[A::Key], &[B::Key], &[C::Key]),
        now: u64,
    ) -> Result<(Vec<Held<A>>, Vec<Held<B>>, Vec<Held<C>>), StateError> {
        let first: Vec<String> = first.iter().map(|key| self.key::<A>(key)).collect();
        let second: Vec<String> = second.iter().map(|key| self.key::<B>(key)).collect();
        let third: Vec<String> = third.iter().map(|key| self.key::<C>(key)).collect();
        let units: Vec<Unit> = first.iter().chain(&second).chain(&third).map(|key| reading(key)).collect();
        let mut answers = self.ask(&units)?;
        if answers.len() != units.len() {
            return Err(Failure::odd().at(&locked(&self.reading).first()));
        }
        let of_third = answers.split_off(first.len() + second.len());
        let of_second = answers.split_off(first.len());
        let held = (self.held(&first, answers, now)?, self.held(&second, of_second, now)?);
        Ok((held.0, held.1, self.held(&third, of_third, now)?))
    }

    /// The field, and that its key lives as long as any of its fields. As one, because a key that was cut off from its
    /// end would stay for ever: with `NX` it gets one, with `GT` a later one.
    fn keeping<R: Record>(&self, key: &R::Key, record: &R, now: u64) -> Unit {
        let key = self.key::<R>(key);
        // A day more: clocks differ. A record with a wrong date does not stay for ever either.
        let until = record.expires_at().min(now + R::LIFETIME_SECONDS + 86_400);
        let expire = |when: &str| cmd("EXPIREAT").arg(&key).arg(until).arg(when).to_owned();
        let set = cmd("HSET").arg(&key).arg(&self.incarnation).arg(record.encode()).to_owned();
        unit(&key, &[cmd("MULTI"), set, expire("NX"), expire("GT"), cmd("EXEC")])
    }
}

impl<R: Record> Shelf<R> for Redis {
    fn read(&self, keys: &[R::Key], now: u64) -> Result<Vec<Held<R>>, StateError> {
        let keys: Vec<String> = keys.iter().map(|key| self.key::<R>(key)).collect();
        let units: Vec<Unit> = keys.iter().map(|key| reading(key)).collect();
        let answers = self.ask(&units)?;
        self.held(&keys, answers, now)
    }

    fn keep(&self, records: &[(R::Key, R)]) -> Result<(), StateError> {
        let now = locked(&self.writing).unix_seconds();
        self.write(records.iter().map(|(key, record)| self.keeping(key, record, now)).collect()).map(drop)
    }

    /// Only what this server said: a key goes with its last field. Redis lets it expire by itself, so that nobody has to
    /// call this for the sake of the Redis.
    fn remove(&self, keys: &[R::Key]) -> Result<(), StateError> {
        let own = [&self.incarnation];
        self.write(keys.iter().map(|key| removing(&self.key::<R>(key), &own)).collect()).map(drop)
    }

    /// By SCAN, server after server. While keys move between servers of a cluster, some may be missed or come twice.
    fn walk(&self, from: Option<&Cursor>, most: usize) -> Result<Page<R>, StateError> {
        let (place, scan) = from.map_or(Some((0, 0)), place_of).ok_or_else(|| {
            StateError::Failed("walk".to_owned(), "the place to go on from is none of this store".to_owned())
        })?;
        let shelf = self.shelf::<R>();
        let count = most.clamp(1, LOOKED_AT_MAX);
        let scan = cmd("SCAN").arg(scan).arg("MATCH").arg(format!("{shelf}*")).arg("COUNT").arg(count).to_owned();
        let mut link = locked(&self.reading);
        let end = link.end(self.timeout);
        let Some(answers) = link.ask_at(place, unit("", &[scan]), end)? else {
            return Ok(Page { records: Vec::new(), next: None });
        };
        let (next, found) = found(answers).ok_or_else(|| {
            link.forget();
            Failure::odd().at(&link.first())
        })?;
        drop(link);
        let key = |found: Vec<u8>| {
            let key = R::Key::from_octets(&unhex(found.strip_prefix(shelf.as_bytes())?)?)?;
            (self.key::<R>(&key).as_bytes() == found).then_some(key)
        };
        let keys: Vec<R::Key> = found.into_iter().take(FOUND_MAX).filter_map(key).collect();
        let mut records = Vec::with_capacity(keys.len());
        for keys in keys.chunks(READ_MAX) {
            let held = Shelf::<R>::read(self, keys, 0)?;
            records.extend(keys.iter().cloned().zip(held));
        }
        let next = if next == 0 { (place + 1, 0) } else { (place, next) };
        Ok(Page { records, next: Some(cursor(next)) })
    }
}

/// Which server, and where on it.
fn cursor((place, scan): (usize, u64)) -> Cursor {
    let place = u64::try_from(place).unwrap_or(u64::MAX);
    Cursor([place.to_be_bytes(), scan.to_be_bytes()].concat())
}

fn place_of(cursor: &Cursor) -> Option<(usize, u64)> {
    let (place, rest) = cursor.0.split_first_chunk()?;
    let scan = rest.try_into().ok()?;
    Some((usize::try_from(u64::from_be_bytes(*place)).ok()?, u64::from_be_bytes(scan)))
}

/// The answer to HGETALL: names and values in turn.
pub(super) fn pairs(flat: Vec<Value>) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut octets = flat.into_iter().map(|value| match value {
        Value::BulkString(octets) => Some(octets),
        _ => None,
    });
    let mut pairs = Vec::new();
    while let Some(name) = octets.next() {
        pairs.push((name?, octets.next()??));
    }
    Some(pairs)
}

/// The answer to SCAN: where it goes on, and keys.
fn found(mut answers: Answers) -> Option<(u64, Vec<Vec<u8>>)> {
    if first_error(&answers).is_some() {
        return None;
    }
    let Value::Array(parts) = answers.pop()? else { return None };
    let [next, Value::Array(keys)] = <[Value; 2]>::try_from(parts).ok()? else { return None };
    let next = match next {
        Value::BulkString(digits) => std::str::from_utf8(&digits).ok()?.parse().ok()?,
        Value::Int(next) => u64::try_from(next).ok()?,
        _ => return None,
    };
    let key = |key| match key {
        Value::BulkString(octets) => Some(octets),
        _ => None,
    };
    Some((next, keys.into_iter().map(key).collect::<Option<_>>()?))
}
