//! What does `docs/configuration.md` say? The reference page, written from the declared fields and rules.

use super::{
    Field, Kind,
    catalogue::{COMMON_DOC, Declared, declared},
    printed::header,
    render::{expected, value, wrapped},
};
use crate::check::Rule;

/// Widest line of running text.
const COLUMNS: usize = 120;

const INTRODUCTION: &str = "Generated from the fields that the code declares; `TOLLGATE_BLESS=1 cargo test -p tollgate \
reference` writes it anew. `tollgate config --print-default` prints the same as a commented file.";

const RULES_OF_READING: &str = "A missing file, section or key is its default. An unknown key, a value out of range and \
every other mistake is told with its line, all at once, and nothing is loaded: at start the daemon does not come up, at \
a reload the old policy stays. `\"\"` and `[]` mean \"not set\". Relative paths start at the folder of the file.";

/// The page.
pub fn page() -> String {
    let paragraph = |text| wrapped(text, "", COLUMNS);
    let mut out = format!("# Configuration\n\n{}\n{}", paragraph(INTRODUCTION), paragraph(RULES_OF_READING));
    let mut common_explained = false;
    for section in declared() {
        if !section.common.is_empty() && !common_explained {
            out += &format!("\n## `[check.*]`\n\n{}{}", paragraph(COMMON_DOC), table(&section.common, common_default));
            common_explained = true;
        }
        out += &format!("\n## `[{}]`\n\n{}", section.path, paragraph(section.doc));
        out += &default_mode(&section);
        out += &table(&section.fields, default);
        out += &tables(&section);
        out += &rules(section.rules);
    }
    out
}

fn table(fields: &[Field], default: impl Fn(&Field) -> String) -> String {
    if fields.is_empty() {
        return String::new();
    }
    let row = |field: &Field| {
        let expected = cell(&expected(field.kind));
        format!("| `{}` | {expected} | {} | {} |\n", field.name, default(field), cell(field.doc))
    };
    let rows: String = fields.iter().map(row).collect();
    format!("\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}")
}

fn default(field: &Field) -> String {
    format!("`{}`", cell(&value(field.kind, None)))
}

/// Checks differ in the mode they have without configuration.
fn common_default(field: &Field) -> String {
    if matches!(field.kind, Kind::Mode(_)) { "the check's".to_owned() } else { default(field) }
}

fn default_mode(section: &Declared) -> String {
    let mode = section.common.iter().find(|field| matches!(field.kind, Kind::Mode(_)));
    mode.map(|field| format!("\nMode without configuration: {}.\n", default(field))).unwrap_or_default()
}

fn tables(section: &Declared) -> String {
    let one = |(name, keys): &(&str, &[Field])| {
        format!("\n### `{}`\n\nAny number of tables.\n{}", header(&section.path, name), table(keys, default))
    };
    section.tables.iter().map(one).collect()
}

fn rules(rules: &[Rule]) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let row = |rule: &Rule| {
        let codes = format!("{}, {}", rule.code, rule.code_defer);
        let status = if rule.status.is_empty() { "–" } else { rule.status };
        format!("| `{}` | {codes} | {status} | {} | {} |\n", rule.name, cell(rule.text), cell(rule.doc))
    };
    let rows: String = rules.iter().map(row).collect();
    format!("\n| rule | rejects, defers with | status | text | meaning |\n|---|---|---|---|---|\n{rows}")
}

/// Text within a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot;

    #[test]
    fn the_reference_page_is_in_step() {
        snapshot::compare("docs/configuration.md", &page());
    }

    #[test]
    fn everything_declared_is_explained() {
        for section in declared() {
            let path = &section.path;
            assert!(!section.doc.is_empty(), "[{path}] has no doc");
            let of_tables = section.tables.iter().flat_map(|(_, fields)| fields.iter());
            for field in section.keys().chain(of_tables) {
                assert!(field.doc.ends_with('.'), "[{path}] {}: expected a sentence as doc", field.name);
            }
            for rule in section.rules {
                assert!(rule.doc.ends_with('.'), "[{path}] rule {}: expected a sentence as doc", rule.name);
            }
        }
    }
}
