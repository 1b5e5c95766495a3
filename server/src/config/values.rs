//! How does a key become a value? One getter for each [`Kind`]: type, range and length are checked, the default stands in.

use super::{
    Kind, Network, Secret, Section,
    document::{Entry, Value},
};
use crate::mode::Mode;
use std::path::{Path, PathBuf};

/// Getters take the name of a declared field; an undeclared name, or a getter of another type, is a bug and panics
/// (a test builds every section of every check). After a fault they return the default, so that reading goes on.
impl Section<'_> {
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

    /// A [`Kind::Secret`]; `None` = not set. No fault shows it.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        let Kind::Secret = self.kind(name) else { self.wrong_getter(name) };
        let fits = |text: &&String| text.len() <= Self::TEXT_OCTETS_MAX;
        match self.value(name) {
            None => None,
            Some(Value::Text(text)) if text.is_empty() => None,
            Some(Value::Text(text)) if fits(&text) => Some(Secret::new(text.as_str())),
            Some(_) => {
                self.fault(name, format!("expected a text in quotes of at most {} bytes", Self::TEXT_OCTETS_MAX));
                None
            }
        }
    }

    /// A [`Kind::Choice`].
    pub fn choice(&self, name: &str) -> &'static str {
        let Kind::Choice(words) = self.kind(name) else { self.wrong_getter(name) };
        let word = self.text_or(name, words[0]);
        words.iter().copied().find(|known| *known == word).unwrap_or_else(|| {
            self.fault_value(name, &quoted(&word), &words.join(", "));
            words[0]
        })
    }

    /// A [`Kind::Mode`].
    pub fn mode(&self, name: &str) -> Mode {
        let Kind::Mode(default) = self.kind(name) else { self.wrong_getter(name) };
        let word = self.text_or(name, default);
        word.parse().unwrap_or_else(|_| {
            self.fault_value(name, &quoted(&word), "enforce, soft, monitor or off");
            Mode::Off
        })
    }

    /// A [`Kind::Path`]; relative ones start at the configuration's folder. `None` = not set.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let Kind::Path(default) = self.kind(name) else { self.wrong_getter(name) };
        let text = self.text_or(name, default);
        let folder = Path::new(self.file()).parent().unwrap_or(Path::new(""));
        (!text.is_empty()).then(|| folder.join(text))
    }

    /// A [`Kind::Texts`].
    pub fn texts(&self, name: &str) -> Vec<String> {
        let Kind::Texts(default) = self.kind(name) else { self.wrong_getter(name) };
        self.items(name, default).into_iter().map(|(_, text)| text).collect()
    }

    /// A [`Kind::Networks`].
    pub fn networks(&self, name: &str) -> Vec<Network> {
        let Kind::Networks(default) = self.kind(name) else { self.wrong_getter(name) };
        let parse = |(line, text): (usize, String)| match text.parse() {
            Ok(network) => Some(network),
            Err(error) => {
                let error: String = error;
                self.fault_at(line, &format!("[{}] {name}: {error}", self.path_text()));
                None
            }
        };
        self.items(name, default).into_iter().filter_map(parse).collect()
    }

    /// A [`Kind::TextMap`]: keys and texts in file order.
    pub fn text_map(&self, name: &str) -> Vec<(String, String)> {
        let Kind::TextMap = self.kind(name) else { self.wrong_getter(name) };
        let table = match self.value(name) {
            None => return Vec::new(),
            Some(Value::Table(table)) => table,
            Some(other) => return self.mistyped(name, other, "a table of texts", Vec::new()),
        };
        if table.0.len() > Self::MAP_KEYS_MAX {
            self.fault(name, format!("{} keys: expected at most {}", table.0.len(), Self::MAP_KEYS_MAX));
        }
        table.0.iter().take(Self::MAP_KEYS_MAX).filter_map(|entry| self.map_item(name, entry)).collect()
    }

    fn map_item(&self, name: &str, entry: &Entry) -> Option<(String, String)> {
        match text_or_complaint(&entry.value) {
            Ok(text) => Some((entry.key.clone(), text.to_owned())),
            Err(complaint) => {
                self.fault_at(entry.line, &format!("[{}.{name}] {}: {complaint}", self.path_text(), entry.key));
                None
            }
        }
    }

    /// The texts of a list with their lines.
    fn items(&self, name: &str, default: &[&str]) -> Vec<(usize, String)> {
        let list = match self.value(name) {
            None => return default.iter().map(|&item| (0, item.to_owned())).collect(),
            Some(Value::Array(list)) => list,
            Some(other) => return self.mistyped(name, other, "a list of texts", Vec::new()),
        };
        self.limit(name, list.len(), "items");
        let mut items = Vec::with_capacity(list.len().min(Self::ITEMS_MAX));
        for (line, item) in list.iter().take(Self::ITEMS_MAX) {
            match text_or_complaint(item) {
                Ok(text) => items.push((*line, text.to_owned())),
                Err(complaint) => self.fault_at(*line, &format!("[{}] {name} holds {complaint}", self.path_text())),
            }
        }
        items
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

    fn wrong_getter(&self, name: &str) -> ! {
        panic!("[{}] {name} is declared with another type", self.path_text())
    }

    fn mistyped<T>(&self, name: &str, found: &Value, expected: &str, default: T) -> T {
        self.fault_at(
            self.line_of(name),
            &format!("[{}] {name}{}: expected {expected}", self.path_text(), shown(found)),
        );
        default
    }
}

/// A text of bounded length, or what is wrong with it.
fn text_or_complaint(value: &Value) -> Result<&str, String> {
    match value {
        Value::Text(text) if text.len() <= Section::TEXT_OCTETS_MAX => Ok(text),
        Value::Text(text) => {
            Err(format!("a text of {} bytes: expected at most {}", text.len(), Section::TEXT_OCTETS_MAX))
        }
        other => Err(format!("{}: expected a text in quotes", other.type_name())),
    }
}

/// What stands there: a short value itself, else what it is.
fn shown(value: &Value) -> String {
    const TEXT_SHOWN_MAX: usize = 60;
    match value {
        Value::Bool(flag) => format!(" = {flag}"),
        Value::Integer(Some(number)) => format!(" = {number}"),
        Value::Text(text) if text.len() <= TEXT_SHOWN_MAX => format!(" = {}", quoted(text)),
        other => format!(" is {}", other.type_name()),
    }
}

/// As a fault shows it: control characters escaped, so that one fault stays one line.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}
