//! Where does the health of DNS lists lie in a Redis? A hash for each server, by its name: each has its own view of the
//! lists, and finds it again after a restart.

use super::{Redis, failure::Failure, locked, reading, removing, shelf::pairs, unit};
use crate::state::{KeptList, LISTS_KEPT_MAX, LISTS_KEPT_SECONDS, ListHealth, StateError, list_health};
use redis::{Value, cmd};

impl Redis {
    fn lists_key(&self) -> String {
        format!("{}:lists:{}", self.prefix, self.server_name)
    }
}

fn name(kept: &KeptList) -> String {
    format!("{:016x}", kept.list.number())
}

impl ListHealth for Redis {
    fn lists(&self, now: u64) -> Result<Vec<KeptList>, StateError> {
        let key = self.lists_key();
        let answer = self.ask(&[reading(&key)])?.pop().and_then(|mut answers| answers.pop());
        let fields = match answer {
            Some(Value::Array(flat)) => pairs(flat),
            Some(Value::ServerError(_)) => Some(Vec::new()),
            _ => None,
        };
        let fields = fields.ok_or_else(|| Failure::odd().at(&locked(&self.reading).first()))?;
        let (mut lists, mut gone) = (Vec::new(), Vec::new());
        for (field, record) in fields {
            match list_health::decode(&record).filter(|kept| name(kept).as_bytes() == field) {
                Some(kept) => lists.push(kept),
                None => gone.push(field),
            }
        }
        let (alive, outlived) = list_health::within(lists, now);
        gone.extend(outlived.iter().map(|kept| name(kept).into_bytes()));
        if !gone.is_empty() {
            self.write(gone.chunks(LISTS_KEPT_MAX).map(|gone| removing(&key, gone)).collect())?;
        }
        Ok(alive)
    }

    fn keep_lists(&self, lists: &[KeptList]) -> Result<(), StateError> {
        if lists.is_empty() {
            return Ok(());
        }
        let key = self.lists_key();
        let mut set = cmd("HSET");
        set.arg(&key);
        for kept in lists {
            set.arg(name(kept)).arg(list_health::encode(kept));
        }
        let expire = cmd("EXPIRE").arg(&key).arg(LISTS_KEPT_SECONDS).to_owned();
        self.write(vec![unit(&key, &[cmd("MULTI"), set, expire, cmd("EXEC")])]).map(drop)
    }
}
