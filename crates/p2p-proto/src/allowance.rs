//! What OCR1, OCR3 and OCR3.1 let an oracle receive from another, computed from the configuration that all share.
//! Networking spec 14; the formulas are the reference's, down to its roundings and slips, because both ends must agree.
//!
//! Not here: OCR2's, which stand with its configuration.

use crate::StreamLimits;
use core::time::Duration;

/// Room for headers and small fields in every message.
const HEADROOM: u128 = 256;

/// Each sum must fit what the reference counts in.
const SUM_MAX: u128 = i32::MAX as u128;

/// A message or a burst would be larger than the reference can count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the configuration allows messages of {got} bytes together, at most {SUM_MAX} can be counted")]
pub struct Overflow {
    pub got: u128,
}

/// How often something happens that happens once in `interval`; infinitely often if that is zero.
fn per_second(interval: Duration) -> f64 {
    1.0 / interval.as_secs_f64()
}

fn fitting(sum: u128) -> Result<u128, Overflow> {
    if sum <= SUM_MAX { Ok(sum) } else { Err(Overflow { got: sum }) }
}

/// The sum of these lengths.
fn total(lengths: &[u128]) -> u128 {
    lengths.iter().sum()
}

fn largest(lengths: &[u128]) -> u128 {
    lengths.iter().copied().max().unwrap_or(0)
}

fn limits(
    longest: u128,
    messages_rate: f64,
    messages_capacity: u32,
    bytes_rate: f64,
    bytes_capacity: u128,
) -> Result<StreamLimits, Overflow> {
    Ok(StreamLimits {
        message_bytes_max: fitting(longest)? as u32,
        messages_rate,
        messages_capacity,
        bytes_rate,
        bytes_capacity: fitting(bytes_capacity)? as u32,
    })
}

/// OCR1.
pub fn ocr1(delta_resend: Duration, delta_progress: Duration, delta_round: Duration) -> StreamLimits {
    let rate = 2.0 * (per_second(delta_resend) + per_second(delta_progress) + 6.0 * per_second(delta_round));
    StreamLimits {
        message_bytes_max: 10_000,
        messages_rate: rate,
        messages_capacity: 16,
        bytes_rate: rate * 10_000.0,
        bytes_capacity: 160_000,
    }
}

/// How many make a Byzantine quorum.
fn quorum(oracles: u32, faulty: u32) -> u128 {
    (u128::from(oracles) + u128::from(faulty)) / 2 + 1
}

/// What OCR3's allowance follows from. Lengths in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ocr3 {
    pub oracles: u32,
    pub faulty: u32,
    pub r_max: u64,
    pub delta_resend: Duration,
    pub delta_progress: Duration,
    pub delta_initial: Duration,
    pub delta_round: Duration,
    pub query_bytes_max: u32,
    pub observation_bytes_max: u32,
    pub outcome_bytes_max: u32,
    pub report_count_max: u32,
    pub signature_bytes_max: u32,
}

impl Ocr3 {
    /// The limits of the one stream.
    pub fn limits(&self) -> Result<StreamLimits, Overflow> {
        let n = u128::from(self.oracles);
        let quorum = quorum(self.oracles, self.faulty);
        let [query, observation, outcome, reports, signature] = [
            self.query_bytes_max,
            self.observation_bytes_max,
            self.outcome_bytes_max,
            self.report_count_max,
            self.signature_bytes_max,
        ]
        .map(u128::from);
        let certificate = 74 * quorum + outcome + HEADROOM;
        let new_epoch = HEADROOM;
        let epoch_start_req = certificate + HEADROOM;
        let epoch_start = certificate + 148 * quorum + HEADROOM;
        let round_start = query + 74 + HEADROOM;
        let observe = observation + HEADROOM;
        let proposal = (observation + 74) * n + 74 + HEADROOM;
        let prepare = HEADROOM;
        let commit = HEADROOM;
        let report_signatures = (signature + 10) * reports + HEADROOM;
        let certified_commit_req = HEADROOM;
        let certified_commit = certificate + HEADROOM;
        let per_epoch = [new_epoch, epoch_start, epoch_start_req];
        let per_round = [
            prepare,
            commit,
            report_signatures,
            round_start,
            proposal,
            observe,
            certified_commit_req,
            certified_commit,
        ];

        let resend = per_second(self.delta_resend);
        let epoch = per_second(shortest_epoch(self.delta_progress, self.delta_initial, self.r_max, self.delta_round));
        let round = per_second(self.delta_round);
        limits(
            largest(&per_epoch).max(largest(&per_round)),
            1.2 * (resend + 3.0 * epoch + 8.0 * round),
            36,
            new_epoch as f64 * resend + total(&per_epoch) as f64 * epoch + total(&per_round) as f64 * round,
            3 * (new_epoch + total(&per_epoch) + total(&per_round)),
        )
    }
}

fn shortest_epoch(progress: Duration, initial: Duration, r_max: u64, round: Duration) -> Duration {
    progress.min(initial).min(round.saturating_mul(u32::try_from(r_max).unwrap_or(u32::MAX)))
}

/// What OCR3.1's allowances follow from. Lengths in bytes; the optional intervals with their defaults filled in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ocr31 {
    pub oracles: u32,
    pub faulty: u32,
    pub r_max: u64,
    pub delta_resend: Duration,
    pub delta_progress: Duration,
    pub delta_initial: Duration,
    pub delta_round: Duration,
    pub delta_grace: Duration,
    pub delta_state_sync_summary: Duration,
    pub delta_block_sync_min: Duration,
    pub delta_tree_sync_min: Duration,
    pub delta_blob_offer_min: Duration,
    pub delta_blob_chunk_min: Duration,
    pub blocks_per_response_max: u32,
    pub tree_chunk_keys_max: u32,
    pub tree_chunk_bytes_max: u32,
    pub blob_chunk_bytes_max: u32,
    pub query_bytes_max: u32,
    pub observation_bytes_max: u32,
    pub report_count_max: u32,
    pub reports_plus_precursor_bytes_max: u32,
    pub modified_bytes_max: u32,
    pub modified_keys_max: u32,
    pub blob_bytes_max: u32,
    pub signature_bytes_max: u32,
}

/// What OCR3.1 grants: two streams, and a length for each kind of response.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ocr31Limits {
    pub default: StreamLimits,
    pub low: StreamLimits,
    pub observation_bytes_max: u32,
    pub reports_plus_precursor_bytes_max: u32,
    pub blob_offer_bytes_max: u32,
    pub blob_chunk_bytes_max: u32,
    pub block_sync_bytes_max: u32,
    pub tree_sync_bytes_max: u32,
}

impl Ocr31 {
    /// What a configuration means that leaves all optional values out; the rest is zero.
    pub const DEFAULTS: Self = Self {
        oracles: 0,
        faulty: 0,
        r_max: 0,
        delta_resend: Duration::from_secs(5),
        delta_progress: Duration::ZERO,
        delta_initial: Duration::from_millis(800),
        delta_round: Duration::ZERO,
        delta_grace: Duration::ZERO,
        delta_state_sync_summary: Duration::from_secs(5),
        delta_block_sync_min: Duration::from_millis(10),
        delta_tree_sync_min: Duration::from_millis(10),
        delta_blob_offer_min: Duration::from_millis(10),
        delta_blob_chunk_min: Duration::from_millis(10),
        blocks_per_response_max: 2,
        tree_chunk_keys_max: 1024,
        tree_chunk_bytes_max: 3_145_728,
        blob_chunk_bytes_max: 1_000_000,
        query_bytes_max: 0,
        observation_bytes_max: 0,
        report_count_max: 0,
        reports_plus_precursor_bytes_max: 0,
        modified_bytes_max: 0,
        modified_keys_max: 0,
        blob_bytes_max: 0,
        signature_bytes_max: 0,
    };

    /// The limits of both streams and of the responses.
    pub fn limits(&self) -> Result<Ocr31Limits, Overflow> {
        let n = u128::from(self.oracles);
        let quorum = quorum(self.oracles, self.faulty);
        let [query, observation, reports, precursor, modified_bytes, modified_keys, blob, signature] = [
            self.query_bytes_max,
            self.observation_bytes_max,
            self.report_count_max,
            self.reports_plus_precursor_bytes_max,
            self.modified_bytes_max,
            self.modified_keys_max,
            self.blob_bytes_max,
            self.signature_bytes_max,
        ]
        .map(u128::from);
        let [chunk, blocks, tree_keys, tree_bytes] = [
            self.blob_chunk_bytes_max,
            self.blocks_per_response_max,
            self.tree_chunk_keys_max,
            self.tree_chunk_bytes_max,
        ]
        .map(u128::from);

        let certificate = 74 * quorum + 160 + HEADROOM;
        let write_set = modified_bytes + 10 * modified_keys;
        let new_epoch = HEADROOM;
        let epoch_start_req = certificate + HEADROOM;
        let epoch_start = certificate + 74 * quorum + HEADROOM;
        let round_start = query + HEADROOM;
        let proposal = (observation + 74) * n + HEADROOM;
        let [prepare, commit, reports_req] = [HEADROOM; 3];
        let report_signatures = (signature + 10) * reports + HEADROOM;
        let [state_sync_summary, block_sync_req, tree_sync_req] = [HEADROOM; 3];
        let [blob_offer, blob_chunk_req] = [32 + HEADROOM; 2];
        // At most two bounding leaves, each with a proof of 256 siblings.
        let leaf = 64 + 256 * (10 + 32);
        let chunks = if chunk == 0 { 0 } else { blob.div_ceil(chunk) };
        let proof = u128::from(u128::BITS - chunks.leading_zeros()) + 1;

        let min_round = self.delta_round.max(self.delta_grace);
        let epoch = per_second(shortest_epoch(self.delta_progress, self.delta_initial, self.r_max, min_round));
        let resend = per_second(self.delta_resend);
        let round = per_second(min_round);
        let per_epoch = [new_epoch, epoch_start, epoch_start_req];
        let per_round = [prepare, commit, report_signatures, round_start, proposal, reports_req];
        let per_blob = [blob_offer, blob_chunk_req];
        let offers = per_second(self.delta_blob_offer_min);
        let chunk_requests = per_second(self.delta_blob_chunk_min);
        let default = limits(
            largest(&per_epoch).max(largest(&per_round)).max(largest(&per_blob)),
            1.2 * (resend + 3.0 * epoch + 6.0 * round + 2.0 * offers + chunk_requests),
            39,
            new_epoch as f64 * resend
                + total(&per_epoch) as f64 * epoch
                + total(&per_round) as f64 * round
                + blob_offer as f64 * offers
                + blob_chunk_req as f64 * chunk_requests,
            3 * (new_epoch + total(&per_epoch) + total(&per_round) + total(&per_blob)),
        )?;

        let (summaries, blocks_rate, trees) = (
            per_second(self.delta_state_sync_summary),
            per_second(self.delta_block_sync_min),
            per_second(self.delta_tree_sync_min),
        );
        let syncing = [state_sync_summary, block_sync_req, tree_sync_req];
        let low = limits(
            largest(&syncing),
            1.2 * (blocks_rate + trees + summaries),
            9,
            state_sync_summary as f64 * summaries + block_sync_req as f64 * blocks_rate + tree_sync_req as f64 * trees,
            3 * total(&syncing),
        )?;
        let response = |bytes: u128| fitting(bytes).map(|bytes| bytes as u32);
        Ok(Ocr31Limits {
            default,
            low,
            observation_bytes_max: response(observation + HEADROOM)?,
            reports_plus_precursor_bytes_max: response(precursor + HEADROOM)?,
            blob_offer_bytes_max: response(32 + 74 + HEADROOM)?,
            blob_chunk_bytes_max: response(32 + chunk + proof * 42 + HEADROOM)?,
            block_sync_bytes_max: response(blocks * (certificate + write_set) + HEADROOM)?,
            // The product of the keys is the reference's.
            tree_sync_bytes_max: response(HEADROOM + 2 * (10 + leaf) + tree_bytes + tree_keys * 10 * 20)?,
        })
    }
}
