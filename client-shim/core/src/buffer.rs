//! How do bytes get into a bounded buffer without a way to panic?

/// Bytes up to `N`; what does not fit is refused as a whole.
pub(crate) struct Buffer<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Buffer<N> {
    pub(crate) const fn new() -> Self {
        Buffer { bytes: [0; N], len: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    /// The bytes from `from` to `to`, as far as they exist.
    pub(crate) fn range(&self, from: usize, to: usize) -> &[u8] {
        self.as_slice().get(from..to.min(self.len)).unwrap_or(&[])
    }

    /// Appends all of `more`, or nothing. Says whether it fitted.
    pub(crate) fn push(&mut self, more: &[u8]) -> bool {
        append(&mut self.bytes, &mut self.len, more)
    }

    /// Replaces what is there by the first bytes of `from` that fit.
    pub(crate) fn set(&mut self, from: &[u8]) {
        self.len = copy(&mut self.bytes, from);
    }

    /// Cuts to `len` bytes; a longer `len` changes nothing.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Forgets the first `len` bytes.
    pub(crate) fn drop_front(&mut self, len: usize) {
        for at in len..self.len {
            if let Some(byte) = self.bytes.get(at).copied() {
                self.patch(at - len, &[byte]);
            }
        }
        self.len = self.len.saturating_sub(len);
    }

    /// Overwrites the bytes at `at`; what lies outside is left alone.
    pub(crate) fn patch(&mut self, at: usize, with: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..) {
            copy(place, with);
        }
    }

    /// All `N` bytes, for a call that fills them; `set_len` tells how many it filled.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(crate) fn set_len(&mut self, len: usize) {
        self.len = len.min(N);
    }
}

/// One copy of this code for buffers of every size: it is called from everywhere.
#[inline(never)]
fn append(bytes: &mut [u8], len: &mut usize, more: &[u8]) -> bool {
    let Some(room) = bytes.get_mut(*len..).and_then(|free| free.get_mut(..more.len())) else {
        return false;
    };
    copy(room, more);
    *len += more.len();
    true
}

/// Copies as many bytes as both sides have; says how many.
#[inline(never)]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) -> usize {
    let length = to.len().min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(..length), from.get(..length)) {
        to.copy_from_slice(from);
    }
    length
}

/// The first `len` bytes, or all.
pub(crate) fn first(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(..len).unwrap_or(bytes)
}

/// The last `len` bytes, or all.
pub(crate) fn last(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(len)..).unwrap_or(bytes)
}

/// What is behind the first `len` bytes.
pub(crate) fn after(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(len..).unwrap_or(&[])
}

/// A decimal number of at most 18 digits.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0u64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}

/// Appends a number in decimal.
pub(crate) fn push_decimal<const N: usize>(to: &mut Buffer<N>, number: u64) -> bool {
    let mut digits = [0u8; 20];
    let mut rest = number;
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    to.push(last(&digits, used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_that_does_not_fit_changes_nothing() {
        let mut buffer = Buffer::<4>::new();
        assert!(buffer.push(b"abc"));
        assert!(!buffer.push(b"de"));
        assert_eq!(buffer.as_slice(), b"abc");
        assert!(buffer.push(b"d"));
        assert_eq!(buffer.as_slice(), b"abcd");
    }

    #[test]
    fn numbers_round_trip() {
        for number in [0, 7, 10, 999, 123_456_789_012_345_678] {
            let mut buffer = Buffer::<24>::new();
            assert!(push_decimal(&mut buffer, number));
            assert_eq!(decimal(buffer.as_slice()), Some(number));
        }
        for bad in [&b""[..], b"-1", b" 1", b"1a", b"1234567890123456789"] {
            assert_eq!(decimal(bad), None);
        }
    }

    #[test]
    fn slices_never_reach_outside() {
        assert_eq!(first(b"abc", 2), b"ab");
        assert_eq!(first(b"abc", 9), b"abc");
        assert_eq!(last(b"abc", 2), b"bc");
        assert_eq!(last(b"abc", 9), b"abc");
        assert_eq!(after(b"abc", 9), b"");
        let mut buffer = Buffer::<2>::new();
        buffer.patch(5, b"x");
        buffer.set(b"long");
        assert_eq!(buffer.as_slice(), b"lo");
        assert_eq!(buffer.range(1, 9), b"o");
        assert_eq!(buffer.range(5, 9), b"");
        buffer.drop_front(1);
        assert_eq!(buffer.as_slice(), b"o");
        buffer.drop_front(5);
        assert_eq!(buffer.as_slice(), b"");
    }
}
