//! Every bound of this crate that no configuration decides, with its reason.

use core::time::Duration;

use crate::round_id::Epoch;

/// Messages of future epochs kept for each sender. An honest oracle that is one epoch ahead says at most an ObserveReq, a
/// ReportReq and a Final for each round, and this covers ten such rounds; it sends about as few to us as a follower.
pub const FUTURE_MESSAGES_MAX: usize = 32;

/// Bytes of future messages kept for each sender: the above with messages of the largest median committee, many times over;
/// one message is kept whatever its length.
pub const FUTURE_BYTES_MAX: usize = 1 << 20;

/// Finished reports waiting for the plugin's acceptance. A view comes within MaxDurationShouldAccept, in which a committee
/// finishes a few reports at most; beyond, the oldest is of least use, because the contract takes newer ones only.
pub const ACCEPTING_MAX: usize = 64;

/// Transmissions on their way or waiting for our turn: more than one for each stage of the longest useful schedule (31
/// oracles, one a stage). Beyond, the oldest goes: the contract would not take it after a newer one.
pub const PENDING_MAX: usize = 64;

/// Highest epoch that a contract is believed at a start. With five epochs a second a committee gets there after a decade;
/// an endpoint that says more would have everyone spend the last epoch, after which no leader is ever replaced.
pub const CONTRACT_EPOCH_MAX: Epoch = Epoch((1 << 31) - 1);

/// How often one report is handed over or its fate looked up in vain before it is given up.
pub const TRANSMISSION_TRIES_MAX: u8 = 10;

/// Longest wait between two tries, however often they failed: a chain that recovers is found within it.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// A pending transmission found at a start is of no use if it was due longer ago (OCR2 spec 7.5).
pub const PENDING_AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after its deadline an answer still counts: it may have been on its way, and the reference also waits this long
/// before it complains.
pub const LATE_ANSWER_GRACE: Duration = Duration::from_millis(100);

/// Verified reports whose bytes are kept, so that a copy of them is known without checking its signatures again. Rounds
/// overlap little, so a few are enough.
pub const FINALS_KEPT: usize = 4;

/// Oracles repeat a final report one after the other, so long apart, in turns that change from round to round: whoever has
/// repeated it to us before ours has it and need not hear it from us, which halves the copies that cross. The last of 31 is
/// three milliseconds late, which only an oracle that missed the Final can notice.
pub const ECHO_STEP: Duration = Duration::from_micros(100);

/// Final reports that may wait for their turn; beyond, the oldest is repeated at once. Each has a quorum of good signatures,
/// and a committee finishes a few in three milliseconds at most.
pub const ECHOES_MAX: usize = 8;

/// FinalEchoes whose bytes are kept with what they say, so that the same bytes from the next peer need no decoding. As
/// [`FINALS_KEPT`].
pub const ECHO_FRAMES_KEPT: usize = 4;

/// Configurations before the current one whose records are kept: a chain that reorganises may bring one of them back, and
/// what was said under it still binds us.
pub const CONFIGS_KEPT: usize = 16;

/// Reports stay known, and copies of them ignored, for so long at least (OCR2 spec 6.6), counted in rounds of DeltaRound.
pub const FINALIZED_AGE: Duration = Duration::from_secs(600);
/// The least and the most rounds of it.
pub const FINALIZED_ROUNDS: core::ops::RangeInclusive<u64> = 10..=1000;

/// Bytes of a report signature, MaxSignatureLength of the EVM keyring (OCR2 spec 1.4).
pub const REPORT_SIGNATURE_BYTES_MAX: u32 = crypto::secp256k1::SIGNATURE_LEN as u32;

/// Shortest pause between two broadcasts of the epoch we want: DeltaResend may be zero where resource checks are off, and
/// an oracle that never pauses hears nothing.
pub const RESEND_PAUSE_MIN: Duration = Duration::from_millis(1);
