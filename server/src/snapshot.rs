//! Is a generated page in step with the program? For tests: compares, or writes it anew with `TOLLGATE_BLESS=1`.

use std::{env, fs, path::Path};

/// Compares `content` with the file at `path` (from the root of the source tree) and panics where they differ.
#[allow(clippy::panic, reason = "an assertion of tests")]
pub(crate) fn compare(path: &str, content: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if env::var_os("TOLLGATE_BLESS").is_some() {
        fs::write(&file, content).expect("the page can be written");
        return;
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let differing = kept.lines().zip(content.lines()).position(|(kept, now)| kept != now);
    let line = differing.unwrap_or_else(|| kept.lines().count().min(content.lines().count())) + 1;
    assert!(
        kept == content,
        "{path}:{line} is out of step: run the test with TOLLGATE_BLESS=1, look at the difference, commit it"
    );
}
