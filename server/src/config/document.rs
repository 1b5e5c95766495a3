//! What stands in the file? The TOML text as a tree that remembers the line of every key and value.

use super::Fault;
use toml::de::{DeTable, DeValue};

/// A parsed `tollgate.toml`.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// Name of the file for faults; empty = embedded defaults.
    pub file: String,
    /// The top-level table.
    pub root: Table,
}

/// A table in file order of keys as TOML's parser keeps them (sorted).
#[derive(Clone, Debug, Default)]
pub struct Table(pub Vec<Entry>);

/// `key = value` with its line, from 1.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The line of the key.
    pub line: usize,
    /// The value.
    pub value: Value,
}

/// TOML's values, as far as a configuration uses them.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer; `None` = it does not fit into 64 bits.
    Integer(Option<i64>),
    /// `true` or `false`.
    Bool(bool),
    /// An array: line and value of each element.
    Array(Vec<(usize, Value)>),
    /// A table.
    Table(Table),
    /// A float or a date: nothing here has such a value. The word names it.
    Other(&'static str),
}

impl Value {
    /// What it is, for faults.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(Some(_)) => "a number",
            Self::Integer(None) => "a number beyond 64 bits",
            Self::Bool(_) => "true or false",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(name) => name,
        }
    }
}

impl Table {
    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }
}

impl Document {
    /// Largest configuration that is read, in octets.
    pub const OCTETS_MAX: usize = 4 * 1024 * 1024;

    /// Parses; every syntax error becomes a fault.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Fault>> {
        let fault = |line, text| Fault { file: file.to_owned(), line, text };
        if text.len() > Self::OCTETS_MAX {
            return Err(vec![fault(0, format!("{} bytes: expected at most {}", text.len(), Self::OCTETS_MAX))]);
        }
        let lines = Lines::of(text);
        let (root, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            return Ok(Self { file: file.to_owned(), root: lines.table(root.get_ref()) });
        }
        let at = |error: &toml::de::Error| error.span().map_or(0, |span| lines.line(span.start));
        Err(errors.iter().map(|error| fault(at(error), error.message().to_owned())).collect())
    }
}

/// Where each line starts.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(after_breaks).collect())
    }

    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|&start| start <= offset)
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                line: self.line(key.span().start),
                value: self.value(value.get_ref()),
            })
            .collect();
        entries.sort_by_key(|entry| entry.line);
        Table(entries)
    }

    fn value(&self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Array(items) => Value::Array(
                items.iter().map(|item| (self.line(item.span().start), self.value(item.get_ref()))).collect(),
            ),
            DeValue::Table(table) => Value::Table(self.table(table)),
            DeValue::Float(_) => Value::Other("a number with a fraction"),
            DeValue::Datetime(_) => Value::Other("a date"),
        }
    }
}
