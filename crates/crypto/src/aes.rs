//! AES-128 on single blocks: all that sealing a shared secret and drawing a permutation need. No mode, no padding.

use core::fmt;

use ::aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};

/// An expanded AES-128 key; wiped on drop.
pub struct Aes128(::aes::Aes128);

impl Aes128 {
    /// Expands `key`.
    pub fn new(key: &[u8; 16]) -> Self {
        Self(::aes::Aes128::new(key.into()))
    }

    /// Encrypts one block.
    pub fn encrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        self.0.encrypt_block(&mut block);
        block.into()
    }

    /// Decrypts one block.
    pub fn decrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        self.0.decrypt_block(&mut block);
        block.into()
    }
}

impl fmt::Debug for Aes128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aes128(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_encrypts_as_fips_197_says_and_back() {
        let aes = Aes128::new(&core::array::from_fn(|i| i as u8));
        let plain: [u8; 16] = core::array::from_fn(|i| (i * 0x11) as u8);
        let sealed = aes.encrypt(plain);
        assert_eq!(hex::encode(sealed), "69c4e0d86a7b0430d8cdb78070b4c55a");
        assert_eq!(aes.decrypt(sealed), plain);
    }
}
