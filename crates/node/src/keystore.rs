//! Keys at rest: one encrypted file for each key in `RootDir/keys`, all under one password.
//!
//! A key file `KIND-ID.json` of mode 0600 is one JSON object:
//!
//! ```json
//! { "version": 1, "kind": "p2p", "id": "12D3KooW…", "public": { "peer_id": "12D3KooW…" },
//!   "kdf": { "name": "scrypt", "log2_n": 18, "r": 8, "p": 1, "salt": "32 bytes in hex" },
//!   "check": "8 bytes in hex",
//!   "cipher": { "name": "xchacha20poly1305", "nonce": "24 bytes in hex", "ciphertext": "hex" } }
//! ```
//!
//! scrypt over the password (UTF-8) and the salt gives 40 bytes: 32 of encryption key, and 8 that must equal `check`, which
//! tells a wrong password from a damaged file. The ciphertext is XChaCha20-Poly1305 with the associated data
//! `dodona key file 1\nKIND\nID` over the secrets, 32 bytes each:
//!
//! | kind | id | secrets | public |
//! |---|---|---|---|
//! | `p2p` | peer id | Ed25519 seed | `peer_id` |
//! | `ocr2` | SHA-256 of the three public values, as bytes, in the order of `public` | Ed25519 seed, X25519 scalar, secp256k1 scalar | `onchain_address`, `offchain_public_key`, `config_public_key` |
//! | `eth` | address | secp256k1 scalar | `address` |
//!
//! The keys of one keystore share their salt, so that opening them costs one scrypt. With [`Cost::InsecureFast`] that is
//! n = 2: worth nothing against a thief, and right for development chains.

use crate::bad_input::BadInput;
use crate::identity::{Hex32, OracleKeys, new_ed25519, new_secp256k1, new_x25519};
use crate::private_file;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use crypto::secp256k1::Address;
use crypto::{PeerId, Zeroizing, ed25519, secp256k1, sha256, x25519};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A password is at least this long; below it no derivation helps.
const PASSWORD_CHARS_MIN: usize = 16;
/// A derivation with more than this wants over a gigabyte of memory: no file of ours asks for it.
const LOG2_N_MAX: u8 = 20;

/// The password of a keystore; wiped on drop, never printed.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The first line of a file that nobody else may read (mode 0600).
    pub fn read(path: &Path) -> Result<Password, BadInput> {
        let text = private_file::read(path)?;
        let line = text.lines().next().unwrap_or_default();
        Password::new(line).map_err(|problem| problem.in_file(path))
    }

    /// A password of at least 16 characters without blanks at its ends.
    pub fn new(text: &str) -> Result<Password, BadInput> {
        let remedy = "write one line of 16 or more characters, for example from: openssl rand -hex 16";
        if text.chars().count() < PASSWORD_CHARS_MIN {
            let problem = format!("the password is shorter than {PASSWORD_CHARS_MIN} characters");
            return Err(BadInput::new(problem).remedy(remedy));
        }
        if text.trim() != text {
            return Err(BadInput::new("the password begins or ends with a blank").remedy(remedy));
        }
        Ok(Password(Zeroizing::new(text.to_owned())))
    }

    /// A fresh password of 128 bits.
    pub fn generate() -> Password {
        let mut bytes = Zeroizing::new([0; 16]);
        rand::rngs::OsRng.fill_bytes(&mut *bytes);
        Password(Zeroizing::new(hex::encode(*bytes)))
    }

    /// Writes it where [`Password::read`] finds it.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        private_file::write(path, format!("{}\n", *self.0).as_bytes())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What it costs to open a new key file, for its owner and for a thief alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cost {
    /// scrypt with n = 2^18: 256 MB and about a second.
    Standard,
    /// scrypt with n = 2, for development chains (`InsecureFastScrypt`).
    InsecureFast,
}

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Proves who speaks on a connection
    P2p,
    /// Signs observations and reports, and opens the secret of a configuration
    Ocr2,
    /// Pays for transactions
    Eth,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::P2p => "p2p",
            Kind::Ocr2 => "ocr2",
            Kind::Eth => "eth",
        }
    }
}

/// The keys that an oracle brings to a committee, beside those of its peer and its transmitter.
#[derive(Clone, Debug)]
pub struct KeyBundle {
    pub offchain: ed25519::SecretKey,
    pub config: x25519::SecretKey,
    pub onchain: secp256k1::SecretKey,
}

/// One key, or bundle of keys.
#[derive(Clone, Debug)]
pub enum Key {
    P2p(ed25519::SecretKey),
    Ocr2(KeyBundle),
    Eth(secp256k1::SecretKey),
}

impl Key {
    /// A fresh key from the system's entropy.
    pub fn generate(kind: Kind) -> Key {
        match kind {
            Kind::P2p => Key::P2p(new_ed25519()),
            Kind::Ocr2 => {
                Key::Ocr2(KeyBundle { offchain: new_ed25519(), config: new_x25519(), onchain: new_secp256k1() })
            }
            Kind::Eth => Key::Eth(new_secp256k1()),
        }
    }

    /// What it is for.
    pub fn kind(&self) -> Kind {
        match self {
            Key::P2p(_) => Kind::P2p,
            Key::Ocr2(_) => Kind::Ocr2,
            Key::Eth(_) => Kind::Eth,
        }
    }

    /// Its name, as the table above says.
    pub fn id(&self) -> String {
        match self {
            Key::P2p(key) => PeerId::from(key.public_key()).to_string(),
            Key::Ocr2(bundle) => {
                let public =
                    [&bundle.onchain.address().0[..], &bundle.offchain.public_key().0, &bundle.config.public_key().0]
                        .concat();
                hex::encode(sha256(&public))
            }
            Key::Eth(key) => key.address().to_string(),
        }
    }

    fn public(&self) -> Public {
        match self {
            Key::P2p(key) => Public::P2p { peer_id: PeerId::from(key.public_key()).to_string() },
            Key::Ocr2(bundle) => Public::Ocr2 {
                onchain_address: bundle.onchain.address().to_string(),
                offchain_public_key: Hex32(bundle.offchain.public_key().0),
                config_public_key: Hex32(bundle.config.public_key().0),
            },
            Key::Eth(key) => Public::Eth { address: key.address().to_string() },
        }
    }

    fn secrets(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Key::P2p(key) => key.to_seed().to_vec(),
            Key::Ocr2(bundle) => {
                [&bundle.offchain.to_seed()[..], &bundle.config.to_bytes()[..], &bundle.onchain.to_bytes()[..]].concat()
            }
            Key::Eth(key) => key.to_bytes().to_vec(),
        })
    }

    fn from_secrets(kind: Kind, secrets: &[u8]) -> Option<Key> {
        let part = |index: usize| -> Option<&[u8; 32]> { secrets.chunks_exact(32).nth(index)?.try_into().ok() };
        let length = match kind {
            Kind::P2p | Kind::Eth => 32,
            Kind::Ocr2 => 96,
        };
        if secrets.len() != length {
            return None;
        }
        Some(match kind {
            Kind::P2p => Key::P2p(ed25519::SecretKey::from_seed(part(0)?)),
            Kind::Ocr2 => Key::Ocr2(KeyBundle {
                offchain: ed25519::SecretKey::from_seed(part(0)?),
                config: x25519::SecretKey::from_bytes(part(1)?),
                onchain: secp256k1::SecretKey::from_bytes(part(2)?).ok()?,
            }),
            Kind::Eth => Key::Eth(secp256k1::SecretKey::from_bytes(part(0)?).ok()?),
        })
    }
}

/// What of a key may be seen without its password.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Public {
    P2p { peer_id: String },
    Ocr2 { onchain_address: String, offchain_public_key: Hex32, config_public_key: Hex32 },
    Eth { address: String },
}

/// One entry of [`list`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Listed {
    pub kind: Kind,
    pub id: String,
    pub public: Public,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u32,
    kind: Kind,
    id: String,
    public: Public,
    kdf: Kdf,
    check: String,
    cipher: Cipher,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    name: String,
    log2_n: u8,
    r: u32,
    p: u32,
    salt: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cipher {
    name: String,
    nonce: String,
    ciphertext: String,
}

/// What scrypt yields.
#[derive(Clone)]
struct Derived(Zeroizing<[u8; 40]>);

impl Derived {
    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0[..32].into())
    }

    fn check(&self) -> &[u8] {
        &self.0[32..]
    }
}

/// The open keys of one folder.
#[derive(Clone)]
pub struct Keystore {
    folder: PathBuf,
    kdf: Kdf,
    derived: Derived,
    keys: Vec<Key>,
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystore").field("folder", &self.folder).field("keys", &self.keys).finish()
    }
}

impl Keystore {
    /// Opens every key file in `folder`, which is made (mode 0700) if it is missing. `cost` counts for a keystore that
    /// is still empty; later keys are written as the dearest one was.
    pub fn open(folder: &Path, password: &Password, cost: Cost) -> Result<Keystore, BadInput> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| BadInput::io(folder, "make the folder", &error))?;
        let mut known: BTreeMap<Kdf, Derived> = BTreeMap::new();
        let mut keys = Vec::new();
        for path in key_files(folder)? {
            let file = read_key_file(&path)?;
            let derived = match known.get(&file.kdf) {
                Some(derived) => derived.clone(),
                None => {
                    let derived = derive(&file.kdf, password).map_err(|problem| problem.in_file(&path))?;
                    known.insert(file.kdf.clone(), derived.clone());
                    derived
                }
            };
            keys.push(decrypt(&file, &derived).map_err(|problem| problem.in_file(&path))?);
        }
        // In their order the one with the most work is the last.
        let (kdf, derived) = match known.pop_last() {
            Some(dearest) => dearest,
            None => {
                let kdf = fresh_kdf(cost);
                let derived = derive(&kdf, password)?;
                (kdf, derived)
            }
        };
        Ok(Keystore { folder: folder.to_owned(), kdf, derived, keys })
    }

    /// All keys.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Makes a key and writes its file; the key's id.
    pub fn create(&mut self, kind: Kind) -> Result<String, BadInput> {
        self.add(Key::generate(kind))
    }

    /// Writes a key that was made elsewhere; its id. One that is there already is left alone.
    pub fn add(&mut self, key: Key) -> Result<String, BadInput> {
        let (kind, id) = (key.kind(), key.id());
        if self.keys.iter().any(|held| held.kind() == kind && held.id() == id) {
            return Ok(id);
        }
        let path = self.folder.join(format!("{}-{id}.json", kind.name()));
        let file = self.encrypt(&key)?;
        let mut json =
            serde_json::to_vec_pretty(&file).map_err(|error| BadInput::new(error.to_string()).in_file(&path))?;
        json.push(b'\n');
        private_file::write(&path, &json).map_err(|error| BadInput::io(&path, "write", &error))?;
        self.keys.push(key);
        Ok(id)
    }

    /// Makes one key of each kind that is not there yet.
    pub fn complete(&mut self) -> Result<(), BadInput> {
        for kind in [Kind::P2p, Kind::Ocr2, Kind::Eth] {
            if !self.keys.iter().any(|key| key.kind() == kind) {
                self.create(kind)?;
            }
        }
        Ok(())
    }

    /// Adds all keys of an oracle, for networks that make the keys of many.
    pub fn add_oracle(&mut self, keys: &OracleKeys) -> Result<(), BadInput> {
        let bundle =
            KeyBundle { offchain: keys.offchain.clone(), config: keys.config.clone(), onchain: keys.onchain.clone() };
        self.add(Key::P2p(keys.peer.clone()))?;
        self.add(Key::Ocr2(bundle))?;
        self.add(Key::Eth(keys.transmitter.clone()))?;
        Ok(())
    }

    /// The peer key with this id, or the only one.
    pub fn peer(&self, id: Option<PeerId>) -> Result<&ed25519::SecretKey, BadInput> {
        let keys = self.keys.iter().filter_map(|key| match key {
            Key::P2p(key) => Some((PeerId::from(key.public_key()), key)),
            Key::Ocr2(_) | Key::Eth(_) => None,
        });
        self.choose(keys, id, "P2P key", "P2P.PeerID")
    }

    /// The key bundle with this id, or the only one.
    pub fn bundle(&self, id: Option<&str>) -> Result<&KeyBundle, BadInput> {
        let keys = self.keys.iter().filter_map(|key| match key {
            Key::Ocr2(bundle) => Some((key.id(), bundle)),
            Key::P2p(_) | Key::Eth(_) => None,
        });
        self.choose(keys, id.map(str::to_owned), "OCR2 key bundle", "ocrKeyBundleID in the job or OCR2.KeyBundleID")
    }

    /// The transmitting key with this address, or the only one.
    pub fn transmitter(&self, address: Option<Address>) -> Result<&secp256k1::SecretKey, BadInput> {
        let keys = self.keys.iter().filter_map(|key| match key {
            Key::Eth(key) => Some((key.address(), key)),
            Key::P2p(_) | Key::Ocr2(_) => None,
        });
        self.choose(keys, address, "ETH key", "transmitterID in the job")
    }

    /// The keys of one oracle, each chosen as by [`Keystore::peer`], [`Keystore::bundle`] and [`Keystore::transmitter`].
    pub fn oracle(
        &self,
        peer_id: Option<PeerId>,
        bundle_id: Option<&str>,
        transmitter: Option<Address>,
    ) -> Result<OracleKeys, BadInput> {
        let bundle = self.bundle(bundle_id)?;
        Ok(OracleKeys {
            peer: self.peer(peer_id)?.clone(),
            offchain: bundle.offchain.clone(),
            config: bundle.config.clone(),
            onchain: bundle.onchain.clone(),
            transmitter: self.transmitter(transmitter)?.clone(),
        })
    }

    fn choose<'k, I: PartialEq + fmt::Display, K>(
        &self,
        keys: impl Iterator<Item = (I, &'k K)>,
        wanted: Option<I>,
        what: &str,
        where_to_say: &str,
    ) -> Result<&'k K, BadInput> {
        let keys: Vec<(I, &K)> = keys.collect();
        let found = match &wanted {
            Some(id) => keys.iter().filter(|(held, _)| held == id).collect::<Vec<_>>(),
            None => keys.iter().collect(),
        };
        match (&found[..], &wanted) {
            ([(_, key)], _) => Ok(key),
            ([], Some(id)) => Err(BadInput::new(format!("there is no {what} {id}"))
                .in_file(&self.folder)
                .remedy(format!("correct {where_to_say}; `dodona keys list` shows what is there"))),
            ([], None) => Err(BadInput::new(format!("there is no {what}"))
                .in_file(&self.folder)
                .remedy("run `dodona keys create`")),
            _ => {
                let ids: Vec<String> = found.iter().map(|(id, _)| id.to_string()).collect();
                Err(BadInput::new(format!("there is more than one {what}: {}", ids.join(", ")))
                    .in_file(&self.folder)
                    .remedy(format!("say which one with {where_to_say}")))
            }
        }
    }

    fn encrypt(&self, key: &Key) -> Result<KeyFile, BadInput> {
        let (kind, id) = (key.kind(), key.id());
        let mut nonce = [0; 24];
        rand::rngs::OsRng.fill_bytes(&mut nonce);
        let (secrets, aad) = (key.secrets(), associated_data(kind, &id));
        let payload = Payload { msg: &secrets, aad: aad.as_bytes() };
        let ciphertext = self
            .derived
            .cipher()
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| BadInput::new("the cipher refuses this key"))?;
        Ok(KeyFile {
            version: 1,
            kind,
            id,
            public: key.public(),
            kdf: self.kdf.clone(),
            check: hex::encode(self.derived.check()),
            cipher: Cipher {
                name: "xchacha20poly1305".into(),
                nonce: hex::encode(nonce),
                ciphertext: hex::encode(ciphertext),
            },
        })
    }
}

/// What lies in a keystore, without its password.
pub fn list(folder: &Path) -> Result<Vec<Listed>, BadInput> {
    key_files(folder)?
        .iter()
        .map(|path| read_key_file(path).map(|KeyFile { kind, id, public, .. }| Listed { kind, id, public }))
        .collect()
}

fn associated_data(kind: Kind, id: &str) -> String {
    format!("dodona key file 1\n{}\n{id}", kind.name())
}

fn key_files(folder: &Path) -> Result<Vec<PathBuf>, BadInput> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BadInput::io(folder, "list", &error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| BadInput::io(folder, "list", &error))?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read_key_file(path: &Path) -> Result<KeyFile, BadInput> {
    let text = private_file::read(path)?;
    let file: KeyFile = serde_json::from_str(&text).map_err(|error| {
        BadInput::new(format!("corrupt key file: {error}")).in_file(path).on_line(error.line()).remedy(RESTORE)
    })?;
    let problem = match () {
        () if file.version != 1 => format!("key file version {}, this one knows 1", file.version),
        () if file.kdf.name != "scrypt" => format!("key derivation {:?}, wanted scrypt", file.kdf.name),
        () if file.cipher.name != "xchacha20poly1305" => {
            format!("cipher {:?}, wanted xchacha20poly1305", file.cipher.name)
        }
        () => return Ok(file),
    };
    Err(BadInput::new(problem).in_file(path).remedy(RESTORE))
}

const RESTORE: &str = "restore the file from a copy";

fn fresh_kdf(cost: Cost) -> Kdf {
    let mut salt = [0; 32];
    rand::rngs::OsRng.fill_bytes(&mut salt);
    let log2_n = match cost {
        Cost::Standard => 18,
        Cost::InsecureFast => 1,
    };
    Kdf { name: "scrypt".into(), log2_n, r: 8, p: 1, salt: hex::encode(salt) }
}

fn derive(kdf: &Kdf, password: &Password) -> Result<Derived, BadInput> {
    let bad =
        |field: &str| BadInput::new("corrupt key file: not a value that was ever written").at(field).remedy(RESTORE);
    if kdf.log2_n > LOG2_N_MAX || kdf.r != 8 || kdf.p != 1 {
        return Err(bad("kdf"));
    }
    let salt = hex::decode(&kdf.salt).ok().filter(|salt| salt.len() == 32).ok_or_else(|| bad("kdf.salt"))?;
    let mut derived = Zeroizing::new([0; 40]);
    let params = scrypt::Params::new(kdf.log2_n, kdf.r, kdf.p, derived.len()).map_err(|_| bad("kdf"))?;
    scrypt::scrypt(password.0.as_bytes(), &salt, &params, &mut *derived).map_err(|_| bad("kdf"))?;
    Ok(Derived(derived))
}

fn decrypt(file: &KeyFile, derived: &Derived) -> Result<Key, BadInput> {
    let corrupt = |field: &str| {
        BadInput::new("corrupt key file: the password is right, but this does not belong to it")
            .at(field)
            .remedy(RESTORE)
    };
    if hex::decode(&file.check).ok().as_deref() != Some(derived.check()) {
        return Err(BadInput::new("wrong password for this key").remedy("use the password that the key was made with"));
    }
    let nonce = hex::decode(&file.cipher.nonce).ok().filter(|nonce| nonce.len() == 24);
    let nonce = nonce.ok_or_else(|| corrupt("cipher.nonce"))?;
    let ciphertext = hex::decode(&file.cipher.ciphertext).map_err(|_| corrupt("cipher.ciphertext"))?;
    let aad = associated_data(file.kind, &file.id);
    let payload = Payload { msg: &ciphertext, aad: aad.as_bytes() };
    let secrets = derived.cipher().decrypt(XNonce::from_slice(&nonce), payload);
    let secrets = Zeroizing::new(secrets.map_err(|_| corrupt("cipher"))?);
    let key = Key::from_secrets(file.kind, &secrets).ok_or_else(|| corrupt("cipher.ciphertext"))?;
    if key.id() != file.id {
        return Err(corrupt("id"));
    }
    if key.public() != file.public {
        return Err(corrupt("public"));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn password() -> Password {
        Password::new("correct horse battery staple").unwrap()
    }

    fn open(folder: &Path) -> Result<Keystore, BadInput> {
        Keystore::open(folder, &password(), Cost::InsecureFast)
    }

    fn with_keys() -> (tempfile::TempDir, Keystore) {
        let folder = tempfile::tempdir().unwrap();
        let mut keystore = open(&folder.path().join("keys")).unwrap();
        keystore.complete().unwrap();
        (folder, keystore)
    }

    fn edit(path: &Path, from: &str, to: &str) {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    #[test]
    fn keys_come_back_as_they_were() {
        let (folder, made) = with_keys();
        let opened = open(&folder.path().join("keys")).unwrap();
        let identity = made.oracle(None, None, None).unwrap().identity();
        assert_eq!(opened.oracle(None, None, None).unwrap().identity(), identity);
        assert_eq!(opened.keys().len(), 3);
        let chosen = opened.oracle(Some(identity.peer_id), None, Some(identity.transmitter)).unwrap();
        assert_eq!(*chosen.offchain.to_seed(), *made.bundle(None).unwrap().offchain.to_seed());
    }

    #[test]
    fn completing_twice_adds_nothing() {
        let (folder, mut keystore) = with_keys();
        keystore.complete().unwrap();
        assert_eq!(fs::read_dir(folder.path().join("keys")).unwrap().count(), 3);
    }

    #[test]
    fn public_halves_are_listed_without_password_and_secrets_are_nowhere_in_clear() {
        let (folder, keystore) = with_keys();
        let keys = keystore.oracle(None, None, None).unwrap();
        let listed = list(&folder.path().join("keys")).unwrap();
        assert_eq!(listed.iter().map(|key| key.kind).collect::<Vec<_>>(), [Kind::Eth, Kind::Ocr2, Kind::P2p]);
        assert_eq!(listed[2].id, keys.identity().peer_id.to_string());
        for path in key_files(&folder.path().join("keys")).unwrap() {
            let text = fs::read_to_string(&path).unwrap();
            for secret in
                [keys.peer.to_seed(), keys.offchain.to_seed(), keys.onchain.to_bytes(), keys.transmitter.to_bytes()]
            {
                assert!(!text.contains(&hex::encode(*secret)), "{}", path.display());
            }
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_wrong_password_is_told_from_a_corrupt_file() {
        let (folder, _) = with_keys();
        let folder = folder.path().join("keys");
        let other = Password::new("another password of length").unwrap();
        let error = Keystore::open(&folder, &other, Cost::InsecureFast).unwrap_err();
        assert_eq!(error.problem, "wrong password for this key");

        let path = key_files(&folder).unwrap().remove(0);
        for (from, to, field) in [
            ("\"ciphertext\": \"", "\"ciphertext\": \"00", "cipher"),
            ("\"nonce\": \"", "\"nonce\": \"00", "cipher.nonce"),
            ("\"log2_n\": 1", "\"log2_n\": 60", "kdf"),
            ("\"address\": \"0x", "\"address\": \"0y", "public"),
            ("\"id\": \"0x", "\"id\": \"0y", "cipher"),
        ] {
            let original = fs::read(&path).unwrap();
            edit(&path, from, to);
            let error = open(&folder).unwrap_err();
            assert_eq!(error.key.as_deref(), Some(field), "{error}");
            assert_eq!(error.file.as_deref(), Some(&*path));
            assert!(error.problem.starts_with("corrupt key file"), "{error}");
            fs::write(&path, original).unwrap();
        }
        fs::write(&path, "{\n \"version\": 1,\n").unwrap();
        let error = open(&folder).unwrap_err();
        assert_eq!(error.line, Some(3), "{error}");
    }

    #[test]
    fn a_temporary_file_of_a_crash_is_not_a_key() {
        let (folder, _) = with_keys();
        fs::write(folder.path().join("keys/.eth-0x.json.0.tmp"), "half a k").unwrap();
        fs::write(folder.path().join("keys/.eth-0x.json"), "half a k").unwrap();
        assert_eq!(open(&folder.path().join("keys")).unwrap().keys().len(), 3);
    }

    #[test]
    fn of_several_keys_one_must_be_chosen() {
        let (_folder, mut keystore) = with_keys();
        let second = keystore.create(Kind::Eth).unwrap();
        let error = keystore.transmitter(None).unwrap_err().to_string();
        assert!(error.contains("more than one ETH key") && error.contains("transmitterID"), "{error}");
        keystore.transmitter(Some(second.parse().unwrap())).unwrap();
        let error = keystore.transmitter(Some(Address([7; 20]))).unwrap_err().to_string();
        assert!(error.contains("there is no ETH key 0x0707"), "{error}");
    }

    #[test]
    fn a_password_has_sixteen_characters_and_no_blanks_around() {
        for bad in ["", "short", " sixteen and more ", "fifteen letters"] {
            assert!(Password::new(bad).is_err(), "{bad:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        Password::generate().write(&path).unwrap();
        let read = Password::read(&path).unwrap();
        assert_eq!(read.0.len(), 32);
        assert_eq!(format!("{read:?}"), "Password(…)");
    }

    #[test]
    fn of_two_costs_in_one_keystore_further_keys_have_the_higher() {
        let folder = tempfile::tempdir().unwrap();
        for log2_n in [4, 1] {
            let kdf = Kdf { log2_n, ..fresh_kdf(Cost::InsecureFast) };
            let derived = derive(&kdf, &password()).unwrap();
            let mut keystore = Keystore { folder: folder.path().to_owned(), kdf, derived, keys: Vec::new() };
            keystore.create(Kind::P2p).unwrap();
        }
        assert_eq!(open(folder.path()).unwrap().kdf.log2_n, 4);
    }

    #[test]
    fn the_standard_cost_is_256_megabytes_and_what_it_wrote_opens_under_any() {
        let kdf = fresh_kdf(Cost::Standard);
        assert_eq!((kdf.log2_n, kdf.r, kdf.p), (18, 8, 1));
        let folder = tempfile::tempdir().unwrap();
        Keystore::open(folder.path(), &password(), Cost::Standard).unwrap().create(Kind::Eth).unwrap();
        assert_eq!(open(folder.path()).unwrap().keys().len(), 1);
    }
}
