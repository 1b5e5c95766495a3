//! Which key seals `session_state`? 32 random bytes in a file, made at the first start and the same on every server
//! that one mail host may ask.

use ring::rand::{SecureRandom, SystemRandom};
use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Octets of the key.
pub const KEY_OCTETS: usize = 32;

/// Largest key file that is read, in octets: 64 digits and some white space.
const FILE_OCTETS_MAX: u64 = 256;

/// Reads the key; makes it if there is no file. `Err` is one line for the administrator.
pub fn read_or_make(path: &Path) -> Result<[u8; KEY_OCTETS], String> {
    let say = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => {
            file.take(FILE_OCTETS_MAX).read_to_string(&mut text).map_err(|error| say(&error))?;
            digits(text.trim()).ok_or_else(|| say(&"expected 64 hexadecimal digits"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => make(path).map_err(|error| say(&error)),
        Err(error) => Err(say(&error)),
    }
}

fn make(path: &Path) -> Result<[u8; KEY_OCTETS], String> {
    let mut key = [0; KEY_OCTETS];
    SystemRandom::new().fill(&mut key).map_err(|_| "the system gives no random numbers".to_owned())?;
    let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    // Whole or not there: a key cut short by a crash would refuse the next start.
    let fresh = path.with_extension("new");
    let write = || {
        let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().map_err(|error| error.to_string())?;
    Ok(key)
}

fn digits(text: &str) -> Option<[u8; KEY_OCTETS]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    (digits.len() == 2 * KEY_OCTETS).then(|| bytes.try_into().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn made_once_and_kept() {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("pool.key");
        let key = read_or_make(&path).expect("made");
        assert_eq!(read_or_make(&path), Ok(key));
        assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o777, 0o600);
        let other = read_or_make(&scratch.path().join("other.key")).expect("made");
        assert_ne!(key, other);
    }

    #[test]
    fn a_damaged_key_is_a_fault_and_not_replaced() {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("pool.key");
        for text in ["", "0123", &"g".repeat(64), &"0".repeat(65), &"é".repeat(32)] {
            fs::write(&path, text).expect("writes");
            assert!(read_or_make(&path).expect_err("refused").contains("64 hexadecimal digits"), "{text}");
            assert_eq!(fs::read_to_string(&path).expect("still there"), text);
        }
        fs::write(&path, format!("{}\n", "A5".repeat(32))).expect("writes");
        assert_eq!(read_or_make(&path), Ok([0xa5; 32]));
    }
}
