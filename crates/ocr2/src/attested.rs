//! What makes a report count: one signature under a Report, a quorum of them under a Final (OCR2 spec 6.3, 6.4).

use machine::Claim;
use ocr::{Address, Committee, ConfigDigest, OracleId, OracleSet, PerOracle};

use crate::{
    message::{AttributedSignature, Final, Report},
    refusal::Fault,
    round_id::RoundId,
    signing::ReportContext,
};

/// What a report of this round is signed with.
pub fn context(config_digest: ConfigDigest, at: RoundId, extra_hash: [u8; 32]) -> ReportContext {
    ReportContext { config_digest, epoch: at.epoch.0, round: at.round.0, extra_hash }
}

/// A report must have the signature of its sender over `digest`; a skip must have neither report nor signature.
pub fn check_report(
    report: &Report,
    digest: [u8; 32],
    signer: Address,
    mut holds: impl FnMut(Claim) -> bool,
) -> Result<(), Fault> {
    if report.skip {
        let is_bare = report.report.is_empty() && report.signature.is_empty();
        return if is_bare { Ok(()) } else { Err(Fault::SkipWithPayload) };
    }
    let claim = Claim::secp256k1(signer, digest, &report.signature);
    if claim.is_some_and(&mut holds) { Ok(()) } else { Err(Fault::ReportSignature) }
}

/// A final report must have exactly `quorum` signatures over `digest`, of distinct oracles. `holds` judges each, given whose it is said
/// to be; what costs nothing is checked first.
pub fn check_final(
    report: &Final,
    digest: [u8; 32],
    committee: Committee,
    signers: &PerOracle<Address>,
    quorum: usize,
    mut holds: impl FnMut(OracleId, Claim) -> bool,
) -> Result<(), Fault> {
    let (got, wanted) = (report.signatures.len(), quorum);
    if got != wanted {
        return Err(Fault::SignatureCount { got, wanted });
    }
    let mut seen = OracleSet::EMPTY;
    for AttributedSignature { signer, .. } in &report.signatures {
        let no_such = Fault::NoSuchOracle { got: *signer, n: committee.n() };
        let oracle = committee.oracle(*signer).ok_or(no_such)?;
        if !seen.insert(oracle) {
            return Err(Fault::Twice { oracle });
        }
    }
    for AttributedSignature { signature, signer } in &report.signatures {
        let Some(signer) = committee.oracle(*signer) else { continue };
        let claim = Claim::secp256k1(signers[signer], digest, signature);
        if !claim.is_some_and(|claim| holds(signer, claim)) {
            return Err(Fault::RelayedReportSignature { signer });
        }
    }
    Ok(())
}
