//! How is a table of `tollgate.toml` read? By declared fields: unknown keys are faults, and every fault knows its line.
//! `values.rs` has the getters.

use super::{
    Fault, Field, Kind,
    document::{Document, Entry, Table, Value},
    spelling,
};
use std::cell::RefCell;

/// Tables of one name that a section may hold: `("list", FIELDS)` declares `[[check.rbl.list]]`, and
/// `("resolver.NAME", FIELDS)` declares `[dns.resolver.NAME]` with free names.
pub type Tables = &'static [(&'static str, &'static [Field])];

/// Ends the declared name of tables with free names.
pub(super) const FREE_NAME: &str = ".NAME";

/// One table with the fields it may have. A missing table reads as one without keys.
pub struct Section<'a> {
    file: &'a str,
    path: String,
    /// Line of the table's header; 0 = it is not there.
    line: usize,
    table: Option<&'a Table>,
    fields: Vec<&'a Field>,
    tables: Tables,
    faults: &'a RefCell<Vec<Fault>>,
}

impl<'a> Section<'a> {
    /// Longest text value, in octets.
    pub const TEXT_OCTETS_MAX: usize = 1024;
    /// Longest list, and most tables of one name.
    pub const ITEMS_MAX: usize = 10_000;
    /// Most keys of a [`Kind::TextMap`].
    pub const MAP_KEYS_MAX: usize = 100;
    /// Faults that are kept: nobody reads more at once.
    pub const FAULTS_MAX: usize = 200;

    /// The table at `path` (dotted, `check.rbl`), with its fields, and the tables that may stand in it several times.
    pub fn new(
        document: &'a Document,
        path: &str,
        fields: &[&'a [Field]],
        tables: Tables,
        faults: &'a RefCell<Vec<Fault>>,
    ) -> Self {
        let mut section = Self {
            file: &document.file,
            path: path.to_owned(),
            line: 0,
            table: Some(&document.root),
            fields: fields.iter().flat_map(|fields| fields.iter()).collect(),
            tables,
            faults,
        };
        section.descend();
        section.refuse_unknown_keys();
        section
    }

    /// Walks from the top-level table to the one at `path`.
    fn descend(&mut self) {
        let path = self.path.clone();
        let mut walked = String::new();
        for part in path.split('.').filter(|part| !part.is_empty()) {
            walked = if walked.is_empty() { part.to_owned() } else { format!("{walked}.{part}") };
            let Some(entry) = self.entry(part) else {
                (self.table, self.line) = (None, 0);
                return;
            };
            self.line = entry.line;
            self.table = match &entry.value {
                Value::Table(inner) => Some(inner),
                other => {
                    let found = other.type_name();
                    self.fault_at(entry.line, &format!("{walked} is {found}: expected a table [{walked}]"));
                    None
                }
            };
        }
    }

    /// The tables `[[path.name]]`, in file order. `name` must be declared in the section's tables.
    pub fn tables(&self, name: &str) -> Vec<Section<'a>> {
        let fields = self.declared_table(name);
        let Some(entry) = self.entry(name) else { return Vec::new() };
        let Value::Array(items) = &entry.value else {
            self.misplaced(entry, &format!("[[{}.{name}]]", self.path));
            return Vec::new();
        };
        self.limit(name, items.len(), "tables");
        let path = format!("{}.{name}", self.path);
        let items = items.iter().take(Self::ITEMS_MAX);
        items.filter_map(|(line, item)| self.inner(path.clone(), *line, item, fields)).collect()
    }

    /// The tables `[path.name.*]` with the free part of their names, in file order. They are declared as `name.NAME`.
    pub fn named_tables(&self, name: &str) -> Vec<(String, Section<'a>)> {
        let fields = self.declared_table(&format!("{name}{FREE_NAME}"));
        let Some(entry) = self.entry(name) else { return Vec::new() };
        let Value::Table(table) = &entry.value else {
            self.misplaced(entry, &format!("[{}.{name}.NAME]", self.path));
            return Vec::new();
        };
        self.limit(name, table.0.len(), "tables");
        let inner = |entry: &'a Entry| {
            let path = format!("{}.{name}.{}", self.path, entry.key);
            Some((entry.key.clone(), self.inner(path, entry.line, &entry.value, fields)?))
        };
        table.0.iter().take(Self::ITEMS_MAX).filter_map(inner).collect()
    }

    /// Something else where tables belong.
    fn misplaced(&self, entry: &Entry, header: &str) {
        let text = format!("[{}] {} is {}: expected {header} tables", self.path, entry.key, entry.value.type_name());
        self.fault_at(entry.line, &text);
    }

    fn inner(&self, path: String, line: usize, value: &'a Value, fields: &'static [Field]) -> Option<Section<'a>> {
        let Value::Table(table) = value else {
            self.fault_at(line, &format!("{path} is {}: expected a table", value.type_name()));
            return None;
        };
        let fields = fields.iter().collect();
        let section =
            Section { file: self.file, path, line, table: Some(table), fields, tables: &[], faults: self.faults };
        section.refuse_unknown_keys();
        Some(section)
    }

    fn declared_table(&self, name: &str) -> &'static [Field] {
        match self.tables.iter().find(|(table, _)| *table == name) {
            Some((_, fields)) => fields,
            None => panic!("[{}] declares no table {name}", self.path),
        }
    }

    /// Is the key written down?
    pub fn is_set(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// Adds a fault at a key: `[section] key: text`. A key that is not there points at its table.
    pub fn fault(&self, name: &str, text: impl AsRef<str>) {
        self.fault_at(self.line_of(name), &format!("[{}] {name}: {}", self.path, text.as_ref()));
    }

    /// Adds a ready fault, such as one about a file. The same fault is not told twice.
    pub fn push(&self, fault: Fault) {
        let mut faults = self.faults.borrow_mut();
        if faults.len() < Self::FAULTS_MAX && !faults.contains(&fault) {
            faults.push(fault);
        }
    }

    /// Folder and name of the file.
    pub(super) fn file(&self) -> &'a str {
        self.file
    }

    /// Dotted name of the table.
    pub(super) fn path_text(&self) -> &str {
        &self.path
    }

    pub(super) fn kind(&self, name: &str) -> Kind {
        match self.fields.iter().find(|field| field.name == name) {
            Some(field) => field.kind,
            None => panic!("[{}] declares no field {name}", self.path),
        }
    }

    fn entry(&self, name: &str) -> Option<&'a Entry> {
        self.table.and_then(|table| table.get(name))
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.entry(name).map(|entry| &entry.value)
    }

    pub(super) fn line_of(&self, name: &str) -> usize {
        self.entry(name).map_or(self.line, |entry| entry.line)
    }

    /// Too many of something is one fault; what lies beyond is not read.
    pub(super) fn limit(&self, name: &str, found: usize, what: &str) {
        if found > Self::ITEMS_MAX {
            self.fault(name, format!("{found} {what}: expected at most {}", Self::ITEMS_MAX));
        }
    }

    pub(super) fn fault_value(&self, name: &str, found: &str, expected: &str) {
        self.fault_at(self.line_of(name), &format!("[{}] {name} = {found}: expected {expected}", self.path));
    }

    pub(super) fn fault_at(&self, line: usize, text: &str) {
        self.push(Fault { file: self.file.to_owned(), line, text: text.to_owned() });
    }

    fn refuse_unknown_keys(&self) {
        let tables = self.tables.iter().map(|(name, _)| name.trim_end_matches(FREE_NAME));
        let known: Vec<&str> = self.fields.iter().map(|field| field.name).chain(tables).collect();
        for entry in self.table.iter().flat_map(|table| &table.0) {
            if !known.contains(&entry.key.as_str()) {
                let expected = spelling::expected(&entry.key, &known);
                self.fault_at(entry.line, &format!("[{}] {}: unknown key: {expected}", self.path, entry.key));
            }
        }
    }
}
