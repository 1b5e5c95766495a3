//! How does a test change a configuration? Section by section: its keys replace the preset's, its lists are added.

/// Lines under one heading.
struct Section {
    heading: String,
    lines: Vec<String>,
}

/// `base` with the sections of `extra`. `[[…]]` adds an entry; `[…]` adds keys and replaces those of the same name.
/// Keys take one line each.
pub fn merge(base: &str, extra: &str) -> String {
    let mut merged = sections(base);
    for section in sections(extra) {
        let is_entry = section.heading.starts_with("[[");
        match merged.iter_mut().find(|known| !is_entry && known.heading == section.heading) {
            Some(known) => replace(known, section.lines),
            None => merged.push(section),
        }
    }
    merged.iter().map(|section| format!("{}\n{}\n\n", section.heading, section.lines.join("\n"))).collect()
}

fn sections(text: &str) -> Vec<Section> {
    let mut found = vec![Section { heading: String::new(), lines: Vec::new() }];
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with('[') {
            found.push(Section { heading: line.trim().to_owned(), lines: Vec::new() });
        } else if let Some(section) = found.last_mut() {
            section.lines.push(line.to_owned());
        }
    }
    found
}

fn replace(known: &mut Section, lines: Vec<String>) {
    for line in lines {
        if let Some((key, _)) = line.split_once('=') {
            known.lines.retain(|old| old.split_once('=').is_none_or(|(name, _)| name.trim() != key.trim()));
        }
        known.lines.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn keys_are_replaced_and_entries_added() {
        let base = "# a remark\n[a]\nx = 1\ny = 2\n[[b]]\nz = 1\n";
        let merged = merge(base, "[a]\ny = 3\n[[b]]\nz = 2\n[c]\nq = 0\n");
        let flat: Vec<&str> = merged.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(flat, ["# a remark", "[a]", "x = 1", "y = 3", "[[b]]", "z = 1", "[[b]]", "z = 2", "[c]", "q = 0"]);
    }
}
