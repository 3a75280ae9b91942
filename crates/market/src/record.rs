//! The recorded data: closing prices by minute and market (form and origin: `data/README.md`).

use crate::form::Form;
use crate::limits::{NAME_CHARS_MAX, NUMBER_CHARS_MAX, NUMBER_SCALE_MAX, SOURCES_MAX};
use pipeline::{Decimal, DecimalError, Excerpt};

/// The prices of some markets over some time.
#[derive(Clone, Debug)]
pub struct Market {
    /// In the order of their first row.
    sources: Vec<Recorded>,
    first_time: u64,
    last_time: u64,
}

#[derive(Clone, Debug)]
struct Recorded {
    name: String,
    /// Ascending by time.
    quotes: Vec<Quote>,
}

/// What a market last traded at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quote {
    /// Of one bitcoin, in the market's currency.
    pub price: Decimal,
    /// Bitcoins traded in that minute.
    pub volume: Decimal,
    /// The minute in which it traded, unix seconds.
    pub time: u64,
}

/// What is wrong with a recorded market file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{line}: {problem}; {remedy}")]
pub struct MarketError {
    /// From 1.
    pub line: usize,
    pub problem: String,
    pub remedy: &'static str,
}

/// Why an endpoint has no price to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoBody {
    #[error("there is no such market")]
    NoMarket,
    #[error("the market has not traded yet")]
    NoTrade,
    #[error("the factor makes of the price {0}")]
    Factor(#[from] DecimalError),
}

const HEADER: &str = "unix_time,source,close,volume";

/// Real prices of four markets over the four days in which USDC lost its peg.
const RECORDED: &str = include_str!("../../../data/btc-2023-03-10-to-13.csv");

impl Market {
    /// The default start of the recorded data: 2023-03-11T07:00:00Z, when two of its four markets go wrong.
    pub const RECORDED_START: u64 = 1_678_518_000;

    /// The data that this program carries in itself.
    pub fn recorded() -> Market {
        // The file is part of the program, and a test reads it.
        Market::load(RECORDED).unwrap_or_else(|error| panic!("data/btc-2023-03-10-to-13.csv:{error}"))
    }

    /// Reads a recorded market file: the header `unix_time,source,close,volume`, then rows in ascending time, at most one
    /// for each time and source. A market without trade in a minute has no row for it.
    pub fn load(text: &str) -> Result<Market, MarketError> {
        let mut rows = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end()));
        let header = rows.next().map_or("", |(_, header)| header.trim_start_matches('\u{feff}'));
        if header != HEADER {
            let problem = format!("`{}` is not the header", Excerpt::of(header));
            return Err(MarketError { line: 1, problem, remedy: "write unix_time,source,close,volume" });
        }
        let mut market = Market { sources: Vec::new(), first_time: u64::MAX, last_time: 0 };
        let mut last_line = 1;
        for (line, row) in rows.filter(|(_, row)| !row.is_empty()) {
            market.add(row).map_err(|(problem, remedy)| MarketError { line, problem, remedy })?;
            last_line = line;
        }
        if market.sources.is_empty() {
            let problem = "there are no prices".into();
            return Err(MarketError {
                line: last_line,
                problem,
                remedy: "add rows such as 1678406400,market_btcusd,20371.04,4.6",
            });
        }
        Ok(market)
    }

    fn add(&mut self, row: &str) -> Result<(), (String, &'static str)> {
        let fields: Vec<&str> = row.split(',').collect();
        let [time, name, price, volume] = fields[..] else {
            return Err((format!("{} fields instead of 4", fields.len()), "write unix_time,source,close,volume"));
        };
        let time: u64 = time.parse().map_err(|_| wrong(time, "a time", "write unix seconds"))?;
        // Beyond the year 9999 nothing was recorded; the bound keeps milliseconds within 64 bits.
        if time > 253_402_300_799 {
            return Err(wrong(&time.to_string(), "a time in seconds", "write unix seconds"));
        }
        if time < self.last_time {
            return Err((format!("time {time} comes after {}", self.last_time), "sort the rows by time"));
        }
        let zero = Decimal::from(0);
        let price = number(price)
            .filter(|price| *price > zero)
            .ok_or_else(|| wrong(price, "a price", "write a number above 0"))?;
        let volume = number(volume)
            .filter(|volume| *volume >= zero)
            .ok_or_else(|| wrong(volume, "a volume", "write a number from 0"))?;
        let source = self.source_of(name)?;
        if source.quotes.last().is_some_and(|last| last.time == time) {
            return Err((format!("`{name}` has two prices at {time}"), "keep one of the rows"));
        }
        source.quotes.push(Quote { price, volume, time });
        self.first_time = self.first_time.min(time);
        self.last_time = time;
        Ok(())
    }

    fn source_of(&mut self, name: &str) -> Result<&mut Recorded, (String, &'static str)> {
        let index = match self.sources.iter().position(|source| source.name == name) {
            Some(index) => index,
            None => {
                let is_name = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
                let begins_well = name.starts_with(|char: char| char.is_ascii_lowercase());
                if !begins_well || name.len() > NAME_CHARS_MAX || !name.chars().all(is_name) {
                    return Err(wrong(
                        name,
                        "a source",
                        "use lower-case letters, digits and _, beginning with a letter",
                    ));
                }
                if self.sources.len() == SOURCES_MAX {
                    return Err((format!("more than {SOURCES_MAX} sources"), "remove some"));
                }
                self.sources.push(Recorded { name: name.into(), quotes: Vec::new() });
                self.sources.len() - 1
            }
        };
        Ok(&mut self.sources[index])
    }

    /// The names of all markets, each with the form in which it writes its prices, in the order of the file.
    pub fn sources(&self) -> impl Iterator<Item = (&str, Form)> {
        self.sources.iter().enumerate().map(|(index, source)| (source.name.as_str(), Form::of(index)))
    }

    /// What the market last traded at by this replay time (unix seconds): in a minute without trade the price before, after
    /// the end of the record its last. `None`: no such market, or no trade yet.
    pub fn price(&self, source: &str, replay_time: u64) -> Option<&Quote> {
        self.sources.iter().find(|recorded| recorded.name == source)?.at(replay_time)
    }

    /// All markets with what they last traded at, in the order of the file.
    pub fn prices(&self, replay_time: u64) -> Vec<(&str, Option<&Quote>)> {
        self.sources.iter().map(|source| (source.name.as_str(), source.at(replay_time))).collect()
    }

    /// What the market's endpoint answers at this replay time when every price is multiplied by `factor`: JSON in the
    /// market's form. The factor must leave the prices within the bounds of [`Decimal`].
    pub fn body(&self, source: &str, replay_time: u64, factor: &Decimal) -> Result<String, NoBody> {
        let (_, form) = self.sources().find(|(name, _)| *name == source).ok_or(NoBody::NoMarket)?;
        match self.trades(source, replay_time, form.trades()) {
            [] => Err(NoBody::NoTrade),
            trades => Ok(form.body(source, trades, factor)?),
        }
    }

    /// The last `count` trades by this replay time, the latest last.
    fn trades(&self, source: &str, replay_time: u64, count: usize) -> &[Quote] {
        let Some(recorded) = self.sources.iter().find(|recorded| recorded.name == source) else { return &[] };
        let known = &recorded.quotes[..recorded.known(replay_time)];
        &known[known.len().saturating_sub(count)..]
    }

    /// Unix seconds of the first row.
    pub fn first_time(&self) -> u64 {
        self.first_time
    }

    /// Unix seconds of the last row.
    pub fn last_time(&self) -> u64 {
        self.last_time
    }
}

impl Recorded {
    /// How many quotes there are by this time.
    fn known(&self, replay_time: u64) -> usize {
        self.quotes.partition_point(|quote| quote.time <= replay_time)
    }

    fn at(&self, replay_time: u64) -> Option<&Quote> {
        self.known(replay_time).checked_sub(1).map(|index| &self.quotes[index])
    }
}

/// A plain or scientific number (the record has volumes such as `1E+1`) of a size that prices and volumes have.
fn number(text: &str) -> Option<Decimal> {
    let number: Decimal = if text.len() <= NUMBER_CHARS_MAX { text.parse().ok()? } else { return None };
    let sizes = Decimal::new(1.into(), NUMBER_SCALE_MAX).ok()?..=Decimal::new(1.into(), -NUMBER_SCALE_MAX).ok()?;
    (number == Decimal::from(0) || sizes.contains(&number)).then_some(number)
}

fn wrong(got: &str, wanted: &str, remedy: &'static str) -> (String, &'static str) {
    (format!("`{}` is not {wanted}", Excerpt::of(got)), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_data_is_complete() {
        let market = Market::recorded();
        let names: Vec<&str> = market.sources().map(|(name, _)| name).collect();
        assert_eq!(names, ["binanceus_btcusd", "binanceus_btcusdt", "binanceus_btcusdc", "kraken_btcusdc"]);
        assert_eq!((market.first_time(), market.last_time()), (1_678_406_400, 1_678_751_940));
        let rows: Vec<usize> = market.sources.iter().map(|source| source.quotes.len()).collect();
        assert_eq!(rows, [5760, 5760, 5760, 4360]);
        let quote = market.price("binanceus_btcusd", 1_678_406_400).unwrap();
        assert_eq!((quote.price.to_string().as_str(), quote.volume.to_string().as_str()), ("20371.04", "4.60118"));
    }

    #[test]
    fn a_minute_without_trade_has_the_price_before_with_its_time() {
        let market =
            Market::load("unix_time,source,close,volume\n60,a,1.50,0\n60,b,7,1\n120,b,8,1\n180,a,2,1\n").unwrap();
        let at = |source: &str, time| market.price(source, time).map(|quote| (quote.price.to_string(), quote.time));
        assert_eq!(at("a", 59), None);
        assert_eq!(at("a", 60), Some(("1.5".into(), 60)));
        assert_eq!(at("a", 179), Some(("1.5".into(), 60)));
        assert_eq!(at("a", 180), Some(("2".into(), 180)));
        assert_eq!(at("a", u64::MAX), Some(("2".into(), 180)), "at the end the last values hold");
        assert_eq!(at("b", 130), Some(("8".into(), 120)));
        assert_eq!(at("c", 130), None);
        let all: Vec<_> = market.prices(130).iter().map(|(name, quote)| (*name, quote.unwrap().time)).collect();
        assert_eq!(all, [("a", 60), ("b", 120)]);
    }

    #[test]
    fn a_mistake_is_named_with_its_line_and_remedy() {
        let header = "unix_time,source,close,volume\n";
        for (rows, wanted) in [
            ("60,a,1", "2: 3 fields instead of 4; write unix_time,source,close,volume"),
            ("60,a,1,1\n\nx,a,1,1", "4: `x` is not a time; write unix seconds"),
            ("1678406400000,a,1,1", "2: `1678406400000` is not a time in seconds; write unix seconds"),
            ("60,a,0,1", "2: `0` is not a price; write a number above 0"),
            ("60,a,-1,1", "2: `-1` is not a price; write a number above 0"),
            ("60,a,1e31,1", "2: `1e31` is not a price; write a number above 0"),
            ("60,a,NaN,1", "2: `NaN` is not a price; write a number above 0"),
            ("60,a,1,", "2: `` is not a volume; write a number from 0"),
            ("60,a,1,1\n60,a,2,1", "3: `a` has two prices at 60; keep one of the rows"),
            ("60,a,1,1\n59,a,2,1", "3: time 59 comes after 60; sort the rows by time"),
            ("60,../a,1,1", "2: `../a` is not a source; use lower-case letters, digits and _, beginning with a letter"),
            ("", "1: there are no prices; add rows such as 1678406400,market_btcusd,20371.04,4.6"),
        ] {
            assert_eq!(Market::load(&format!("{header}{rows}")).unwrap_err().to_string(), wanted);
        }
        assert_eq!(
            Market::load("a,b\n").unwrap_err().to_string(),
            "1: `a,b` is not the header; write unix_time,source,close,volume"
        );
        assert!(Market::load("unix_time,source,close,volume\r\n60,a,1,1\r\n").is_ok());
    }
}
