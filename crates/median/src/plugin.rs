//! The half of the plugin that decides (OCR2 spec 9.3, 9.5, 9.6).

use crate::config::{OffchainConfig, OnchainConfig};
use crate::deviates;
use crate::observation::{OBSERVATION_BYTES_MAX, Observation};
use crate::report::{self, Observed};
use crate::value::widen;
use crate::view::MedianView;
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use alloy_primitives::I256;
use bytes::Bytes;
use core::fmt::Display;
use machine::Wall;
use ocr2::message::AttributedObservation;
use ocr2::plugin::{Plugin, PluginError, PluginFactory, PluginInfo, ReportingPluginConfig, View};
use ocr2::round_id::{ReportTimestamp, RoundId};
use ocr2::transport::PluginLimits;

/// Makes median plugins.
#[derive(Clone, Copy, Debug, Default)]
pub struct MedianFactory;

impl PluginFactory for MedianFactory {
    fn make(&self, config: &ReportingPluginConfig) -> Result<Box<dyn Plugin>, PluginError> {
        Ok(Box::new(Median {
            n: config.n,
            f: config.f,
            onchain: OnchainConfig::decode(&config.onchain_config).map_err(reason)?,
            offchain: OffchainConfig::decode(&config.offchain_config).map_err(reason)?,
            accepted: RoundId::default(),
            accepted_median: I256::ZERO,
        }))
    }
}

/// The median plugin of one configuration.
#[derive(Debug)]
pub struct Median {
    n: usize,
    f: usize,
    onchain: OnchainConfig,
    offchain: OffchainConfig,
    /// The latest report that was accepted in this life of the process.
    accepted: RoundId,
    accepted_median: I256,
}

impl Plugin for Median {
    fn info(&self) -> PluginInfo {
        PluginInfo {
            name: "NumericalMedian",
            unique_reports: false,
            limits: PluginLimits {
                query_bytes_max: 0,
                observation_bytes_max: OBSERVATION_BYTES_MAX,
                report_bytes_max: report::report_bytes_max(self.n),
            },
        }
    }

    fn report(
        &mut self,
        timestamp: ReportTimestamp,
        query: &Bytes,
        observations: &[AttributedObservation],
        view: &View,
        now: Wall,
    ) -> Result<Option<Bytes>, PluginError> {
        if !query.is_empty() {
            return Err(PluginError::new("the query is not empty"));
        }
        // A malformed observation is dropped here and nowhere else: all honest oracles must drop the same ones.
        let mut observed: Vec<Observed> = Vec::with_capacity(observations.len());
        observed.extend(
            observations
                .iter()
                .filter_map(|entry| Some((entry.observer, Observation::decode(&entry.signed.observation).ok()?))),
        );
        if observed.len() <= self.f {
            let (got, wanted) = (observed.len(), self.f + 1);
            return Err(reason(format_args!("{got} observations are well formed, wanted at least {wanted}")));
        }
        let view = read(view)?;
        report::sort_by_value(&mut observed);
        if !self.should_report(timestamp, observed[observed.len() / 2].1, &view, now) {
            return Ok(None);
        }
        Ok(Some(report::build(observed).into()))
    }

    fn should_accept(
        &mut self,
        timestamp: ReportTimestamp,
        report: &Bytes,
        view: &View,
        _now: Wall,
    ) -> Result<bool, PluginError> {
        if timestamp.at <= self.accepted {
            return Ok(false);
        }
        let view = read(view)?;
        if view.digest != timestamp.config_digest || timestamp.at <= view.at {
            return Ok(false);
        }
        if report.len() > report::report_bytes_max(self.n) as usize {
            return Ok(false);
        }
        let median = report::median(report).map_err(reason)?;
        let moved = !self.offchain.alpha_accept_infinite
            && deviates(self.offchain.alpha_accept_ppb, self.accepted_median, median);
        let nothing_pending = view.at >= self.accepted;
        if moved || nothing_pending {
            self.accepted = timestamp.at;
            self.accepted_median = median;
        }
        Ok(moved || nothing_pending)
    }

    fn should_transmit(
        &mut self,
        timestamp: ReportTimestamp,
        _report: &Bytes,
        view: &View,
        _now: Wall,
    ) -> Result<bool, PluginError> {
        let view = read(view)?;
        Ok(view.digest == timestamp.config_digest && timestamp.at > view.at)
    }
}

impl Median {
    fn should_report(&self, timestamp: ReportTimestamp, median: Observation, view: &MedianView, now: Wall) -> bool {
        let answer = median.value;
        if answer < self.onchain.min || answer > self.onchain.max {
            return false;
        }
        let ours = |digest| digest == timestamp.config_digest;
        let OffchainConfig { alpha_report_infinite, alpha_report_ppb, delta_c, .. } = self.offchain;
        let first = ours(view.digest) && view.at == RoundId::default();
        let moved = !alpha_report_infinite && deviates(alpha_report_ppb, widen(view.answer), widen(answer));
        let stale = u128::from(view.timestamp) * 1_000_000_000 + delta_c.as_nanos() < u128::from(now.0);
        let requested = ours(view.requested_digest) && view.requested >= view.at;
        first || moved || stale || requested
    }
}

fn read(view: &View) -> Result<MedianView, PluginError> {
    MedianView::decode(&view.bytes).ok_or_else(|| PluginError::new("the view is not one of a median feed"))
}

fn reason(why: impl Display) -> PluginError {
    PluginError::new(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;
    use core::time::Duration;
    use ocr::ConfigDigest;

    const OURS: ConfigDigest = ConfigDigest([7; 32]);

    fn plugin(offchain: OffchainConfig) -> Median {
        let onchain = OnchainConfig { min: Value::ZERO, max: number(1_000_000) };
        let (accepted, accepted_median) = (RoundId::default(), I256::ZERO);
        Median { n: 4, f: 1, onchain, offchain, accepted, accepted_median }
    }

    fn number(number: i64) -> Value {
        Value::try_from(number).unwrap()
    }

    fn contract(at: RoundId, answer: i64, timestamp: u64) -> MedianView {
        let (requested_digest, requested) = (ConfigDigest::ZERO, RoundId::default());
        MedianView { digest: OURS, at, answer: number(answer), timestamp, requested_digest, requested }
    }

    fn view(view: MedianView) -> View {
        View { bytes: Bytes::copy_from_slice(&view.encode()), read_at: Wall(0) }
    }

    fn observations(values: &[i64]) -> Vec<AttributedObservation> {
        let encode = |(observer, value): (u8, &i64)| {
            let observation = Observation {
                timestamp: 100,
                value: number(*value),
                juels_per_fee_coin: number(1),
                gas_price_subunits: Value::ZERO,
            };
            let mut entry = AttributedObservation { signed: Default::default(), observer };
            entry.signed.observation = observation.encode(false).into();
            entry
        };
        (0..).zip(values).map(encode).collect()
    }

    fn at(epoch: u32, round: u8) -> ReportTimestamp {
        ReportTimestamp { config_digest: OURS, at: RoundId::new(epoch, round) }
    }

    fn reports(offchain: OffchainConfig, seen: MedianView, now_seconds: u64) -> bool {
        let now = Wall(now_seconds * 1_000_000_000);
        let made = plugin(offchain).report(at(5, 1), &Bytes::new(), &observations(&[3, 1, 2]), &view(seen), now);
        made.unwrap().is_some_and(|report| report::median(&report) == Ok(I256::try_from(2).unwrap()))
    }

    fn never() -> OffchainConfig {
        let delta_c = Duration::from_secs(1_000_000);
        OffchainConfig { alpha_report_infinite: true, alpha_accept_infinite: true, delta_c, ..Default::default() }
    }

    #[test]
    fn a_report_is_due_first_when_moved_when_stale_and_when_requested_and_not_otherwise() {
        let settled = contract(RoundId::new(4, 2), 2, 1000);
        assert!(!reports(never(), settled, 1000));
        assert!(reports(never(), contract(RoundId::default(), 2, 1000), 1000));
        assert!(reports(OffchainConfig { alpha_report_infinite: false, ..never() }, settled, 1000));
        assert!(!reports(never(), settled, 1_001_000));
        assert!(reports(never(), settled, 1_001_001));
        let requested = MedianView { requested_digest: OURS, requested: settled.at, ..settled };
        assert!(reports(never(), requested, 1000));
        assert!(!reports(never(), MedianView { requested: RoundId::new(4, 1), ..requested }, 1000));
    }

    #[test]
    fn an_answer_out_of_bounds_is_skipped_and_too_few_good_observations_are_an_error() {
        let mut plugin = plugin(OffchainConfig::default());
        let view = view(contract(RoundId::default(), 0, 0));
        let mut report = |observations: &[AttributedObservation]| {
            plugin.report(at(1, 1), &Bytes::new(), observations, &view, Wall(u64::MAX))
        };
        assert_eq!(report(&observations(&[-1, -1, 5])), Ok(None));
        let mut two_bad = observations(&[1, 2, 3]);
        two_bad[0].signed.observation = Bytes::from_static(&[0x12, 1, 0]);
        two_bad[1].signed.observation = Bytes::new();
        assert_eq!(report(&two_bad).unwrap_err().reason, "1 observations are well formed, wanted at least 2");
    }

    #[test]
    fn while_a_report_is_pending_only_one_that_deviates_is_accepted() {
        let mut plugin =
            plugin(OffchainConfig { alpha_accept_infinite: false, alpha_accept_ppb: 500_000_000, ..never() });
        let behind = view(contract(RoundId::new(1, 1), 0, 0));
        let mut accept = |at, value: i64, view: &View| {
            let report = report::build(alloc::vec![(
                0,
                Observation::decode(&observations(&[value])[0].signed.observation).unwrap()
            )]);
            plugin.should_accept(at, &report.into(), view, Wall(0)).unwrap()
        };
        assert!(accept(at(1, 2), 100, &behind));
        assert!(!accept(at(1, 2), 100, &behind), "the same again");
        assert!(!accept(at(1, 3), 149, &behind), "moves by less than half while 1/2 is pending");
        assert!(accept(at(1, 3), 150, &behind));
        assert!(accept(at(1, 4), 150, &view(contract(RoundId::new(1, 3), 0, 0))), "nothing is pending");
        assert!(!accept(at(1, 5), 900, &view(contract(RoundId::new(1, 5), 0, 0))), "the contract has it");
    }

    #[test]
    fn a_report_is_transmitted_until_the_contract_has_it_or_a_later_one() {
        let mut plugin = plugin(never());
        let mut transmit = |seen| plugin.should_transmit(at(2, 2), &Bytes::new(), &view(seen), Wall(0)).unwrap();
        assert!(transmit(contract(RoundId::new(2, 1), 0, 0)));
        assert!(!transmit(contract(RoundId::new(2, 2), 0, 0)));
        assert!(!transmit(MedianView { digest: ConfigDigest::ZERO, ..contract(RoundId::new(1, 1), 0, 0) }));
    }
}
