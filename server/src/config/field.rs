//! What does a key of the configuration look like? The declaration from which reader, reference page, default file
//! and faults are made.

/// A declared key. Keys are snake_case and end in their unit where they have one (`deadline_ms`).
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// Type, range and default.
    pub kind: Kind,
    /// What it means: unit, effect, source. One or two sentences.
    pub doc: &'static str,
}

/// Types of values, each with its default. `""` and an empty list mean "not set".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number within `min..=max`.
    Integer {
        /// Value without configuration.
        default: i64,
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Any text of at most 1,024 bytes.
    Text(&'static str),
    /// A text that is never shown: not in faults, not in the configuration in force. Without configuration: not set.
    Secret,
    /// One word of a closed set; the first is the default.
    Choice(&'static [&'static str]),
    /// `enforce`, `soft`, `monitor` or `off`; the default is given by name.
    Mode(&'static str),
    /// A path; relative ones start at the folder of `tollgate.toml`. Empty = not set.
    Path(&'static str),
    /// A list of texts, at most 10,000.
    Texts(&'static [&'static str]),
    /// A list of addresses and networks in CIDR form, at most 10,000.
    Networks(&'static [&'static str]),
    /// A table with free keys and text values (`reply = { listed = "…" }`), at most 100.
    TextMap,
}
