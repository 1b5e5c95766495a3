//! What does `tollgate recipients` print, write and return?

use super::tollgate as run_line;
use std::{fs, path::Path};

/// A mail host with one user, below a folder.
fn host(folder: &Path) {
    let home = folder.join("home");
    for made in ["control", "users", "home"] {
        fs::create_dir(folder.join(made)).expect("a folder");
    }
    fs::write(folder.join("control/me"), "mx1.here.example\n").expect("written");
    fs::write(folder.join("control/locals"), "here.example\n").expect("written");
    fs::write(home.join(".qmail-known"), "").expect("written");
    fs::write(home.join("letters"), "").expect("written");
    let passwd = format!("alias:x:900:900::{}:\nann:x:1001:100::/nonexistent:\n", home.display());
    fs::write(folder.join("passwd"), passwd).expect("written");
}

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

#[test]
fn a_host_is_exported_and_its_snapshot_explains_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    host(folder.path());
    let (control, passwd, output) =
        (at(folder.path(), "control"), at(folder.path(), "passwd"), at(folder.path(), "mx1.cdb"));
    let line = ["recipients", "export", "--control", &control, "--passwd", &passwd, "--output", &output];
    let (code, out, _) = run_line(&line);
    assert_eq!(
        (code, out.as_str()),
        (0, &*format!("{output}: mx1.here.example, 2 accounts, 1 homes with 1 .qmail files\n"))
    );
    let config = at(folder.path(), "tollgate.toml");
    let text = "[policy]\ncontrol = \"nowhere\"\n[[check.recipient.snapshot]]\nhost = \"mx1.here.example\"\nfile = \"mx1.cdb\"\n";
    fs::write(&config, text).expect("written");
    for (address, expected_code, expected) in [
        ("<known@here.example>", 0, "exists: ".to_owned() + &at(folder.path(), "home/.qmail-known is there")),
        ("nobody@here.example", 1, format!("missing: nothing in {} covers .qmail-nobody", at(folder.path(), "home"))),
        ("--flag@elsewhere.example", 0, "unknown: elsewhere.example is neither local nor virtual".to_owned()),
    ] {
        let (code, out, err) = run_line(&["recipients", "explain", "--local", "--config", &config, "--", address]);
        assert_eq!(code, expected_code, "{err}");
        assert!(
            out.contains("source") && out.contains("mx1.here.example") && out.contains(&expected),
            "{address}: {out}"
        );
    }
    let (code, _, err) =
        run_line(&["recipients", "explain", "--local", "--config", &config, "--host", "mx9", "ann@here.example"]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn what_cannot_be_exported_leaves_the_old_file() {
    let folder = tempfile::tempdir().expect("a folder");
    host(folder.path());
    let (control, passwd, output) =
        (at(folder.path(), "control"), at(folder.path(), "passwd"), at(folder.path(), "mx1.cdb"));
    fs::write(&output, "old").expect("written");
    let line = ["recipients", "export", "--control", &control, "--passwd", &passwd, "--output", &output];
    fs::write(folder.path().join("users/cdb"), "cut off").expect("written");
    let (code, _, err) = run_line(&line);
    assert!(code == 70 && err.contains("users/cdb: 7 bytes"), "{err}");
    fs::remove_file(folder.path().join("users/cdb")).expect("removed");
    fs::remove_file(folder.path().join("control/me")).expect("removed");
    let (code, _, err) = run_line(&line);
    assert!(code == 64 && err.contains("--host"), "{err}");
    fs::remove_file(&passwd).expect("removed");
    let (code, _, err) = run_line(&line);
    assert!(code == 70 && err.contains("passwd: no such file"), "{err}");
    assert_eq!(fs::read(&output).expect("read"), b"old");
}
