//! What does `docs/configuration.md` say? The reference page, written from the declared fields and rules.

use super::{
    Field,
    catalogue::{Declared, declared},
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
    for section in declared() {
        out += &format!("\n## `[{}]`\n\n{}", section.path, paragraph(section.doc));
        out += &fields(&section.fields);
        out += &tables(&section);
        out += &rules(section.rules);
    }
    out
}

fn fields(fields: &[Field]) -> String {
    if fields.is_empty() {
        return String::new();
    }
    let row = |field: &Field| {
        let (expected, default) = (cell(&expected(field.kind)), cell(&value(field.kind, None)));
        format!("| `{}` | {expected} | `{default}` | {} |\n", field.name, cell(field.doc))
    };
    let rows: String = fields.iter().map(row).collect();
    format!("\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}")
}

fn tables(section: &Declared) -> String {
    let one = |(name, keys): &(&str, &[Field])| {
        format!("\n### `{}`\n\nAny number of tables.\n{}", header(&section.path, name), fields(keys))
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
