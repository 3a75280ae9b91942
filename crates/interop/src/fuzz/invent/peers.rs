//! Names, frames, knocks, announcements.

use crate::fuzz::dice::Dice;
use crypto::ed25519::SecretKey;
use p2p_proto::announcement::{self, Announcement};
use p2p_proto::{Keyring as _, PeerId, knock};
use serde_json::{Value, json};

/// base58 of something like a peer id.
pub fn peer_id(dice: &mut Dice) -> Value {
    let mut binary = PeerId(dice.array()).to_binary().to_vec();
    match dice.below(4) {
        0 => binary = crate::fuzz::mutate::bytes(dice, binary),
        1 => {
            let at = dice.below(6);
            binary[at] ^= 1 << dice.below(8);
        }
        2 => binary[6..].fill(*dice.pick(&[0, 0xff])),
        _ => {}
    }
    json!({"text": bs58::encode(binary).into_string()})
}

/// Headers of all types and lengths, whole and cut.
pub fn frame(dice: &mut Dice) -> Value {
    const LENGTHS: &[u32] = &[0, 1, 255, 256, 257, 1 << 20, (1 << 30) - 1, 1 << 30, (1 << 30) + 1, 1 << 31, u32::MAX];
    let mut bytes = vec![dice.below(8) as u8];
    bytes.extend(dice.bytes(32));
    bytes.extend(dice.pick(LENGTHS).to_be_bytes());
    let more = if dice.once_in(2) { 32 } else { dice.below(40) };
    bytes.extend(dice.bytes(more));
    if dice.once_in(4) {
        bytes.truncate(dice.below(70));
    }
    json!({"generation": dice.pick(&["old", "new"]), "bytes": hex::encode(bytes)})
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut all = vec![tag];
    match length {
        0..0x80 => all.push(length as u8),
        0x80..0x100 => all.extend([0x81, length as u8]),
        _ => all.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    all.extend_from_slice(content);
    all
}

/// A certificate with names of all kinds of text, times, and extensions that Go knows and reads.
pub fn certificate(dice: &mut Dice) -> Value {
    const EXTENSIONS: &[u8] = &[14, 15, 17, 19, 29, 30, 31, 32, 33, 35, 36, 37, 54, 99];
    let key: [u8; 32] = dice.array();
    let attribute = |dice: &mut Dice| {
        let length = dice.below(5);
        let text = if dice.once_in(4) { dice.bytes(length) } else { b"12".to_vec() };
        let tag = *dice.pick(&[0x0c, 0x12, 0x13, 0x14, 0x16, 0x1e, 0x1e, 0x02]);
        der(0x31, &der(0x30, &[der(0x06, &[0x55, 0x04, 0x03]), der(tag, &text)].concat()))
    };
    let name = |dice: &mut Dice| {
        let attributes: Vec<Vec<u8>> = (0..dice.below(3)).map(|_| attribute(dice)).collect();
        der(0x30, &attributes.concat())
    };
    let extension = |dice: &mut Dice| {
        let identifier = der(0x06, &[0x55, 0x1d, *dice.pick(EXTENSIONS)]);
        let critical = if dice.once_in(3) { der(0x01, &[*dice.pick(&[0xff, 0, 1])]) } else { Vec::new() };
        let length = dice.below(6);
        let inside = match dice.below(3) {
            0 => der(0x30, &[]),
            1 => der(*dice.pick(&[0x03, 0x04, 0x30, 0x02]), &dice.bytes(length)),
            _ => dice.bytes(length),
        };
        der(0x30, &[identifier, critical, der(0x04, &inside)].concat())
    };
    let extensions: Vec<Vec<u8>> = (0..dice.below(3)).map(|_| extension(dice)).collect();
    let explicit = if extensions.is_empty() { Vec::new() } else { der(0xa3, &der(0x30, &extensions.concat())) };
    let ed25519 = der(0x30, &der(0x06, &[0x2b, 0x65, 0x70]));
    let moment = |dice: &mut Dice| match dice.below(3) {
        0 => der(0x18, b"00010101000000Z"),
        _ => der(0x17, &crate::fuzz::mutate::time(dice, 0x17)),
    };
    let usual = !dice.once_in(4);
    let mut time = || if usual { der(0x18, b"00010101000000Z") } else { moment(dice) };
    let validity = der(0x30, &[time(), time()].concat());
    let unused = if dice.once_in(8) { dice.below(9) as u8 } else { 0 };
    let tbs = [
        der(0xa0, &der(0x02, &[2])),
        der(0x02, &[dice.below(256) as u8]),
        ed25519.clone(),
        name(dice),
        validity,
        name(dice),
        der(0x30, &[ed25519.clone(), der(0x03, &[&[unused][..], &key].concat())].concat()),
        explicit,
    ];
    let all = [der(0x30, &tbs.concat()), ed25519, der(0x03, &[0, 7])];
    json!({"chain": [hex::encode(der(0x30, &all.concat()))], "expected_public_key": hex::encode(key)})
}

/// A knock as it should be, at the right door or not, or at one's own.
pub fn knock(dice: &mut Dice) -> Value {
    let dialer = SecretKey::from_seed(&dice.array());
    let listener = PeerId(dice.array());
    let door = match dice.below(6) {
        0 => PeerId(dice.array()),
        1 => dialer.peer_id(),
        _ => listener,
    };
    let knock = knock::build(&dialer, if dice.once_in(2) { door } else { listener });
    json!({"listener_public_key": hex::encode(door.0), "knock": hex::encode(knock)})
}

/// A literal address, or nearly.
fn address(dice: &mut Dice) -> String {
    let port = match dice.below(6) {
        0 => dice
            .pick(&["0", "65535", "65536", "080", "", "+80", "-1", "1a", " 80", "000000000000000000000080"])
            .to_string(),
        _ => dice.below(65_536).to_string(),
    };
    let ip = match dice.below(5) {
        0 => {
            let part = |dice: &mut Dice| match dice.below(8) {
                0 => dice.pick(&["256", "01", "", "0x1", "1e1", "00"]).to_string(),
                _ => dice.below(256).to_string(),
            };
            (0..if dice.once_in(6) { 3 + dice.below(3) } else { 4 }).map(|_| part(dice)).collect::<Vec<_>>().join(".")
        }
        1 => std::net::Ipv4Addr::from(dice.array::<4>()).to_string(),
        2 => format!("[{}]", std::net::Ipv6Addr::from(dice.array::<16>())),
        _ => {
            const PARTS: &[&str] =
                &["0", "1", "ffff", "FFFF", "0001", "00001", "g", "", "", "fe80", "1.2.3.4", "255.255.255.256"];
            let count = if dice.once_in(3) { 8 } else { 1 + dice.below(9) };
            let parts: Vec<&str> = (0..count).map(|_| *dice.pick(PARTS)).collect();
            let inside = parts.join(":");
            match dice.below(8) {
                0 => inside,
                1 => format!("[{inside}%eth0]"),
                2 => format!("[::{inside}]"),
                3 => format!("[::ffff:1.2.3.{}]", dice.below(300)),
                _ => format!("[{inside}]"),
            }
        }
    };
    if dice.once_in(30) { ip } else { format!("{ip}:{port}") }
}

pub fn announcement_address(dice: &mut Dice) -> Value {
    json!({"text": address(dice)})
}

/// Signed as it should be, over addresses that need not be any.
fn signed(dice: &mut Dice) -> Announcement {
    let key = SecretKey::from_seed(&dice.array());
    let count = if dice.once_in(8) { dice.below(13) } else { 1 + dice.below(4) };
    let honest = dice.once_in(2);
    let addresses = (0..count)
        .map(|_| if honest { format!("10.0.0.{}:{}", dice.below(256), dice.below(65_536)) } else { address(dice) })
        .collect();
    let mut announcement =
        Announcement { peer: key.peer_id(), addresses, counter: dice.number(), signature: Vec::new() };
    announcement.signature = key.sign(&announcement.digest()).to_vec();
    announcement
}

pub fn announcement(dice: &mut Dice) -> Value {
    let Announcement { peer, addresses, counter, signature } = signed(dice);
    json!({
        "addrs": addresses, "counter": counter.to_string(), "public_key": hex::encode(peer.0),
        "sig": hex::encode(signature),
    })
}

pub fn discovery(dice: &mut Dice) -> Value {
    let count = match dice.below(200) {
        // At the bound, and beyond it.
        0 => 164 + dice.below(4),
        _ => dice.below(4),
    };
    let one = signed(dice);
    let bytes = match dice.below(3) {
        0 => announcement::encode_announcement(&one),
        _ if count > 4 => announcement::encode_reconcile(std::iter::repeat_n(&one, count)),
        _ => {
            let list: Vec<_> = (0..count).map(|_| signed(dice)).collect();
            announcement::encode_reconcile(&list)
        }
    };
    json!({"bytes": hex::encode(bytes)})
}
