//! What the transport lets one oracle send: limits that both ends compute from the configuration (OCR2 spec 4.4).
//!
//! A receiver closes the connection on a longer message and drops what comes faster, so the formulas are the reference's
//! to the letter, its omissions included; what they omit is told by [`ReportReqLength`].

use core::time::Duration;

/// Longest query, observation or report that a plugin may declare (OCR2 spec 4.4): 256 MiB.
pub const PLUGIN_LENGTH_MAX: u32 = 256 << 20;

/// Allowance of the formulas for everything in a message but the plugin's bytes and signatures.
const OVERHEAD: u32 = 256;
/// Allowance for the signature of an observation and of a Report.
const SIGNATURE: u32 = 64;

/// The longest byte strings that the reporting plugin makes; all oracles must run it with the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PluginLimits {
    pub query_bytes_max: u32,
    pub observation_bytes_max: u32,
    pub report_bytes_max: u32,
}

impl PluginLimits {
    /// Refuses limits that the reference refuses to run with.
    pub fn check(&self) -> Result<(), LimitError> {
        for (what, got) in [
            ("query", self.query_bytes_max),
            ("observation", self.observation_bytes_max),
            ("report", self.report_bytes_max),
        ] {
            if got > PLUGIN_LENGTH_MAX {
                return Err(LimitError::Plugin { what, got });
            }
        }
        Ok(())
    }
}

/// What one oracle may send to another on the stream of one configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransportLimits {
    /// Bytes.
    pub message_bytes_max: u32,
    /// Messages per second; infinite if DeltaRound, DeltaResend or DeltaProgress is zero.
    pub message_rate: f64,
    /// Messages at once.
    pub message_capacity: u32,
    /// Bytes per second; infinite if DeltaRound, DeltaResend or DeltaProgress is zero.
    pub byte_rate: f64,
    /// Bytes at once.
    pub byte_capacity: u32,
}

impl TransportLimits {
    /// The limits of a committee of `n`. A sum or product above 2³¹ − 1 on the way is refused: such an instance does not
    /// start.
    pub fn new(
        n: usize,
        delta_progress: Duration,
        delta_resend: Duration,
        delta_round: Duration,
        plugin: PluginLimits,
        signature_bytes_max: u32,
    ) -> Result<Self, LimitError> {
        let PluginLimits { query_bytes_max: query, observation_bytes_max: observation, report_bytes_max: report } =
            plugin;
        let n = u32::try_from(n).map_err(|_| LimitError::Overflow)?;

        let new_epoch = OVERHEAD;
        let observe_req = sum([query, OVERHEAD])?;
        let observe = sum([observation, OVERHEAD])?;
        // Without the query, as in the reference.
        let report_req = sum([product(sum([observation, SIGNATURE])?, n)?, OVERHEAD])?;
        let report_message = sum([report, SIGNATURE, OVERHEAD])?;
        let final_message = sum([report, product(signature_bytes_max, n)?, OVERHEAD])?;
        let final_echo = final_message;

        let round = [observe_req, observe, report_req, report_message, final_message, final_echo];
        let per_round = sum(round)?;
        let per_second = |bytes: u32, interval: Duration| f64::from(bytes) / interval.as_secs_f64();
        Ok(Self {
            message_bytes_max: round.into_iter().fold(new_epoch, u32::max),
            message_rate: 2.0 * per_second(1, delta_resend)
                + 2.0 * per_second(1, delta_progress)
                + 2.0 * per_second(6, delta_round),
            message_capacity: 2 * (2 + 6),
            byte_rate: per_second(new_epoch, delta_resend)
                + per_second(new_epoch, delta_progress)
                + per_second(per_round, delta_round),
            byte_capacity: product(sum([new_epoch, per_round])?, 2)?,
        })
    }
}

fn sum<const N: usize>(terms: [u32; N]) -> Result<u32, LimitError> {
    terms.into_iter().try_fold(0, |sum: u32, term| fits(u64::from(sum) + u64::from(term)))
}

fn product(a: u32, b: u32) -> Result<u32, LimitError> {
    fits(u64::from(a) * u64::from(b))
}

/// The reference computes with 32 bits and a sign.
fn fits(value: u64) -> Result<u32, LimitError> {
    i32::try_from(value).map(i32::unsigned_abs).map_err(|_| LimitError::Overflow)
}

/// Why an instance with these limits does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error("the plugin's longest {what} is {got} bytes, allowed are {PLUGIN_LENGTH_MAX}")]
    Plugin { what: &'static str, got: u32 },
    #[error("the transport limits of this committee and plugin overflow 31 bits")]
    Overflow,
}

/// How long a ReportReq may become, against what may be sent: the formula of the limit forgets the query and the protobuf
/// framing of each entry (OCR2 spec 13.5). A leader that would exceed it must leave out surplus observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportReqLength {
    /// With n observations and a query, each as long as the plugin allows.
    pub longest: u64,
    /// With 2f + 1 such observations, of the oracles with the highest numbers.
    pub longest_of_quorum: u64,
    /// What the transport takes.
    pub allowed: u64,
}

impl ReportReqLength {
    /// Computes the three for a committee of `n` of which `quorum` (2f + 1) observations are enough.
    pub fn new(n: usize, quorum: usize, plugin: PluginLimits, limits: &TransportLimits) -> Self {
        let with = |entries: usize| {
            let signed = field(u64::from(plugin.observation_bytes_max)) + field(64);
            // Only oracle 0 is left out on the wire, and it is among n but need not be among fewer.
            let zero = if entries == n { 2 } else { 0 };
            let attributed = field(signed) + 2;
            let query = u64::from(plugin.query_bytes_max);
            let content = 6 + 3 + if query == 0 { 0 } else { field(query) } + entries as u64 * field(attributed) - zero;
            field(content)
        };
        Self { longest: with(n), longest_of_quorum: with(quorum), allowed: limits.message_bytes_max.into() }
    }

    /// Whether even the fewest observations that make a report may not fit: such rounds cannot complete.
    pub fn quorum_may_not_fit(&self) -> bool {
        self.longest_of_quorum > self.allowed
    }

    /// Whether all observations may not fit, so that a leader must leave some out.
    pub fn all_may_not_fit(&self) -> bool {
        self.longest > self.allowed
    }
}

/// Bytes of a length-delimited field with a one-byte tag and `length` bytes of content.
fn field(length: u64) -> u64 {
    let bits = u64::from(u64::BITS - (length | 1).leading_zeros());
    1 + bits.div_ceil(7) + length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(n: usize, seconds: [f64; 3], [q, o, r]: [u32; 3], signature: u32) -> Result<TransportLimits, LimitError> {
        let [progress, resend, round] = seconds.map(Duration::from_secs_f64);
        let plugin = PluginLimits { query_bytes_max: q, observation_bytes_max: o, report_bytes_max: r };
        TransportLimits::new(n, progress, resend, round, plugin, signature)
    }

    #[test]
    fn the_limits_are_those_of_the_specification() {
        let some = limits(4, [1.0, 5.0, 0.1], [0, 20, 100], 64).unwrap();
        assert_eq!((some.message_bytes_max, some.message_capacity, some.byte_capacity), (612, 16, 6048));
        assert!((some.message_rate - 122.4).abs() < 1e-9 && (some.byte_rate - 27987.2).abs() < 1e-7);
        let median = limits(31, [30.0, 10.0, 5.0], [0, 92, 1152], 65).unwrap();
        assert_eq!((median.message_bytes_max, median.byte_capacity), (5092, 28540));
    }

    #[test]
    fn overflow_is_refused_and_zero_intervals_are_infinite_rates() {
        assert_eq!(limits(31, [2.0, 1.0, 1.0], [0, PLUGIN_LENGTH_MAX, 1], 65), Err(LimitError::Overflow));
        assert_eq!(limits(4, [2.0, 1.0, 1.0], [u32::MAX; 3], u32::MAX), Err(LimitError::Overflow));
        let unlimited = limits(4, [1.0, 1.0, 0.0], [0, 92, 288], 65).unwrap();
        assert!(unlimited.message_rate == f64::INFINITY && unlimited.byte_rate == f64::INFINITY);
        let plugin = PluginLimits { query_bytes_max: 0, observation_bytes_max: 1 << 29, report_bytes_max: 0 };
        assert_eq!(plugin.check(), Err(LimitError::Plugin { what: "observation", got: 1 << 29 }));
    }

    #[test]
    fn a_report_req_outgrows_its_limit_where_the_specification_says() {
        let length = |n: usize, f: usize, q: u32, o: u32| {
            let limits = limits(n, [2.0, 1.0, 1.0], [q, o, 0], 65).unwrap();
            let plugin = PluginLimits { query_bytes_max: q, observation_bytes_max: o, report_bytes_max: 0 };
            ReportReqLength::new(n, 2 * f + 1, plugin, &limits)
        };
        // Spec 13.5 counts a one-byte epoch where we allow for five bytes: four more, and two of the tag and length.
        let largest = length(31, 10, 0, 1000);
        assert_eq!((largest.longest, largest.allowed), (33_394 + 4, 33_240));
        assert!(largest.all_may_not_fit() && !largest.quorum_may_not_fit());
        assert!(!length(18, 5, 0, 1000).all_may_not_fit() && length(19, 6, 0, 1000).all_may_not_fit());
        assert!(length(4, 1, 5000, 100).quorum_may_not_fit());
        assert!(!length(4, 1, 0, 92).all_may_not_fit());
    }
}
