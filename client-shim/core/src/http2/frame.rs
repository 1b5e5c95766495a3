//! What are the numbers of HTTP/2 (RFC 9113), and how is a frame's head written and read?

/// Bytes before each frame's payload.
pub(crate) const HEAD_LEN: usize = 9;
/// What a client says first (§3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Window of a stream or connection until told otherwise (§6.9.2).
pub(crate) const WINDOW_DEFAULT: u32 = 65_535;
/// No window may be wider (§6.9.1).
pub(crate) const WINDOW_MAX: i64 = 0x7fff_ffff;
/// The largest frame until told otherwise (§4.2); we never tell otherwise.
pub(crate) const FRAME_DEFAULT: u32 = 16_384;
/// The largest frame anybody may ask for (§6.5.2).
pub(crate) const FRAME_MAX: u32 = 0xff_ffff;
/// Ids of streams have 31 bits.
pub(crate) const STREAM_MAX: u32 = 0x7fff_ffff;

/// Types of frames (§6).
pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub(crate) mod flag {
    /// Of SETTINGS and PING.
    pub(crate) const ACK: u8 = 1;
    pub(crate) const END_STREAM: u8 = 1;
    pub(crate) const END_HEADERS: u8 = 4;
    pub(crate) const PADDED: u8 = 8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

/// Settings (§6.5.2).
pub(crate) mod setting {
    pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
    pub(crate) const ENABLE_PUSH: u16 = 2;
    pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
    pub(crate) const MAX_FRAME_SIZE: u16 = 5;
    pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 6;
}

/// Error code of a stream the server did not begin to work on (§7).
pub(crate) const REFUSED_STREAM: u32 = 7;

/// A frame's head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) length: u32,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
}

impl Head {
    pub(crate) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(crate) fn to_bytes(self) -> [u8; HEAD_LEN] {
        let [_, a, b, c] = self.length.to_be_bytes();
        let [d, e, f, g] = self.stream.to_be_bytes();
        [a, b, c, self.kind, self.flags, d, e, f, g]
    }

    pub(crate) fn from_bytes([a, b, c, kind, flags, d, e, f, g]: [u8; HEAD_LEN]) -> Head {
        let stream = u32::from_be_bytes([d, e, f, g]) & STREAM_MAX;
        Head { length: u32::from_be_bytes([0, a, b, c]), kind, flags, stream }
    }
}

/// One setting as it stands in a SETTINGS frame.
pub(crate) fn setting_bytes(id: u16, value: u32) -> [u8; 6] {
    let ([a, b], [c, d, e, f]) = (id.to_be_bytes(), value.to_be_bytes());
    [a, b, c, d, e, f]
}
