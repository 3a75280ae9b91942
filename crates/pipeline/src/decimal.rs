//! Exact numbers in base ten, of bounded size.

use crate::limits::{COEFFICIENT_BITS_MAX, NUMBER_CHARS_MAX, SCALE_MAX};
use alloc::string::{String, ToString};
use core::cmp::Ordering;
use core::fmt::{self, Display};
use core::str::FromStr;
use num_bigint::{BigInt, Sign};

/// An exact number: coefficient times ten to the minus scale. Equality and order are those of the number, so 1.0 is 1.
/// Both parts are bounded ([`crate::limits`]); arithmetic that leaves the bounds is an error, never a rounding.
#[derive(Clone, Debug)]
pub struct Decimal {
    coefficient: BigInt,
    scale: i64,
}

/// Why there is no such decimal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecimalError {
    /// The text is not a number, plain (`-12.5`) or scientific (`1.25e3`).
    #[error("not a number")]
    NotANumber,
    /// More digits or a larger exponent than [`crate::limits`] allows.
    #[error("a number of more digits or a larger exponent than is allowed")]
    TooLarge,
    #[error("division by zero")]
    DivisionByZero,
}

impl Decimal {
    /// `coefficient` times ten to the minus `scale`.
    pub fn new(coefficient: BigInt, scale: i64) -> Result<Decimal, DecimalError> {
        if coefficient.bits() > COEFFICIENT_BITS_MAX || scale.unsigned_abs() > SCALE_MAX.unsigned_abs() {
            return Err(DecimalError::TooLarge);
        }
        Ok(Decimal { coefficient, scale })
    }

    pub fn add(&self, other: &Decimal) -> Result<Decimal, DecimalError> {
        let (a, b, scale) = aligned(self, other);
        Decimal::new(a + b, scale)
    }

    pub fn multiply(&self, other: &Decimal) -> Result<Decimal, DecimalError> {
        Decimal::new(&self.coefficient * &other.coefficient, self.scale + other.scale)
    }

    /// The quotient with `precision` digits after the point, rounded half away from zero. A negative precision rounds
    /// before the point.
    pub fn divide(&self, divisor: &Decimal, precision: i64) -> Result<Decimal, DecimalError> {
        if divisor.coefficient.sign() == Sign::NoSign {
            return Err(DecimalError::DivisionByZero);
        }
        if precision.unsigned_abs() > SCALE_MAX.unsigned_abs() {
            return Err(DecimalError::TooLarge);
        }
        let shift = precision + divisor.scale - self.scale;
        let (mut numerator, mut denominator) =
            (self.coefficient.magnitude().clone(), divisor.coefficient.magnitude().clone());
        if shift >= 0 {
            numerator *= ten_to(shift).magnitude();
        } else {
            denominator *= ten_to(-shift).magnitude();
        }
        let rounded = (numerator * 2u8 + &denominator) / (denominator * 2u8);
        let same_sign = self.coefficient.sign() == divisor.coefficient.sign();
        Decimal::new(BigInt::from_biguint(if same_sign { Sign::Plus } else { Sign::Minus }, rounded), precision)
    }

    /// The integer towards zero, as an observation is formed (node spec 3.5).
    pub fn truncate(&self) -> BigInt {
        if self.scale <= 0 { &self.coefficient * ten_to(-self.scale) } else { &self.coefficient / ten_to(self.scale) }
    }

    /// Whether nothing stands after the point.
    pub fn is_integer(&self) -> bool {
        self.scale <= 0 || (&self.coefficient % ten_to(self.scale)).sign() == Sign::NoSign
    }

    /// With exactly `digits` digits after the point, the rest cut off: how a feed's value is shown.
    pub fn to_fixed(&self, digits: u16) -> String {
        let digits = usize::from(digits);
        let shifted = Decimal { coefficient: self.coefficient.clone(), scale: self.scale - digits as i64 }.truncate();
        point_inserted(&shifted, digits)
    }

    /// The size of the number in memory, about.
    pub(crate) fn weight(&self) -> usize {
        16 + (self.coefficient.bits() / 8) as usize
    }

    /// As Go writes a 64-bit float into JSON, but with every digit: plain, and scientific below 1e-6 and from 1e21.
    pub(crate) fn to_json_number(&self) -> String {
        let digits = self.coefficient.magnitude().to_string();
        let significant = digits.trim_end_matches('0');
        if significant.is_empty() {
            return "0".into();
        }
        let exponent = digits.len() as i64 - 1 - self.scale;
        if (-6..21).contains(&exponent) {
            return self.to_string();
        }
        let sign = if self.coefficient.sign() == Sign::Minus { "-" } else { "" };
        let (first, rest) = significant.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let plus = if exponent < 0 { "-" } else { "+" };
        alloc::format!("{sign}{first}{point}{rest}e{plus}{}", exponent.unsigned_abs())
    }
}

/// Ten to the power of `exponent`, which is never negative and at most three times [`SCALE_MAX`] here.
fn ten_to(exponent: i64) -> BigInt {
    BigInt::from(10u8).pow(u32::try_from(exponent).unwrap_or(0))
}

/// Both coefficients at the larger scale.
fn aligned(a: &Decimal, b: &Decimal) -> (BigInt, BigInt, i64) {
    let scale = a.scale.max(b.scale);
    (&a.coefficient * ten_to(scale - a.scale), &b.coefficient * ten_to(scale - b.scale), scale)
}

fn point_inserted(coefficient: &BigInt, digits_after: usize) -> String {
    let sign = if coefficient.sign() == Sign::Minus { "-" } else { "" };
    let digits = coefficient.magnitude().to_string();
    if digits_after == 0 {
        return alloc::format!("{sign}{digits}");
    }
    let padded = alloc::format!("{digits:0>width$}", width = digits_after + 1);
    let (whole, fraction) = padded.split_at(padded.len() - digits_after);
    alloc::format!("{sign}{whole}.{fraction}")
}

/// Plain digits without trailing zeros after the point, as the reference writes decimals.
impl Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale <= 0 {
            return write!(f, "{}", self.truncate());
        }
        let text = point_inserted(&self.coefficient, self.scale as usize);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Decimal, DecimalError> {
        if text.len() > NUMBER_CHARS_MAX {
            return Err(DecimalError::TooLarge);
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (negative, unsigned) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits: String = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DecimalError::NotANumber);
        }
        let magnitude = BigInt::parse_bytes(digits.as_bytes(), 10).ok_or(DecimalError::NotANumber)?;
        Decimal::new(if negative { -magnitude } else { magnitude }, fraction.len() as i64 - exponent)
    }
}

fn parse_exponent(text: &str) -> Result<i64, DecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    let size = digits.parse::<u32>().map_err(|_| DecimalError::TooLarge)?;
    Ok(if text.starts_with('-') { -i64::from(size) } else { i64::from(size) })
}

impl From<u64> for Decimal {
    fn from(value: u64) -> Self {
        Decimal { coefficient: value.into(), scale: 0 }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b, _) = aligned(self, other);
        a.cmp(&b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_read_and_written_exactly() {
        for (text, written) in [
            ("123456789012345678.123456789", "123456789012345678.123456789"),
            ("1.500", "1.5"),
            ("-0.00", "0"),
            ("1e3", "1000"),
            ("1.25E-3", "0.00125"),
            (".5", "0.5"),
            ("5.", "5"),
            ("+7", "7"),
            ("-0.1", "-0.1"),
            ("100", "100"),
        ] {
            assert_eq!(decimal(text).to_string(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "e5", "1e", "1e+", "0x10", "1_000", " 1", "1 ", "NaN", "inf", "--1", "1.2.3", "٣"] {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError::NotANumber), "{text:?}");
        }
    }

    #[test]
    fn a_giant_costs_an_error_and_no_memory() {
        for text in ["1e2000000000", "1e-2000000000", "1e99999999999999999999", &"9".repeat(9_000), &"0".repeat(20_000)]
        {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError::TooLarge));
        }
        let giant = decimal("1e4096");
        assert_eq!(giant.multiply(&giant), Err(DecimalError::TooLarge));
        assert_eq!(giant.add(&decimal("1e-4096")), Err(DecimalError::TooLarge));
        assert!(giant > decimal("1e-4096"));
    }

    #[test]
    fn a_quotient_is_rounded_half_away_from_zero() {
        for (a, b, precision, quotient) in [
            ("1", "3", 16, "0.3333333333333333"),
            ("2", "3", 16, "0.6666666666666667"),
            ("1", "2", 0, "1"),
            ("-1", "2", 0, "-1"),
            ("-1", "3", 0, "0"),
            ("5", "-2", 0, "-3"),
            ("12345", "1", -2, "12300"),
            ("12350", "1", -2, "12400"),
            ("0", "-7", 3, "0"),
            ("1e-20", "1e-20", 16, "1"),
        ] {
            assert_eq!(decimal(a).divide(&decimal(b), precision).unwrap().to_string(), quotient, "{a} / {b}");
        }
        assert_eq!(decimal("1").divide(&decimal("0.0"), 16), Err(DecimalError::DivisionByZero));
        assert_eq!(decimal("1").divide(&decimal("3"), 1_000_000), Err(DecimalError::TooLarge));
    }

    #[test]
    fn an_observation_is_truncated_towards_zero() {
        assert_eq!(decimal("2037104000000.99").truncate(), BigInt::from(2_037_104_000_000u64));
        assert_eq!(decimal("-1.99").truncate(), BigInt::from(-1));
        assert_eq!(decimal("2e3").truncate(), BigInt::from(2000));
    }

    #[test]
    fn a_feeds_value_has_a_fixed_number_of_digits() {
        assert_eq!(decimal("20371.04").to_fixed(8), "20371.04000000");
        assert_eq!(decimal("-0.019").to_fixed(2), "-0.01");
        assert_eq!(decimal("7e2").to_fixed(0), "700");
    }

    #[test]
    fn json_numbers_look_as_go_writes_floats() {
        for (text, written) in [
            ("1.50", "1.5"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("-1.25e22", "-1.25e+22"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("0e5", "0"),
        ] {
            assert_eq!(decimal(text).to_json_number(), written, "{text}");
        }
    }

    proptest! {
        #[test]
        fn arithmetic_agrees_with_integers(a in -1_000_000_000i64..1_000_000_000, b in -1_000_000_000i64..1_000_000_000, s in 0i64..9) {
            let (x, y) = (Decimal::new(a.into(), s).unwrap(), Decimal::new(b.into(), s).unwrap());
            prop_assert_eq!(x.add(&y).unwrap(), Decimal::new((a + b).into(), s).unwrap());
            prop_assert_eq!(x.multiply(&y).unwrap(), Decimal::new(BigInt::from(a) * b, 2 * s).unwrap());
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(format!("{x}").parse::<Decimal>().unwrap(), x);
        }

        #[test]
        fn reading_never_panics(text in "[-+0-9.eE]{0,40}") {
            let _ = text.parse::<Decimal>();
        }
    }
}
