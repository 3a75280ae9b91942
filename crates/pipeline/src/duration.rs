//! Times as the job format writes them: Go notation, `300ms`, `1h30m`.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000), // U+00B5, the micro sign
    ("μs", 1_000), // U+03BC, the Greek letter
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration in Go notation: numbers (a fraction is allowed) each with a unit of ns, us, ms, s, m, h; or a bare `0`.
/// Negative durations have no meaning in a job and are refused. The error is what would be right, in words.
pub fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    const HELP: &str = "a number with a unit, such as 300ms, 5s or 1h30m";
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut nanos: u128 = 0;
    if rest.is_empty() {
        return Err(HELP);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(HELP)?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(HELP)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        // 18 digits of a unit of at most 3.6e12 ns stay far inside 128 bits.
        if whole.len() + fraction.len() == 0 || whole.len() > 18 || fraction.len() > 18 || fraction.contains('.') {
            return Err(HELP);
        }
        let number = |digits: &str| if digits.is_empty() { Ok(0) } else { digits.parse::<u128>() };
        let whole = number(whole).map_err(|_| HELP)?;
        let part = number(fraction).map_err(|_| HELP)?;
        nanos += whole * factor + part * factor / 10u128.pow(fraction.len() as u32);
        rest = tail;
    }
    // Go keeps 63 bits of nanoseconds, 292 years.
    match u64::try_from(nanos) {
        Ok(nanos) if nanos <= i64::MAX as u64 => Ok(Duration::from_nanos(nanos)),
        _ => Err("a duration of at most 292 years"),
    }
}

/// Writes a duration in Go notation, in the largest unit that leaves no fraction: `90s`, `300ms`.
pub fn format_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    for (unit, factor) in
        [("h", UNITS[7].1), ("m", UNITS[6].1), ("s", UNITS[5].1), ("ms", UNITS[4].1), ("us", UNITS[1].1)]
    {
        if nanos >= factor && nanos.is_multiple_of(factor) {
            return format!("{}{unit}", nanos / factor);
        }
    }
    if nanos == 0 { "0s".into() } else { format!("{nanos}ns") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_notation_is_read() {
        for (text, nanos) in [
            ("300ms", 300_000_000),
            ("5s", 5_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("0", 0),
            ("0s", 0),
            ("10us", 10_000),
            ("10µs", 10_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "5", "s", "-5s", "5 s", "1..5s", "5sec", "9999999999999999999s", "300000000h", "."] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn writing_and_reading_agree() {
        for nanos in [0, 1, 1_000, 1_500_000_000, 90_000_000_000, 7_200_000_000_000] {
            let duration = Duration::from_nanos(nanos);
            assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
        assert_eq!(format_duration(Duration::from_millis(300)), "300ms");
    }
}
