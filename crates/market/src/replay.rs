//! Which minute it is: recorded time runs at a multiple of real time.

use crate::limits::SPEED_MAX;
use crate::record::Market;
use std::time::Duration;

/// Where in the record a replay begins, and how fast it goes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Replay {
    start: u64,
    speed: f64,
}

impl Replay {
    /// A replay of this market from `start` (unix seconds) at `speed` recorded seconds per second. The error says what is
    /// wrong and what would be right.
    pub fn new(market: &Market, start: u64, speed: f64) -> Result<Replay, String> {
        if !speed.is_finite() || speed <= 0.0 || speed > SPEED_MAX {
            return Err(format!("a speed of {speed} is not possible; give a number above 0, at most {SPEED_MAX}"));
        }
        let (first, last) = (market.first_time(), market.last_time());
        if !(first..=last).contains(&start) {
            return Err(format!("the record has no prices at {start}; start from {first} to {last} (unix seconds)"));
        }
        Ok(Replay { start, speed })
    }

    /// Unix seconds of the beginning.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Recorded seconds per second.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// The replay time (unix seconds) when so much real time has passed. Whole seconds: prices change by the minute.
    pub fn time(&self, elapsed: Duration) -> u64 {
        // A float to integer cast saturates, and at the end the last values hold.
        self.start.saturating_add((elapsed.as_secs_f64() * self.speed) as u64)
    }
}

/// Reads a start: unix seconds, or RFC 3339 such as `2023-03-11T07:00:00Z`. Fractions of a second are dropped. The error
/// says what would be right.
pub fn parse_start(text: &str) -> Result<u64, String> {
    let parsed = text.parse().ok().or_else(|| rfc3339(text));
    parsed
        .ok_or_else(|| format!("`{text}` is not a time; write unix seconds or RFC 3339, such as 2023-03-11T07:00:00Z"))
}

fn rfc3339(text: &str) -> Option<u64> {
    if !text.is_ascii() || text.len() < 20 {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        let digits = &text[range];
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok()).flatten()
    };
    let separators = text.bytes().enumerate().take(19).filter(|(at, _)| [4, 7, 10, 13, 16].contains(at));
    let separators: Vec<u8> = separators.map(|(_, byte)| byte.to_ascii_uppercase()).collect();
    if separators != b"--T::" && separators != b"-- ::" {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = &text[19..];
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|char: char| char.is_ascii_digit());
            if zone.len() == fraction.len() {
                return None;
            }
            zone
        }
        None => rest,
    };
    let offset_minutes = match (zone.as_bytes(), text.len() - zone.len()) {
        ([b'Z' | b'z'], _) => 0,
        ([sign @ (b'+' | b'-'), _, _, b':', _, _], at) => {
            let (hours, minutes) = (number(at + 1..at + 3)?, number(at + 4..at + 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset_minutes * 60;
    u64::try_from(seconds).ok()
}

/// Days from 1970-01-01 in the Gregorian calendar; a year begins with March here, so that the leap day is its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719,468 days from 0000-03-01 to 1970-01-01.
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_unix_seconds_or_rfc_3339() {
        for (text, seconds) in [
            ("1678518000", 1_678_518_000),
            ("2023-03-11T07:00:00Z", Market::RECORDED_START),
            ("2023-03-11t07:00:00.25z", 1_678_518_000),
            ("2023-03-11 08:30:00+01:30", 1_678_518_000),
            ("2023-03-11T02:00:00-05:00", 1_678_518_000),
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2024-12-31T23:59:59Z", 1_735_689_599),
        ] {
            assert_eq!(parse_start(text), Ok(seconds), "{text}");
        }
        for text in [
            "",
            "now",
            "-1",
            "2023-03-11",
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-03-11T07:00:00",
            "2023-03-11T07:00:00.Z",
            "2023-03-11T25:00:00Z",
            "1969-12-31T23:59:59Z",
            "２023-03-11T07:00:00Z",
        ] {
            assert!(parse_start(text).is_err(), "{text}");
        }
    }

    #[test]
    fn recorded_time_runs_at_a_multiple_of_real_time() {
        let market = Market::recorded();
        let replay = Replay::new(&market, Market::RECORDED_START, 60.0).unwrap();
        assert_eq!(replay.time(Duration::ZERO), 1_678_518_000);
        assert_eq!(replay.time(Duration::from_millis(2500)), 1_678_518_150);
        assert_eq!(
            Replay::new(&market, Market::RECORDED_START, 0.5).unwrap().time(Duration::from_secs(60)),
            1_678_518_030
        );
        assert_eq!(replay.time(Duration::MAX), u64::MAX);
    }

    #[test]
    fn an_impossible_replay_is_refused() {
        let market = Market::recorded();
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e7] {
            assert!(Replay::new(&market, Market::RECORDED_START, speed).is_err(), "{speed}");
        }
        assert_eq!(
            Replay::new(&market, 5, 60.0).unwrap_err(),
            "the record has no prices at 5; start from 1678406400 to 1678751940 (unix seconds)"
        );
    }
}
