//! How is a value carried that nobody may see? Its type shows a word in its place.

use super::file::read_regular;
use std::{fmt, path::Path, sync::Arc};

/// A key or password. `Debug` and `Display` never show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    /// What is shown in its place.
    pub const SHOWN: &str = "(secret)";

    /// Largest file that holds one, in octets.
    pub const OCTETS_MAX: u64 = 4_096;

    /// Takes it.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The first line of a file. `Err` is one line for the administrator, and shows nothing of it.
    pub fn of_file(path: &Path) -> Result<Self, String> {
        let say = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
        let (content, _) = read_regular(path, Self::OCTETS_MAX).map_err(|error| say(&error))?;
        let content = content.unwrap_or_default();
        let line = content.split(|&octet| octet == b'\n' || octet == b'\r').next().unwrap_or_default();
        match std::str::from_utf8(line) {
            Ok("") | Err(_) => Err(say(&"there is no password in its first line: expected a text")),
            Ok(line) => Ok(Self::new(line)),
        }
    }

    /// The value itself. Never show it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::SHOWN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::SHOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "(secret) (secret) Some((secret))");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_file_holds_one_in_its_first_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("password");
        let read = |content: &[u8]| {
            std::fs::write(&path, content).expect("writes");
            Secret::of_file(&path).map(|secret| secret.expose().to_owned())
        };
        assert_eq!(read(b"hunter2"), Ok("hunter2".to_owned()));
        assert_eq!(read(b" a b \r\nmore\n"), Ok(" a b ".to_owned()));
        for wrong in [&b""[..], b"\nlate", b"\xff\n", &[b'x'; 5_000]] {
            let error = read(wrong).expect_err("no password");
            assert!(error.starts_with(&path.display().to_string()) && !error.contains("late"), "{error}");
        }
    }
}
