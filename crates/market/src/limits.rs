//! Every bound of this crate, with its reason.

/// Markets in one file: each is a task and a request of every observation.
pub const SOURCES_MAX: usize = 32;
/// Characters of a market's name, which becomes a path and a task's name.
pub const NAME_CHARS_MAX: usize = 64;
/// Characters of a price or volume.
pub const NUMBER_CHARS_MAX: usize = 40;
/// Prices and volumes are from 10^-30 to 10^30: the server writes them with all their digits.
pub const NUMBER_SCALE_MAX: i64 = 30;
/// Digits after the point of an answer.
pub const ANSWER_DIGITS: u16 = 8;
/// Replayed seconds per second. A week in a second is more than anybody can watch.
pub const SPEED_MAX: f64 = 1_000_000.0;
