//! How is a table of a case file read? Key by key, so that a misspelt key is noticed.

use toml::{Table, Value};

/// A table whose keys are taken one by one; [`Reader::end`] refuses what is left.
pub(crate) struct Reader(Table);

type Read<T> = Result<Option<T>, String>;

impl Reader {
    pub(crate) fn new(value: Value, what: &str) -> Result<Self, String> {
        match value {
            Value::Table(table) => Ok(Self(table)),
            other => Err(format!("{what} is {}: expected a table", other.type_str())),
        }
    }

    pub(crate) fn value(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    pub(crate) fn text(&mut self, key: &str) -> Read<String> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("{key} is {}: expected a text", other.type_str())),
        }
    }

    pub(crate) fn flag(&mut self, key: &str) -> Result<bool, String> {
        match self.0.remove(key) {
            None => Ok(false),
            Some(Value::Boolean(flag)) => Ok(flag),
            Some(other) => Err(format!("{key} is {}: expected true or false", other.type_str())),
        }
    }

    pub(crate) fn number(&mut self, key: &str) -> Read<u64> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(Value::Integer(number)) => u64::try_from(number).map(Some).map_err(|_| format!("{key} is negative")),
            Some(other) => Err(format!("{key} is {}: expected a number", other.type_str())),
        }
    }

    pub(crate) fn list(&mut self, key: &str) -> Read<Vec<Value>> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(other) => Err(format!("{key} is {}: expected a list", other.type_str())),
        }
    }

    pub(crate) fn texts(&mut self, key: &str) -> Read<Vec<String>> {
        let text = |value: Value| match value {
            Value::String(text) => Ok(text),
            other => Err(format!("{key} holds {}: expected texts", other.type_str())),
        };
        self.list(key)?.map(|list| list.into_iter().map(text).collect()).transpose()
    }

    /// Refuses keys that nobody asked for.
    pub(crate) fn end(self, what: &str) -> Result<(), String> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(key) => Err(format!("{what} has an unknown key {key}")),
        }
    }
}
