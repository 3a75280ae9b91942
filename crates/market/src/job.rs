//! The job file of an oracle of the example feed.
//!
//! The markets are quoted in different currencies that are all meant to be a dollar. One currency may lose its peg, and
//! then all of its markets are wrong together, however many there are. So markets of one currency are one opinion, their
//! mean, and the answer is the median of the opinions: no single currency can move it far.

use crate::form::Form;
use crate::limits::ANSWER_DIGITS;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One market as one oracle finds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// As in the recorded data: letters, digits and `_`; what follows the last `_` is the pair, such as `btcusdc`.
    pub name: String,
    pub url: String,
    pub form: Form,
}

/// What differs between the job files of a feed's oracles.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobFile {
    /// Of the feed, for people.
    pub name: String,
    /// A UUID; the node makes one if there is none.
    pub external_job_id: Option<String>,
    /// The aggregator's address.
    pub contract_id: String,
    pub chain_id: u64,
    /// `PEERID@host:port`.
    pub bootstrappers: Vec<String>,
    /// The account that transmits.
    pub transmitter_id: Option<String>,
    /// Blocks until a configuration counts.
    pub confirmations: u16,
    /// Between two looks for a configuration, in Go notation: `1s`.
    pub poll_interval: String,
    /// Juels for one ether.
    pub juels_per_fee_coin: String,
    pub sources: Vec<Source>,
}

impl JobFile {
    /// The job as a TOML file that `pipeline` reads.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: String| text.push_str(&format!("{key} = {value}\n"));
        line("type", "\"offchainreporting2\"".into());
        line("schemaVersion", "1".into());
        line("name", quoted(&self.name));
        if let Some(id) = &self.external_job_id {
            line("externalJobID", quoted(id));
        }
        line("relay", "\"evm\"".into());
        line("contractID", quoted(&self.contract_id));
        line("pluginType", "\"median\"".into());
        if let Some(transmitter) = &self.transmitter_id {
            line("transmitterID", quoted(transmitter));
        }
        let bootstrappers: Vec<String> = self.bootstrappers.iter().map(|bootstrapper| quoted(bootstrapper)).collect();
        line("p2pv2Bootstrappers", format!("[{}]", bootstrappers.join(", ")));
        line("contractConfigConfirmations", self.confirmations.to_string());
        line("contractConfigTrackerPollInterval", quoted(&self.poll_interval));
        line("observationSource", format!("'''\n{}'''", observation_source(&self.sources)));
        text.push_str(&format!(
            "\n[relayConfig]\nchainID = {}\n\n[pluginConfig]\njuelsPerFeeCoinSource = '''\n",
            self.chain_id
        ));
        text.push_str(&format!("    juels_per_fee_coin [type=memo value=<{}>];\n'''\n", self.juels_per_fee_coin));
        text
    }
}

/// The task graph over these markets: fetch each, find its price, average the markets of one currency, take the median
/// over the currencies, and scale it to the feed's unit of 10^-8.
///
/// A currency counts when one of its markets answers. None may be missing altogether: of the two that would remain one
/// may be the one that has lost its peg, and their median would be half as wrong as it is.
pub fn observation_source(sources: &[Source]) -> String {
    let mut text = String::new();
    let mut currencies: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // Writing into a string cannot fail.
    let mut line = |line: std::fmt::Arguments| {
        let _ = writeln!(text, "    {line}");
    };
    line(format_args!("// Each market in its own form: ask, find the price, bring it to one unit."));
    for Source { name, url, form } in sources {
        currencies.entry(name.rsplit('_').next().unwrap_or(name)).or_default().push(name);
        line(format_args!("{name} [type=http method=GET url=\"{url}\"];"));
        line(format_args!("{name}_price [type=jsonparse path=\"{}\"];", form.path(name)));
        match form.divisor() {
            Some(divisor) => {
                line(format_args!("{name}_value [type=divide divisor={divisor}];"));
                line(format_args!("{name} -> {name}_price -> {name}_value;\n"));
            }
            None => line(format_args!("{name} -> {name}_price;\n")),
        }
    }
    line(format_args!("// One opinion for each currency: one that loses its peg cannot move the answer far."));
    let value = |name: &str| {
        let is_divided = sources.iter().any(|source| source.name == name && source.form.divisor().is_some());
        format!("{name}_{}", if is_divided { "value" } else { "price" })
    };
    let mut opinions = Vec::new();
    for (currency, names) in &currencies {
        match &names[..] {
            [name] => opinions.push(value(name)),
            names => {
                let values: Vec<String> = names.iter().map(|name| value(name)).collect();
                line(format_args!("mean_{currency} [type=mean];"));
                line(format_args!("{{{}}} -> mean_{currency};\n", values.join(" ")));
                opinions.push(format!("mean_{currency}"));
            }
        }
    }
    line(format_args!("middle [type=median allowedFaults=0];"));
    line(format_args!("answer [type=multiply times={}];", 10u64.pow(ANSWER_DIGITS.into())));
    line(format_args!("{{{}}} -> middle -> answer;", opinions.join(" ")));
    text
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            _ if char.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(char));
            }
            _ => quoted.push(char),
        }
    }
    quoted + "\""
}
