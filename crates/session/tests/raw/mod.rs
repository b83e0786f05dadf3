//! Handwritten frames, as another encoder or a later version would write them.
#![allow(dead_code)] // each test file uses its part

/// A frame whose map has these encoded values under these keys.
pub fn frame(kind: u8, fields: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0x82, if kind < 24 { kind } else { 0x18 }];
    if kind >= 24 {
        bytes.push(kind);
    }
    bytes.push(0xa0 + fields.len() as u8);
    for (key, value) in fields {
        bytes.push(*key);
        bytes.extend_from_slice(value);
    }
    bytes
}

pub fn number(number: u64) -> Vec<u8> {
    [&[0x1b][..], &number.to_be_bytes()].concat()
}

pub fn text(text: &str) -> Vec<u8> {
    [&[0x78, text.len() as u8][..], text.as_bytes()].concat()
}

pub fn bytes(bytes: &[u8]) -> Vec<u8> {
    [&[0x58, bytes.len() as u8][..], bytes].concat()
}

pub fn position(epoch: u64, offset: u64) -> Vec<u8> {
    [&[0xa2, 1][..], &number(epoch), &[2], &number(offset)].concat()
}
