//! Fields of one message, one after another.

use alloc::vec::Vec;
use core::fmt::{self, Display};

/// The highest field number of a message.
const FIELD_MAX: u64 = (1 << 29) - 1;
/// The highest field number inside an unknown group, which the reference reads with a laxer parser.
const FIELD_IN_GROUP_MAX: u64 = i32::MAX as u64;
/// How deep unknown groups may nest: the reference's limit, so that we accept what it accepts.
const GROUPS_NESTED_MAX: usize = 10_001;

/// The value of a field by its wire type. A message that wants another type than it finds treats the field as unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    /// A group, which proto3 does not have: checked and stepped over.
    Group,
    Fixed32(u32),
}

/// Bytes that are not a protobuf message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// The offset of the field that cannot be read, in the message at hand.
    pub at: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed protobuf at byte {}: {}", self.at, self.reason)
    }
}

impl core::error::Error for Malformed {}

/// Iterates over the fields of a message in the order of the bytes. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` as one message.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    fn field(&mut self) -> Result<(u32, Value<'a>), &'static str> {
        let (number, wire_type) = self.tag(FIELD_MAX)?;
        Ok((number, self.value(number, wire_type)?))
    }

    fn tag(&mut self, number_max: u64) -> Result<(u32, u8), &'static str> {
        let tag = self.varint()?;
        match tag >> 3 {
            0 => Err("field number 0"),
            number if number > number_max => Err("field number out of range"),
            number => Ok((number as u32, (tag & 7) as u8)),
        }
    }

    fn value(&mut self, number: u32, wire_type: u8) -> Result<Value<'a>, &'static str> {
        Ok(match wire_type {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Value::Bytes(self.sized()?),
            3 => {
                self.skip_group(number)?;
                Value::Group
            }
            4 => return Err("end of a group that was not begun"),
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err("reserved wire type"),
        })
    }

    /// Steps over the rest of a group. A stack instead of recursion, because the depth is the sender's choice.
    fn skip_group(&mut self, number: u32) -> Result<(), &'static str> {
        let mut open = Vec::from([number]);
        while let Some(&innermost) = open.last() {
            let (number, wire_type) = self.tag(FIELD_IN_GROUP_MAX)?;
            match wire_type {
                3 if open.len() == GROUPS_NESTED_MAX => return Err("groups nested too deep"),
                3 => open.push(number),
                4 if number == innermost => {
                    open.pop();
                }
                4 => return Err("end of another group"),
                _ => {
                    self.value(number, wire_type)?;
                }
            }
        }
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, &'static str> {
        let mut value = 0;
        for index in 0..10 {
            let byte = *self.bytes.get(self.at).ok_or("cut off")?;
            self.at += 1;
            if index == 9 && byte > 1 {
                return Err("varint over 64 bits");
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("varint over 10 bytes")
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let taken = self.bytes[self.at..].get(..length).ok_or("cut off")?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn sized(&mut self) -> Result<&'a [u8], &'static str> {
        let length = self.varint()?;
        self.take(usize::try_from(length).map_err(|_| "cut off")?)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let at = self.at;
        Some(self.field().map_err(|reason| {
            self.at = self.bytes.len();
            Malformed { at, reason }
        }))
    }
}

/// The elements of a packed repeated varint field.
#[derive(Clone, Debug)]
pub struct Packed<'a>(Reader<'a>);

impl<'a> Packed<'a> {
    /// Reads the content of a length-delimited field as varints.
    pub fn new(bytes: &'a [u8]) -> Self {
        Packed(Reader::new(bytes))
    }
}

impl Iterator for Packed<'_> {
    type Item = Result<u64, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = &mut self.0;
        if reader.at >= reader.bytes.len() {
            return None;
        }
        let at = reader.at;
        Some(reader.varint().map_err(|reason| {
            reader.at = reader.bytes.len();
            Malformed { at, reason }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u32, Value<'_>)>, &'static str> {
        Reader::new(bytes).collect::<Result<_, _>>().map_err(|malformed: Malformed| malformed.reason)
    }

    #[test]
    fn each_wire_type_is_read() {
        let bytes = [0x08, 0x96, 0x01, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 2, 7, 8, 0x25, 9, 0, 0, 0];
        let wanted =
            [(1, Value::Varint(150)), (2, Value::Fixed64(1)), (3, Value::Bytes(&[7, 8])), (4, Value::Fixed32(9))];
        assert_eq!(fields(&bytes).unwrap(), wanted);
    }

    #[test]
    fn varints_of_ten_bytes_are_read_whatever_their_value_and_an_eleventh_is_refused() {
        let mut longest = [0x80; 11];
        longest[0] = 0x08;
        longest[1] = 0x87;
        longest[10] = 0;
        assert_eq!(fields(&longest).unwrap(), [(1, Value::Varint(7))]);
        longest[10] = 1;
        assert_eq!(fields(&longest).unwrap(), [(1, Value::Varint(7 | 1 << 63))]);
        longest[10] = 2;
        assert_eq!(fields(&longest), Err("varint over 64 bits"));
        longest[10] = 0x80;
        assert_eq!(fields(&longest), Err("varint over 64 bits"));
    }

    #[test]
    fn a_length_beyond_the_end_is_refused_without_allocating() {
        assert_eq!(fields(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), Err("cut off"));
    }

    #[test]
    fn field_numbers_are_1_to_2_29_outside_and_1_to_2_31_inside_a_group() {
        assert_eq!(fields(&[0x00, 0x00]), Err("field number 0"));
        assert_eq!(fields(&[0xf8, 0xff, 0xff, 0xff, 0x0f, 0]).unwrap(), [(0x1fff_ffff, Value::Varint(0))]);
        assert_eq!(fields(&[0x80, 0x80, 0x80, 0x80, 0x10, 0]), Err("field number out of range"));
        assert_eq!(fields(&[0x0b, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0x0c]).unwrap(), [(1, Value::Group)]);
        assert_eq!(fields(&[0x0b, 0x80, 0x80, 0x80, 0x80, 0x40, 0, 0x0c]), Err("field number out of range"));
    }

    #[test]
    fn groups_are_skipped_to_a_depth_of_10001() {
        let nested = |depth: usize| [alloc::vec![0x0b; depth], alloc::vec![0x0c; depth]].concat();
        assert_eq!(fields(&nested(10_001)).unwrap(), [(1, Value::Group)]);
        assert_eq!(fields(&nested(10_002)), Err("groups nested too deep"));
        assert_eq!(fields(&[0x0b, 0x14]), Err("end of another group"));
        assert_eq!(fields(&[0x0c]), Err("end of a group that was not begun"));
        assert_eq!(fields(&[0x0e]), Err("reserved wire type"));
    }

    #[test]
    fn packed_varints_are_read_one_by_one() {
        assert_eq!(Packed::new(&[1, 0xac, 2]).collect::<Result<Vec<_>, _>>().unwrap(), [1, 300]);
        assert!(Packed::new(&[1, 0xac]).last().unwrap().is_err());
    }
}
