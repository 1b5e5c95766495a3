//! How is a table of `tollgate.toml` read? By declared fields: type, range and default are checked in one place,
//! unknown keys are faults, and every fault knows its line.

use super::{
    Fault, Field, Kind,
    document::{Document, Entry, Table, Value},
    network::Network,
};
use crate::mode::Mode;
use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

/// One table with the fields it may have. A missing table reads as one without keys.
///
/// Getters take the name of a declared field; an undeclared name, or a getter of another type, is a bug and panics
/// (a test builds every section of every check).
pub struct Section<'a> {
    file: &'a str,
    path: String,
    table: Option<&'a Table>,
    fields: Vec<&'a Field>,
    tables: &'a [(&'static str, &'static [Field])],
    faults: &'a RefCell<Vec<Fault>>,
}

impl<'a> Section<'a> {
    /// Longest text value, in octets.
    pub const TEXT_OCTETS_MAX: usize = 1024;
    /// Longest list, and most tables of one name.
    pub const ITEMS_MAX: usize = 10_000;

    /// The table at `path` (dotted, `check.rbl`), with its fields, and the tables that may stand in it several times.
    pub fn new(
        document: &'a Document,
        path: &str,
        fields: &[&'a [Field]],
        tables: &'a [(&'static str, &'static [Field])],
        faults: &'a RefCell<Vec<Fault>>,
    ) -> Self {
        let mut table = Some(&document.root);
        for part in path.split('.').filter(|part| !part.is_empty()) {
            table = match table.and_then(|table| table.get(part)) {
                Some(Entry { value: Value::Table(inner), .. }) => Some(inner),
                Some(entry) => {
                    let text = format!("{path} is {}: expected a table", entry.value.type_name());
                    faults.borrow_mut().push(Fault { file: document.file.clone(), line: entry.line, text });
                    None
                }
                None => None,
            };
        }
        let fields = fields.iter().flat_map(|fields| fields.iter()).collect();
        let section = Self { file: &document.file, path: path.to_owned(), table, fields, tables, faults };
        section.refuse_unknown_keys();
        section
    }

    /// The tables `[[path.name]]`, in file order. `name` must be declared in the section's tables.
    pub fn tables(&self, name: &str) -> Vec<Section<'a>> {
        let declared = self.tables.iter().find(|(table, _)| *table == name);
        let Some((_, fields)) = declared else { panic!("[{}] declares no table {name}", self.path) };
        let Some(entry) = self.entry(name) else { return Vec::new() };
        let Value::Array(items) = &entry.value else {
            self.fault(name, format!("{}: expected [[{}.{name}]] tables", entry.value.type_name(), self.path));
            return Vec::new();
        };
        if items.len() > Self::ITEMS_MAX {
            self.fault(name, format!("{} tables: expected at most {}", items.len(), Self::ITEMS_MAX));
        }
        let path = format!("{}.{name}", self.path);
        let mut sections = Vec::new();
        for (line, item) in items.iter().take(Self::ITEMS_MAX) {
            let Value::Table(table) = item else {
                self.fault_at(*line, &format!("{path} holds {}: expected a table", item.type_name()));
                continue;
            };
            let section = Section {
                file: self.file,
                path: path.clone(),
                table: Some(table),
                fields: fields.iter().collect(),
                tables: &[],
                faults: self.faults,
            };
            section.refuse_unknown_keys();
            sections.push(section);
        }
        sections
    }

    /// Is the key written down?
    pub fn is_set(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// Adds a fault at a key: `[section] key: text`.
    pub fn fault(&self, name: &str, text: impl AsRef<str>) {
        let line = self.entry(name).map_or(0, |entry| entry.line);
        self.fault_at(line, &format!("[{}] {name}: {}", self.path, text.as_ref()));
    }

    /// Adds a ready fault, such as one about a file.
    pub fn push(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    /// A [`Kind::Bool`].
    pub fn bool(&self, name: &str) -> bool {
        let Kind::Bool(default) = self.kind(name) else { self.wrong_getter(name) };
        match self.value(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(other) => self.mistyped(name, other, "true or false", default),
            None => default,
        }
    }

    /// A [`Kind::Integer`], within its range.
    pub fn integer(&self, name: &str) -> i64 {
        let Kind::Integer { default, min, max } = self.kind(name) else { self.wrong_getter(name) };
        match self.value(name) {
            Some(Value::Integer(Some(number))) if (min..=max).contains(number) => *number,
            Some(Value::Integer(Some(number))) => {
                self.fault_value(name, &number.to_string(), &format!("{min} to {max}"));
                default
            }
            Some(other) => self.mistyped(name, other, &format!("a whole number, {min} to {max}"), default),
            None => default,
        }
    }

    /// A [`Kind::Text`].
    pub fn text(&self, name: &str) -> String {
        let Kind::Text(default) = self.kind(name) else { self.wrong_getter(name) };
        self.text_or(name, default)
    }

    /// A [`Kind::Choice`].
    pub fn choice(&self, name: &str) -> &'static str {
        let Kind::Choice(words) = self.kind(name) else { self.wrong_getter(name) };
        let word = self.text_or(name, words[0]);
        words.iter().copied().find(|known| *known == word).unwrap_or_else(|| {
            self.fault_value(name, &format!("\"{word}\""), &words.join(", "));
            words[0]
        })
    }

    /// A [`Kind::Mode`].
    pub fn mode(&self, name: &str) -> Mode {
        let Kind::Mode(default) = self.kind(name) else { self.wrong_getter(name) };
        let word = self.text_or(name, default);
        word.parse().unwrap_or_else(|_| {
            self.fault_value(name, &format!("\"{word}\""), "enforce, soft, monitor or off");
            Mode::Off
        })
    }

    /// A [`Kind::Path`]; relative ones start at the configuration's folder. `None` = not set.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let Kind::Path(default) = self.kind(name) else { self.wrong_getter(name) };
        let text = self.text_or(name, default);
        let folder = Path::new(self.file).parent().unwrap_or(Path::new(""));
        (!text.is_empty()).then(|| folder.join(text))
    }

    /// A [`Kind::Texts`].
    pub fn texts(&self, name: &str) -> Vec<String> {
        let Kind::Texts(default) = self.kind(name) else { self.wrong_getter(name) };
        self.items(name).unwrap_or_else(|| default.iter().map(|&item| item.to_owned()).collect())
    }

    /// A [`Kind::Networks`].
    pub fn networks(&self, name: &str) -> Vec<Network> {
        let Kind::Networks(default) = self.kind(name) else { self.wrong_getter(name) };
        let texts = self.items(name).unwrap_or_else(|| default.iter().map(|&item| item.to_owned()).collect());
        let parse = |text: &String| match text.parse() {
            Ok(network) => Some(network),
            Err(error) => {
                self.fault(name, error);
                None
            }
        };
        texts.iter().filter_map(parse).collect()
    }

    /// A [`Kind::TextMap`]: keys and texts in file order.
    pub fn text_map(&self, name: &str) -> Vec<(String, String)> {
        let Kind::TextMap = self.kind(name) else { self.wrong_getter(name) };
        match self.value(name) {
            None => Vec::new(),
            Some(Value::Table(table)) => table.0.iter().filter_map(|entry| self.map_item(name, entry)).collect(),
            Some(other) => self.mistyped(name, other, "a table of texts", Vec::new()),
        }
    }

    fn map_item(&self, name: &str, entry: &Entry) -> Option<(String, String)> {
        if let Value::Text(text) = &entry.value {
            return Some((entry.key.clone(), text.clone()));
        }
        let found = entry.value.type_name();
        self.fault_at(entry.line, &format!("[{}.{name}] {} is {found}: expected a text", self.path, entry.key));
        None
    }

    fn items(&self, name: &str) -> Option<Vec<String>> {
        let list = match self.value(name)? {
            Value::Array(list) if list.len() <= Self::ITEMS_MAX => list,
            Value::Array(list) => {
                self.fault(name, format!("{} items: expected at most {}", list.len(), Self::ITEMS_MAX));
                return None;
            }
            other => return self.mistyped(name, other, "a list of texts", None),
        };
        let mut items = Vec::with_capacity(list.len());
        for (line, item) in list {
            match item {
                Value::Text(text) if text.len() <= Self::TEXT_OCTETS_MAX => items.push(text.clone()),
                other => {
                    let found = other.type_name();
                    self.fault_at(*line, &format!("[{}] {name} holds {found}: expected short texts", self.path));
                }
            }
        }
        Some(items)
    }

    fn text_or(&self, name: &str, default: &str) -> String {
        match self.value(name) {
            None => default.to_owned(),
            Some(Value::Text(text)) if text.len() <= Self::TEXT_OCTETS_MAX => text.clone(),
            Some(Value::Text(text)) => {
                self.fault_value(name, &format!("{} bytes", text.len()), &format!("at most {}", Self::TEXT_OCTETS_MAX));
                default.to_owned()
            }
            Some(other) => self.mistyped(name, other, "a text in quotes", default.to_owned()),
        }
    }

    fn kind(&self, name: &str) -> Kind {
        match self.fields.iter().find(|field| field.name == name) {
            Some(field) => field.kind,
            None => panic!("[{}] declares no field {name}", self.path),
        }
    }

    fn wrong_getter(&self, name: &str) -> ! {
        panic!("[{}] {name} is declared with another type", self.path)
    }

    fn entry(&self, name: &str) -> Option<&'a Entry> {
        self.table.and_then(|table| table.get(name))
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.entry(name).map(|entry| &entry.value)
    }

    fn mistyped<T>(&self, name: &str, found: &Value, expected: &str, default: T) -> T {
        self.fault(name, format!("{}: expected {expected}", found.type_name()));
        default
    }

    fn fault_value(&self, name: &str, found: &str, expected: &str) {
        let line = self.entry(name).map_or(0, |entry| entry.line);
        self.fault_at(line, &format!("[{}] {name} = {found}: expected {expected}", self.path));
    }

    fn fault_at(&self, line: usize, text: &str) {
        self.push(Fault { file: self.file.to_owned(), line, text: text.to_owned() });
    }

    fn refuse_unknown_keys(&self) {
        let known = || self.fields.iter().map(|field| field.name).chain(self.tables.iter().map(|(name, _)| *name));
        for entry in self.table.iter().flat_map(|table| &table.0) {
            if known().any(|name| name == entry.key) {
                continue;
            }
            let names: Vec<_> = known().collect();
            let text = format!("[{}] {}: unknown key: expected {}", self.path, entry.key, names.join(", "));
            self.fault_at(entry.line, &text);
        }
    }
}
