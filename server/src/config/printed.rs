//! What stands in a complete `tollgate.toml`? The commented default file, and the configuration in force.

use super::{
    Document, Field, Tables,
    catalogue::{COMMON_DOC, Declared, declared},
    document::{Entry, Table, Value},
    render::{expected, key, value, wrapped},
    section::FREE_NAME,
};

/// Widest line of a comment.
const COLUMNS: usize = 100;

/// `tollgate config --print-default`: every key with its meaning, range and default, commented out.
pub fn default_file() -> String {
    let mut out = wrapped(
        "Tollgate's configuration. Everything has a default: without any file the daemon runs, too. Keys are shown \
         with their defaults; take the # away from a line that starts with #key = to change it. `tollgate config \
         --check FILE` reads a file as the daemon does and tells every mistake with its line.",
        "# ",
        COLUMNS,
    );
    let mut common_explained = false;
    for section in declared() {
        if !section.common.is_empty() && !common_explained {
            out += &format!("\n\n# {COMMON_DOC}\n{}", explained(&section.common));
            common_explained = true;
        }
        out += &format!("\n\n{}[{}]\n", wrapped(section.doc, "# ", COLUMNS), section.path);
        out += &section.common.iter().map(key_line).collect::<String>();
        out += &keys_with_docs(&section.fields);
        for (name, fields) in section.tables {
            let header = header(&section.path, name);
            out += &format!("\n# Any number of {header}:\n#{header}\n{}", keys_with_docs(fields));
        }
    }
    out
}

fn keys_with_docs(fields: &[Field]) -> String {
    let doc = |field: &Field| wrapped(&format!("{} ({})", field.doc, expected(field.kind)), "# ", COLUMNS);
    fields.iter().map(|field| format!("\n{}{}", doc(field), key_line(field))).collect()
}

/// A key with its default, commented out.
fn key_line(field: &Field) -> String {
    format!("#{} = {}\n", field.name, value(field.kind, None))
}

/// Keys that are explained here and stand elsewhere.
fn explained(fields: &[Field]) -> String {
    let one = |field: &Field| {
        let doc = format!("{}: {} ({})", field.name, field.doc, expected(field.kind));
        wrapped(&doc, "#     ", COLUMNS)
    };
    fields.iter().map(one).collect()
}

/// `[[check.rbl.list]]` or `[dns.resolver.NAME]`.
pub(super) fn header(path: &str, table: &str) -> String {
    if table.ends_with(FREE_NAME) { format!("[{path}.{table}]") } else { format!("[[{path}.{table}]]") }
}

/// `tollgate config --effective`: every key with the value in force; those that are written down say where.
///
/// The document must have been read without faults.
pub fn effective(document: &Document) -> String {
    let name = if document.file.is_empty() { "no file: defaults only" } else { &document.file };
    let mut out = format!("# {}\n", name.escape_debug());
    for section in declared() {
        out += &effective_section(document, &section);
    }
    out
}

fn effective_section(document: &Document, section: &Declared) -> String {
    let table = section.path.split('.').try_fold(&document.root, |table, part| match &table.get(part)?.value {
        Value::Table(inner) => Some(inner),
        _ => None,
    });
    let mut out = format!("\n[{}]\n{}", section.path, keys(section.keys(), table));
    if let Some(table) = table {
        out += &effective_tables(table, &section.path, section.tables);
    }
    out
}

fn effective_tables(table: &Table, path: &str, declared: Tables) -> String {
    let mut out = String::new();
    for (declared_name, fields) in declared {
        let name = declared_name.trim_end_matches(FREE_NAME);
        match table.get(name).map(|entry| &entry.value) {
            Some(Value::Array(items)) => {
                for (_, item) in items {
                    out += &format!("\n[[{path}.{name}]]\n{}", keys(*fields, as_table(item)));
                }
            }
            Some(Value::Table(named)) => {
                for entry in &named.0 {
                    out += &format!("\n[{path}.{name}.{}]\n{}", key(&entry.key), keys(*fields, as_table(&entry.value)));
                }
            }
            _ => {}
        }
    }
    out
}

fn as_table(value: &Value) -> Option<&Table> {
    if let Value::Table(table) = value { Some(table) } else { None }
}

fn keys<'a>(fields: impl IntoIterator<Item = &'a Field>, table: Option<&Table>) -> String {
    let one = |field: &Field| match table.and_then(|table| table.get(field.name)) {
        Some(Entry { line, value: written, .. }) => {
            format!("{} = {} # line {line}\n", field.name, value(field.kind, Some(written)))
        }
        None => format!("{} = {}\n", field.name, value(field.kind, None)),
    };
    fields.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default file with every default line switched on; tables that may stand several times stay out.
    fn uncommented(text: &str) -> String {
        let mut within_tables = false;
        let mut out = String::new();
        for line in text.lines() {
            match line.strip_prefix('#') {
                Some(header) if header.starts_with('[') => within_tables = true,
                Some(key) if key.starts_with(|first: char| first.is_ascii_lowercase()) && !within_tables => out += key,
                Some(_) => {}
                None => {
                    within_tables &= line.is_empty();
                    out += line;
                }
            }
            out.push('\n');
        }
        out
    }

    /// Without `# line N`.
    fn values(text: &str) -> Vec<&str> {
        text.lines().map(|line| line.split(" # line ").next().unwrap_or(line)).collect()
    }

    #[test]
    fn the_default_file_holds_the_defaults() {
        let printed = default_file();
        let as_printed = Document::parse("", &printed).expect("the printed file parses");
        assert_eq!(effective(&as_printed), effective(&Document::default()), "commented out, it changes nothing");
        let switched_on = Document::parse("", &uncommented(&printed)).expect("the uncommented file parses");
        let text = effective(&switched_on);
        assert_eq!(values(&text), values(&effective(&Document::default())), "uncommented, it changes nothing");
        let keys: usize = declared().iter().map(|section| section.keys().count()).sum();
        assert_eq!(text.matches(" # line ").count(), keys, "every key was switched on");
    }

    #[test]
    fn the_configuration_in_force_parses_back_to_itself() {
        let text = "[check.access]\nmode = \"monitor\"\nreply = { a = \"b\" }\nvoice = \"rcpt\"\n\
                    [dns.resolver.\"a b\"]\nservers = [\"::1\"]\n";
        let document = Document::parse("t.toml", text).expect("a document");
        let printed = effective(&document);
        for line in [
            "mode = \"monitor\" # line 2",
            "reply = { a = \"b\" } # line 3",
            "voice = \"rcpt\" # line 4",
            "servers = [\"::1\"] # line 6",
        ] {
            assert!(printed.lines().any(|found| found == line), "{line}");
        }
        let again = Document::parse("t.toml", &printed).expect("a document");
        assert_eq!(values(&effective(&again)), values(&printed));
    }
}
