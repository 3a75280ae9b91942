//! Changes to protobuf messages that know what a field is, at any depth. The parser here is not the one under test.

use super::bytes as raw;
use crate::fuzz::dice::Dice;
use crate::fuzz::shrink::{PARTS_MAX, cuts};

/// A field as it stands in the bytes, so that what is not touched stays as odd as it was.
#[derive(Clone, Debug)]
struct Field {
    tag: Vec<u8>,
    /// The length before the value, of length-delimited ones.
    length: Option<Vec<u8>>,
    value: Vec<u8>,
}

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const SIZED: u8 = 2;
const BEGIN: u8 = 3;
const END: u8 = 4;
const FIXED32: u8 = 5;

/// How deep the reference lets unknown groups nest, and its neighbours.
const DEPTHS: &[usize] = &[1, 2, 3, 100, 9_999, 10_000, 10_001, 10_002];

impl Field {
    fn new(number: u64, wire: u8, value: Vec<u8>) -> Self {
        let length = (wire == SIZED).then(|| varint(value.len() as u64, 0));
        Field { tag: varint(number << 3 | u64::from(wire), 0), length, value }
    }

    fn number(&self) -> u64 {
        read(&self.tag).map_or(0, |(tag, _)| tag >> 3)
    }

    fn wire(&self) -> u8 {
        read(&self.tag).map_or(0, |(tag, _)| (tag & 7) as u8)
    }

    fn set_value(&mut self, value: Vec<u8>) {
        if self.length.is_some() {
            self.length = Some(varint(value.len() as u64, 0));
        }
        self.value = value;
    }
}

/// The encoding of `value`, padded to at least `width` bytes.
fn varint(mut value: u64, width: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 || bytes.len() + 1 < width {
        bytes.push(value as u8 & 0x7f | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn read(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some((value, index + 1));
        }
    }
    None
}

/// The fields, if the bytes are fields to their end.
fn split(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (tag, tag_length) = read(bytes)?;
        let rest = &bytes[tag_length..];
        let (length, from, to) = match (tag & 7) as u8 {
            VARINT => (None, 0, read(rest)?.1),
            FIXED64 => (None, 0, 8),
            SIZED => {
                let (length, width) = read(rest)?;
                let end = width.checked_add(usize::try_from(length).ok()?)?;
                (Some(rest[..width].to_vec()), width, end)
            }
            BEGIN | END => (None, 0, 0),
            FIXED32 => (None, 0, 4),
            _ => return None,
        };
        fields.push(Field { tag: bytes[..tag_length].to_vec(), length, value: rest.get(from..to)?.to_vec() });
        bytes = &rest[to..];
    }
    Some(fields)
}

fn join(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in fields {
        bytes.extend_from_slice(&field.tag);
        bytes.extend(field.length.iter().flatten());
        bytes.extend_from_slice(&field.value);
    }
    bytes
}

/// Changes a message somewhere.
pub fn mutate(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let Some(mut fields) = split(bytes) else { return raw(dice, bytes.to_vec()) };
    if fields.is_empty() {
        fields.push(unknown(dice));
        return join(&fields);
    }
    let at = dice.below(fields.len());
    let is_message = fields[at].length.is_some() && split(&fields[at].value).is_some_and(|inner| !inner.is_empty());
    if is_message && !dice.once_in(3) {
        let inner = mutate(dice, &fields[at].value);
        fields[at].set_value(inner);
        return join(&fields);
    }
    change(dice, &mut fields, at);
    join(&fields)
}

fn change(dice: &mut Dice, fields: &mut Vec<Field>, at: usize) {
    let to = dice.below(fields.len() + 1);
    let field = fields[at].clone();
    match dice.below(16) {
        0 => drop(fields.remove(at)),
        1 => fields.insert(to, field),
        2 => {
            fields.remove(at);
            fields.insert(to.min(fields.len()), field);
        }
        3 => {
            // Of another wire type it is unknown to whoever knows its number.
            let (wire, value) = value(dice);
            fields[at] = Field::new(field.number(), wire, value);
        }
        4 => {
            let near = field.number().wrapping_add(dice.below(3) as u64).wrapping_sub(1) & 0xf;
            let number = *dice.pick(&[near, 0, 1, 2, 3, 4, 5, 15, 16, 17, 2047, (1 << 29) - 1, 1 << 29, (1 << 31) - 1]);
            fields[at].tag = varint(number << 3 | u64::from(field.wire()), 0);
        }
        5 => fields.insert(to, unknown(dice)),
        6 => {
            let width = 2 + dice.below(10);
            fields[at].tag = read(&field.tag).map_or(Vec::new(), |(tag, _)| varint(tag, width));
        }
        7 => {
            let width = 2 + dice.below(10);
            match &mut fields[at].length {
                Some(length) => *length = varint(field.value.len() as u64, width),
                None => fields[at].value = read(&field.value).map_or(Vec::new(), |(value, _)| varint(value, width)),
            }
        }
        8 | 9 if field.wire() == VARINT => fields[at].value = varint(dice.number(), 0),
        8 | 9 => {
            let value = raw(dice, field.value);
            fields[at].set_value(value);
        }
        10 => {
            // A message in two parts is merged.
            let parts = split(&field.value).unwrap_or_default();
            let cut = dice.below(parts.len() + 1);
            let mut second = field;
            fields[at].set_value(join(&parts[..cut]));
            second.set_value(join(&parts[cut..]));
            fields.insert(to.max(at + 1).min(fields.len()), second);
        }
        11 => {
            let depth = if dice.once_in(40) { *dice.pick(DEPTHS) } else { 1 + dice.below(4) };
            fields.insert(to, group(dice, depth));
        }
        12 => {
            fields.truncate(at + 1);
            let keep = dice.below(fields[at].value.len() + 1);
            fields[at].value.truncate(keep);
        }
        13 if field.length.is_some() => {
            let off = [
                field.value.len() as u64 + 1,
                (field.value.len() as u64).wrapping_sub(1),
                1 << 31,
                (1 << 32) + field.value.len() as u64,
                1 << 63,
                u64::MAX,
            ];
            fields[at].length = Some(varint(*dice.pick(&off), 0));
        }
        14 if field.wire() == VARINT => {
            // A list in packed form.
            let again = 1 + dice.below(3);
            fields[at] = Field::new(field.number(), SIZED, field.value.repeat(again));
        }
        14 => {
            // And not.
            let list: Vec<Field> =
                field.value.iter().take(5).map(|byte| Field::new(field.number(), VARINT, vec![byte & 0x7f])).collect();
            fields.splice(at..=at, list);
        }
        _ => {
            let other = dice.below(fields.len());
            let number = fields[other].number();
            fields[at].tag = varint(number << 3 | u64::from(field.wire()), 0);
        }
    }
}

/// A value of any wire type.
fn value(dice: &mut Dice) -> (u8, Vec<u8>) {
    match dice.below(8) {
        0 | 1 => (VARINT, varint(dice.number(), 0)),
        2 => (FIXED64, dice.bytes(8)),
        3 | 4 => {
            let length = dice.below(40);
            (SIZED, dice.bytes(length))
        }
        5 => (FIXED32, dice.bytes(4)),
        _ => (*dice.pick(&[BEGIN, END, 6, 7]), Vec::new()),
    }
}

fn unknown(dice: &mut Dice) -> Field {
    let number = *dice.pick(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 100, (1 << 29) - 1]);
    let (wire, value) = value(dice);
    Field::new(number, wire, value)
}

/// A group of groups, well-formed or not, as if it were one field.
fn group(dice: &mut Dice, depth: usize) -> Field {
    let number = *dice.pick(&[1_u64, 2, 3, 100, (1 << 29) - 1, 1 << 29, (1 << 31) - 1]);
    let begin = varint(number << 3 | u64::from(BEGIN), 0);
    let ended = if dice.once_in(8) { number + 1 } else { number };
    let end = varint(ended << 3 | u64::from(END), 0);
    let mut value = begin.repeat(depth - 1);
    if dice.once_in(2) {
        value.extend(join(&[unknown(dice)]));
    }
    value.extend(end.repeat(if dice.once_in(8) { depth - 1 } else { depth }));
    Field { tag: begin, length: None, value }
}

/// Messages with one field less, or one value shorter or plainer, at any depth.
pub fn smaller(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Some(fields) = split(bytes) else { return Vec::new() };
    let mut all: Vec<Vec<u8>> = cuts(&fields).iter().map(|fewer| join(fewer)).collect();
    for at in 0..fields.len().min(PARTS_MAX) {
        let mut with = |value: Vec<u8>| {
            let mut changed = fields.clone();
            changed[at].set_value(value);
            all.push(join(&changed));
        };
        if fields[at].length.is_some() {
            smaller(&fields[at].value).into_iter().for_each(&mut with);
            let half = fields[at].value.len() / 2;
            if half > 0 {
                with(fields[at].value[..half].to_vec());
            }
        } else if fields[at].wire() == VARINT && fields[at].value != [0] {
            with(vec![0]);
            with(vec![1]);
        }
    }
    all
}
