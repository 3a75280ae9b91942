//! SHA-256 and legacy Keccak-256 (Ethereum's, not SHA3-256).

use core::fmt;

use sha3::Digest as _;

/// Keccak-256 of `bytes`, with the padding Ethereum uses.
pub fn keccak256(bytes: &[u8]) -> [u8; 32] {
    Keccak256::new().chain(bytes).finish()
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain(bytes).finish()
}

macro_rules! streaming_hash {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Default)]
        pub struct $name($inner);

        impl $name {
            /// The hash of nothing yet.
            pub fn new() -> Self {
                Self::default()
            }

            /// Appends `bytes` to what is hashed.
            pub fn update(&mut self, bytes: &[u8]) {
                self.0.update(bytes);
            }

            /// Appends `bytes` to what is hashed, by value.
            #[must_use]
            pub fn chain(mut self, bytes: &[u8]) -> Self {
                self.update(bytes);
                self
            }

            /// The digest of everything appended.
            pub fn finish(self) -> [u8; 32] {
                self.0.finalize().into()
            }
        }

        // The state may hold bytes of a secret, so it is never printed.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

streaming_hash!(
    /// Legacy Keccak-256 over a message that comes in parts.
    Keccak256,
    sha3::Keccak256
);
streaming_hash!(
    /// SHA-256 over a message that comes in parts.
    Sha256,
    sha2::Sha256
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_string_hashes_as_ethereum_and_fips_say() {
        assert_eq!(hex::encode(keccak256(b"")), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
        assert_eq!(hex::encode(sha256(b"")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn parts_hash_like_the_whole() {
        assert_eq!(Keccak256::new().chain(b"do").chain(b"dona").finish(), keccak256(b"dodona"));
        assert_eq!(Sha256::new().chain(b"do").chain(b"dona").finish(), sha256(b"dodona"));
    }
}
