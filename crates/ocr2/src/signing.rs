//! What exactly is signed: the digest under an observation, and the digest under a report for a contract of the EVM.
//! Nothing else in OCR2 carries a signature (OCR2 spec 1.5).

use crypto::{Keccak256, Sha256, keccak256};
use ocr::ConfigDigest;

/// The 32 bytes that an observer signs with its off-chain key (OCR2 spec 1.3). Who it is stands not in it: the key says so.
pub fn observation_digest(
    config_digest: ConfigDigest,
    epoch: u32,
    round: u8,
    query: &[u8],
    observation: &[u8],
) -> [u8; 32] {
    let hash = Sha256::new().chain(&config_digest.0).chain(&epoch.to_be_bytes()).chain(&[round]);
    sized(sized(hash, query), observation).finish()
}

/// Binds a report to the query and the observations it was made from, in the order of the ReportReq (OCR2 spec 1.4). Their
/// signatures are not in it. An observer is its byte as it came, for the hash is defined of strangers too.
pub fn extra_hash<'a>(
    query: &[u8],
    observations: impl IntoIterator<Item = (&'a [u8], u8), IntoIter: ExactSizeIterator>,
) -> [u8; 32] {
    let observations = observations.into_iter();
    let hash = sized(Sha256::new(), query).chain(&(observations.len() as u64).to_be_bytes());
    observations.fold(hash, |hash, (observation, observer)| sized(hash, observation).chain(&[observer])).finish()
}

fn sized(hash: Sha256, bytes: &[u8]) -> Sha256 {
    hash.chain(&(bytes.len() as u64).to_be_bytes()).chain(bytes)
}

/// Which round of which configuration a report is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportContext {
    pub config_digest: ConfigDigest,
    pub epoch: u32,
    pub round: u8,
    /// [`extra_hash`] of the round.
    pub extra_hash: [u8; 32],
}

impl ReportContext {
    /// The three words as the contract's `transmit` takes them (OCR2 spec 1.4, 8.3).
    pub fn words(&self) -> [[u8; 32]; 3] {
        let mut epoch_and_round = [0; 32];
        epoch_and_round[27..31].copy_from_slice(&self.epoch.to_be_bytes());
        epoch_and_round[31] = self.round;
        [self.config_digest.0, epoch_and_round, self.extra_hash]
    }

    /// The 32 bytes that an oracle signs with its key on the EVM, without Ethereum's message prefix (OCR2 spec 1.4).
    pub fn report_digest(&self, report: &[u8]) -> [u8; 32] {
        let hash = Keccak256::new().chain(&keccak256(report));
        self.words().iter().fold(hash, |hash, word| hash.chain(word)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: ConfigDigest = {
        let mut bytes = [0; 32];
        let mut i = 0;
        while i < 32 {
            bytes[i] = i as u8;
            i += 1;
        }
        ConfigDigest(bytes)
    };

    #[test]
    fn observation_digests_are_those_of_the_specification() {
        let digest =
            |query: &[u8]| hex::encode(observation_digest(DIGEST, 0x0102_0304, 5, query, b"observation-bytes"));
        assert_eq!(digest(b"query"), "d10e21893b098095a59f03a24281fd65c901653bcf0a525f34f9330fd43c05f6");
        assert_eq!(digest(b""), "0207d1650649ff0edfe473b7a0bf1d240cb9e95891a81b8c954f15c21711ba1c");
    }

    #[test]
    fn extra_hashes_are_those_of_the_specification() {
        let observations = [(&b"obs0"[..], 0), (b"obs2", 2), (b"observation3", 3)];
        assert_eq!(
            hex::encode(extra_hash(b"query", observations)),
            "3d5ea708019f792d415b72b5569643375986814418a20f1ebccf3df78509bf53"
        );
        assert_eq!(
            hex::encode(extra_hash(b"", [])),
            "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb"
        );
    }

    #[test]
    fn the_context_has_the_epoch_before_the_round_at_the_end_of_its_second_word() {
        let context = ReportContext { config_digest: DIGEST, epoch: 0x0102_0304, round: 5, extra_hash: [7; 32] };
        let words = context.words();
        assert_eq!((words[0], words[2]), (DIGEST.0, [7; 32]));
        assert_eq!(words[1][..27], [0; 27]);
        assert_eq!(words[1][27..], [1, 2, 3, 4, 5]);
    }
}
