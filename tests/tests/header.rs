//! Does `client-shim/include/tollgate.h` say what `client-shim/src/api.rs` exports?
//!
//! `TOLLGATE_BLESS=1 cargo test -p tollgate-tests --test header` writes it anew.

use std::{env, error::Error, fs, path::Path};

/// The sections of Rust's own that mean nothing to C.
const SAFETY_SECTION: &str = "# Safety";

fn generated(shim: &Path) -> Result<String, Box<dyn Error>> {
    let config = cbindgen::Config::from_file(shim.join("cbindgen.toml"))?;
    let bindings = cbindgen::Builder::new().with_config(config).with_src(shim.join("src/api.rs")).generate()?;
    let mut bytes = Vec::new();
    bindings.write(&mut bytes);
    Ok(in_old_c(&without_safety(&String::from_utf8(bytes)?)))
}

/// Leaves out `# Safety` and what follows in its comment: the file's head says it for all functions.
fn without_safety(header: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut skips = false;
    for line in header.lines() {
        skips = (skips || line.contains(SAFETY_SECTION)) && !line.contains("*/");
        if skips {
            while kept.last().is_some_and(|line| line.trim() == "*") {
                kept.pop();
            }
        } else {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}

/// Compilers of qmail's age know one kind of comment.
fn in_old_c(header: &str) -> String {
    let comment = |line: &str| match line.split_once("// ") {
        Some((code, word)) => format!("{code}/* {word} */"),
        None => line.to_owned(),
    };
    header.lines().map(|line| comment(line) + "\n").collect()
}

#[test]
fn the_header_is_the_librarys() -> Result<(), Box<dyn Error>> {
    let shim = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client-shim");
    let path = shim.join("include/tollgate.h");
    let expected = generated(&shim)?;
    if env::var_os("TOLLGATE_BLESS").is_some() {
        fs::write(&path, &expected)?;
    }
    assert_eq!(fs::read_to_string(&path)?, expected, "run with TOLLGATE_BLESS=1 to write the header anew");
    Ok(())
}

#[test]
fn the_header_is_plain_enough_for_qmail() -> Result<(), Box<dyn Error>> {
    let header = generated(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../client-shim"))?;
    // qmail's own headers declare libc functions in their own way: ours may not bring another declaration.
    assert!(!header.contains("#include"));
    for line in header.lines().filter(|line| line.ends_with(';')) {
        assert!(line.contains(" *tollgate_") || line.contains(" tollgate_"), "{line}");
        assert!(!line.contains("int32_t") && !line.contains("bool") && !line.contains("size_t"), "{line}");
    }
    for line in header.lines().filter(|line| line.starts_with("#define")) {
        assert!(line.starts_with("#define TOLLGATE_"), "{line}");
    }
    Ok(())
}
