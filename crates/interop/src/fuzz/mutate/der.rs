//! Changes to DER values (certificates) that know what an element is.

use super::bytes as raw;
use crate::fuzz::dice::Dice;

#[derive(Clone, Debug)]
struct Element {
    tag: u8,
    content: Vec<u8>,
    /// Its length as it shall be written, where that is not the shortest form.
    length: Option<Vec<u8>>,
}

/// The elements, if the bytes are elements to their end.
fn split(mut bytes: &[u8]) -> Option<Vec<Element>> {
    let mut elements = Vec::new();
    while let [tag, first, rest @ ..] = bytes {
        let width = if *first < 0x80 { 0 } else { usize::from(first & 0x7f) };
        if width > 4 || *first == 0x80 {
            return None;
        }
        let (length, rest) = rest.split_at_checked(width)?;
        let length = if width == 0 {
            usize::from(*first)
        } else {
            length.iter().fold(0, |all, byte| all << 8 | usize::from(*byte))
        };
        let (content, rest) = rest.split_at_checked(length)?;
        elements.push(Element { tag: *tag, content: content.to_vec(), length: None });
        bytes = rest;
    }
    bytes.is_empty().then_some(elements)
}

fn join(elements: &[Element]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for element in elements {
        bytes.push(element.tag);
        match &element.length {
            Some(length) => bytes.extend_from_slice(length),
            None => bytes.extend(length_of(element.content.len(), 0)),
        }
        bytes.extend_from_slice(&element.content);
    }
    bytes
}

/// The shortest form of a length, or one with at least so many bytes.
fn length_of(length: usize, width: usize) -> Vec<u8> {
    if length < 0x80 && width == 0 {
        return vec![length as u8];
    }
    let bytes = length.to_be_bytes();
    let significant = bytes.iter().skip_while(|byte| **byte == 0).count().max(1).max(width);
    [&[0x80 | significant as u8][..], &bytes[bytes.len() - significant..]].concat()
}

fn is_constructed(element: &Element) -> bool {
    element.tag & 0x20 != 0
}

/// Changes a value somewhere.
pub fn mutate(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let Some(mut elements) = split(bytes).filter(|elements| !elements.is_empty()) else {
        return raw(dice, bytes.to_vec());
    };
    let at = dice.below(elements.len());
    // Extensions hold DER in octet strings.
    let inside = is_constructed(&elements[at]) || elements[at].tag == 0x04 && dice.once_in(2);
    if inside && !elements[at].content.is_empty() && !dice.once_in(6) {
        elements[at].content = mutate(dice, &elements[at].content);
        return join(&elements);
    }
    let to = dice.below(elements.len() + 1);
    let element = elements[at].clone();
    match dice.below(11) {
        0 => drop(elements.remove(at)),
        1 => elements.insert(to, element),
        2 => {
            elements.remove(at);
            elements.insert(to.min(elements.len()), element);
        }
        3 => {
            const TAGS: &[u8] = &[
                0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1b, 0x1e, 0x30, 0x31,
                0x80, 0x81, 0x82, 0xa0, 0xa1, 0xa2, 0xa3, 0x1f, 0x3f, 0x00,
            ];
            elements[at].tag = *dice.pick(TAGS);
        }
        4 => {
            let width = 1 + dice.below(5);
            elements[at].length = Some(length_of(element.content.len(), width));
        }
        5 => elements[at].length = Some(vec![*dice.pick(&[0x80, 0xff, 0x84, 0x88])]),
        6 => elements.insert(to, piece(dice)),
        7 => elements[at].content = join(&[piece(dice)]),
        8 if matches!(element.tag, 0x17 | 0x18) => {
            elements[at].content = time(dice, element.tag);
        }
        8 if element.tag == 0x06 => {
            const IDENTIFIERS: &[&[u8]] = &[
                &[0x2b, 0x65, 0x70], // Ed25519
                &[0x2b, 0x65, 0x6e], // X25519
                &[0x55, 0x1d, 0x13], // basic constraints
                &[0x55, 0x1d, 0x0f], // key usage
                &[0x55, 0x1d, 0x11], // subject alternative name
                &[0x55, 0x1d, 0x25], // extended key usage
                &[0x55, 0x1d, 0x1e], // name constraints
                &[0x55, 0x1d, 0x1f], // distribution points
                &[0x55, 0x1d, 0x23], // authority key
                &[0x55, 0x1d, 0x0e], // subject key
                &[0x55, 0x1d, 0x20], // policies
                &[0x55, 0x04, 0x03], // common name
                &[],
                &[0x80, 0x01],
                &[0x2b, 0x81],
                &[0x2b, 0x80, 0x01],
                &[0x2b, 0x90, 0x80, 0x80, 0x80, 0x00],
                &[0x2b, 0x87, 0xff, 0xff, 0xff, 0x7f],
                &[0x2b, 0x88, 0x80, 0x80, 0x80, 0x00],
                &[0x78],
                &[0xff, 0x7f],
            ];
            elements[at].content = dice.pick(IDENTIFIERS).to_vec();
        }
        _ => elements[at].content = raw(dice, element.content),
    }
    join(&elements)
}

/// An element that may stand anywhere.
fn piece(dice: &mut Dice) -> Element {
    let tag = *dice.pick(&[0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x18, 0x1e, 0x30, 0x31, 0x81, 0xa3]);
    let content = match tag {
        0x05 => Vec::new(),
        0x17 | 0x18 => time(dice, tag),
        0x30 | 0x31 | 0xa3 if dice.once_in(2) => join(&[piece(dice)]),
        _ => {
            let length = dice.below(5);
            dice.bytes(length)
        }
    };
    Element { tag, content, length: None }
}

/// A UTCTime or GeneralizedTime, of a moment or nearly.
pub fn time(dice: &mut Dice, tag: u8) -> Vec<u8> {
    let mut text = String::new();
    if tag == 0x18 {
        text.push_str(dice.pick::<&str>(&["00", "19", "20", "99"]));
    }
    text.push_str(dice.pick::<&str>(&["00", "01", "04", "49", "50", "99"]));
    for most in [13, 32, 25, 61] {
        let part = dice.between(0, most);
        text.push_str(&format!("{part:02}"));
    }
    if !dice.once_in(4) {
        let second = dice.between(0, 61);
        text.push_str(&format!("{second:02}"));
    }
    text.push_str(dice.pick::<&str>(&[
        "Z", "Z", "Z", "", "+0000", "+0100", "-2359", "+2400", "-2459", "+2500", "-0000", "+0059", "-0060", ".5Z",
        "+01", "z",
    ]));
    text.into_bytes()
}

/// Values with one element less, or one content shorter, at any depth.
pub fn smaller(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Some(elements) = split(bytes) else { return Vec::new() };
    let mut all = Vec::new();
    for at in 0..elements.len() {
        let mut fewer = elements.clone();
        fewer.remove(at);
        all.push(join(&fewer));
        let mut with = |content: Vec<u8>| {
            let mut changed = elements.clone();
            changed[at].content = content;
            all.push(join(&changed));
        };
        if is_constructed(&elements[at]) {
            smaller(&elements[at].content).into_iter().for_each(&mut with);
        }
    }
    all
}
