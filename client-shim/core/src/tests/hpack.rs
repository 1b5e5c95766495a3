//! Header blocks: the examples of RFC 7541, its limits, and anything at all.

use super::cases;
use crate::{
    buffer::Buffer,
    hpack::{Field, Malformed, decode, push_indexed, push_literal},
};
use proptest::prelude::*;

fn fields(block: &[u8]) -> Result<Vec<Field>, Malformed> {
    let mut found = vec![];
    decode(block, |field| found.push(field)).map(|()| found)
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn examples_of_the_rfc_are_read() {
    // C.2.1 to C.2.4: one field each, none of ours.
    for example in [
        "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
        "040c 2f73 616d 706c 652f 7061 7468",
        "1008 7061 7373 776f 7264 0673 6563 7265 74",
        "82",
        // C.3.1 and C.4.1: a request, plain and Huffman-coded.
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    ] {
        assert_eq!(fields(&unhex(example)), Ok(vec![]), "{example}");
    }
    // C.5.1 and C.6.1: responses with status 302, literal with a name of the static table.
    let plain = "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32
                 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d";
    let coded = "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad
                 1718 63c7 8f0b 97c8 e9ae 82ae 43d3";
    assert_eq!(fields(&unhex(plain)), Ok(vec![Field::HttpStatus(302)]));
    assert_eq!(fields(&unhex(coded)), Ok(vec![Field::HttpStatus(302)]));
}

#[test]
fn references_into_a_dynamic_table_are_refused() {
    // C.5.2 and C.3.2 refer to entries added before: with a table of size 0 there are none.
    for example in ["4803 3330 37c1 c0bf", "8286 84be 5808 6e6f 2d63 6163 6865"] {
        assert_eq!(fields(&unhex(example)), Err(Malformed), "{example}");
    }
    // Index 0, 62 as a name, and a table of another size than 0.
    for example in ["80", "7e00", "0f2f 00", "3fe11f", "21"] {
        assert_eq!(fields(&unhex(example)), Err(Malformed), "{example}");
    }
    assert_eq!(fields(&unhex("20 88")), Ok(vec![Field::HttpStatus(200)]));
}

#[test]
fn statuses_are_told_apart() {
    let status = |name: &str, value: &str| fields(&super::server::block(&[(name, value)]));
    assert_eq!(status(":status", "503"), Ok(vec![Field::HttpStatus(503)]));
    assert_eq!(status(":status", "20x"), Ok(vec![Field::HttpStatus(0)]));
    assert_eq!(status(":status", "2000"), Ok(vec![Field::HttpStatus(0)]));
    assert_eq!(status("grpc-status", "14"), Ok(vec![Field::GrpcStatus(14)]));
    assert_eq!(status("grpc-status", "-1"), Ok(vec![Field::GrpcStatus(2)]));
    assert_eq!(status("grpc-status", "00000000000000000"), Ok(vec![Field::GrpcStatus(2)]));
    assert_eq!(status("grpc-status-details-bin", "0"), Ok(vec![]));
    for (index, status) in [(8, 200), (9, 204), (10, 206), (11, 304), (12, 400), (13, 404), (14, 500)] {
        assert_eq!(fields(&[0x80 | index]), Ok(vec![Field::HttpStatus(status)]));
    }
}

#[test]
fn cut_blocks_are_refused() {
    let whole = super::server::block(&[("grpc-status", "0")]);
    for end in 1..whole.len() {
        assert_eq!(fields(&whole[..end]), Err(Malformed), "{end}");
    }
    // A length of five bytes, and one that goes beyond the block.
    assert_eq!(fields(&unhex("007f ffff ffff 7f")), Err(Malformed));
    assert_eq!(fields(&unhex("007f 80 80 80 80 00")), Err(Malformed));
    assert_eq!(fields(&unhex("0005 61")), Err(Malformed));
}

#[test]
fn what_we_write_we_can_read() {
    let mut block = Buffer::<256>::new();
    assert!(push_indexed(&mut block, 8));
    assert!(push_literal(&mut block, 0, b"grpc-status", b"7"));
    assert!(push_literal(&mut block, 14, b"", b"404"));
    assert!(push_literal(&mut block, 58, b"", b"agent"));
    let expected = vec![Field::HttpStatus(200), Field::GrpcStatus(7), Field::HttpStatus(404)];
    assert_eq!(fields(block.as_slice()), Ok(expected));
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn any_bytes_end(block in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = fields(&block);
    }
}
