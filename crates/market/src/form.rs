//! How each market writes its prices. Exchanges agree on nothing: the forms here are of the kinds that oracles meet, so
//! that the job has to find and convert each price in its own way.

use crate::limits::ANSWER_DIGITS;
use crate::record::Quote;
use pipeline::{Decimal, DecimalError};

/// A JSON form of prices; the markets of a file take the forms in turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// One object with the price as text: `{"symbol": "BTCUSD", "price": "20371.04", …}`.
    Ticker,
    /// A nested object with the price in hundredths: `{"data": {"last_cents": "2036061", …}}`.
    Cents,
    /// A list of the last trades, the latest first, with the price as a number: `[{"price": 20362.81, …}]`.
    Trades,
    /// A result by pair with lists by one-letter keys: `{"error": [], "result": {"XBTUSDC": {"c": ["20368.46", "1.5"], …}}}`.
    Keyed,
}

/// Trades in [`Form::Trades`].
const TRADES: usize = 3;

impl Form {
    /// The form of the market at this place of the file.
    pub fn of(index: usize) -> Form {
        [Form::Ticker, Form::Cents, Form::Trades, Form::Keyed][index % 4]
    }

    /// Where `jsonparse` finds the price: keys and list indexes, with commas between.
    pub fn path(self, source: &str) -> String {
        match self {
            Form::Ticker => "price".into(),
            Form::Cents => "data,last_cents".into(),
            Form::Trades => "0,price".into(),
            Form::Keyed => format!("result,{},c,0", pair(source)),
        }
    }

    /// What the number found there is to be divided by.
    pub fn divisor(self) -> Option<u32> {
        match self {
            Form::Cents => Some(100),
            Form::Ticker | Form::Trades | Form::Keyed => None,
        }
    }

    /// The power of ten that brings the number found there to the feed's unit in one step.
    pub fn scale_digits(self) -> u16 {
        match self {
            Form::Cents => ANSWER_DIGITS - 2,
            Form::Ticker | Form::Trades | Form::Keyed => ANSWER_DIGITS,
        }
    }

    /// How many trades [`Form::body`] wants.
    pub(crate) fn trades(self) -> usize {
        match self {
            Form::Trades => TRADES,
            Form::Ticker | Form::Cents | Form::Keyed => 1,
        }
    }

    /// The response for the trades, the latest last (at least one), with every price times `factor`.
    pub(crate) fn body(self, source: &str, trades: &[Quote], factor: &Decimal) -> Result<String, DecimalError> {
        let Some(last) = trades.last() else { return Ok("[]".into()) };
        let price = last.price.multiply(factor)?;
        let (pair, volume, time) = (pair(source), &last.volume, last.time);
        Ok(match self {
            Form::Ticker => {
                format!(r#"{{"symbol":"{pair}","price":"{price}","volume":"{volume}","time":{}}}"#, time * 1000)
            }
            Form::Cents => {
                let cents = price.multiply(&Decimal::from(100))?;
                format!(
                    r#"{{"data":{{"pair":"{pair}","last_cents":"{cents}","volume":"{volume}","at":{time}}},"success":true}}"#
                )
            }
            Form::Trades => {
                let trade = |(id, trade): (usize, &Quote)| {
                    let (price, volume) = (trade.price.multiply(factor)?, &trade.volume);
                    Ok(format!(r#"{{"id":{id},"price":{price},"qty":"{volume}","time":{}}}"#, trade.time * 1000))
                };
                let trades: Result<Vec<String>, DecimalError> = trades.iter().rev().enumerate().map(trade).collect();
                format!("[{}]", trades?.join(","))
            }
            Form::Keyed => {
                format!(
                    r#"{{"error":[],"result":{{"{pair}":{{"c":["{price}","{volume}"],"v":["{volume}","{volume}"],"t":{time}}}}}}}"#
                )
            }
        })
    }
}

/// `kraken_btcusdc` trades `BTCUSDC`.
fn pair(source: &str) -> String {
    source.rsplit('_').next().unwrap_or(source).to_ascii_uppercase()
}
