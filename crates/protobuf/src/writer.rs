//! Writes fields as the reference does: ascending numbers are the caller's duty, proto3 defaults are left out.

use alloc::vec::Vec;

/// Appends the fields of one message to a buffer.
#[derive(Debug)]
pub struct Writer<'a>(&'a mut Vec<u8>);

impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Writer(out)
    }

    /// An integer or bool; left out when zero.
    pub fn varint(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.varint_always(number, value);
        }
    }

    /// An integer whose presence means something.
    pub fn varint_always(&mut self, number: u32, value: u64) {
        self.raw_varint(u64::from(number) << 3);
        self.raw_varint(value);
    }

    /// Bytes or a string; left out when empty.
    pub fn bytes(&mut self, number: u32, value: &[u8]) {
        if !value.is_empty() {
            self.bytes_always(number, value);
        }
    }

    /// One element of a repeated field, or a message that is already encoded: written even when empty.
    pub fn bytes_always(&mut self, number: u32, value: &[u8]) {
        self.raw_varint(u64::from(number) << 3 | 2);
        self.raw_varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// A repeated integer in packed form; left out when there is none.
    pub fn packed(&mut self, number: u32, values: impl IntoIterator<Item = u64, IntoIter: Clone>) {
        let values = values.into_iter();
        if values.clone().next().is_some() {
            self.message(number, |list| values.for_each(|value| list.raw_varint(value)));
        }
    }

    /// A message, written by `content`; its presence means something, so it is written even when empty.
    pub fn message(&mut self, number: u32, content: impl FnOnce(&mut Writer<'_>)) {
        self.raw_varint(u64::from(number) << 3 | 2);
        // Most messages are shorter than 128 bytes: leave one byte for the length and make room only if that is too few.
        let length_at = self.0.len();
        self.0.push(0);
        content(&mut Writer(self.0));
        let length = self.0.len() - length_at - 1;
        if length < 0x80 {
            self.0[length_at] = length as u8;
            return;
        }
        let mut encoded = [0; 10];
        let mut width = 0;
        let mut rest = length;
        while rest >= 0x80 {
            encoded[width] = rest as u8 | 0x80;
            rest >>= 7;
            width += 1;
        }
        encoded[width] = rest as u8;
        width += 1;
        self.0.splice(length_at..=length_at, encoded[..width].iter().copied());
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reader, Value};
    use alloc::vec;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut Writer::new(&mut out));
        out
    }

    #[test]
    fn defaults_are_left_out_and_presence_is_written() {
        let bytes = written(|w| {
            w.varint(1, 0);
            w.bytes(2, b"");
            w.packed(3, []);
            w.varint_always(4, 0);
            w.message(5, |_| {});
        });
        assert_eq!(bytes, [0x20, 0x00, 0x2a, 0x00]);
    }

    #[test]
    fn a_message_inside_a_message_has_its_length_before_it() {
        let bytes = written(|w| w.message(2, |w| w.message(1, |w| w.bytes(1, &[7; 200]))));
        assert_eq!(bytes[..8], [0x12, 0xce, 0x01, 0x0a, 0xcb, 0x01, 0x0a, 0xc8]);
        assert_eq!(bytes.len(), 3 + 3 + 3 + 200);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(number in 1_u32..1 << 29, int: u64, bytes: Vec<u8>, list: Vec<u64>) {
            let out = written(|w| {
                w.varint_always(number, int);
                w.message(number, |w| w.bytes_always(number, &bytes));
                w.packed(number, list.iter().copied());
            });
            let fields = Reader::new(&out).collect::<Result<Vec<_>, _>>().unwrap();
            prop_assert_eq!(fields[0], (number, Value::Varint(int)));
            let Value::Bytes(inner) = fields[1].1 else { panic!("not bytes") };
            prop_assert_eq!(Reader::new(inner).next().unwrap().unwrap(), (number, Value::Bytes(&bytes)));
            let read = match fields.get(2) {
                Some((_, Value::Bytes(packed))) => crate::Packed::new(packed).collect::<Result<Vec<_>, _>>().unwrap(),
                _ => vec![],
            };
            prop_assert_eq!(read, list);
        }
    }
}
