//! The live view: one screen that tells the story of the feed, redrawn in place; plain lines where there is no terminal.

use super::event::{Event, Observed, Timed};
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fmt::Write as _;

/// How many past lines the screen keeps.
const HISTORY: usize = 8;

/// One market's price at the present replay time, in units of the feed.
#[derive(Clone, Debug)]
pub struct Quote {
    pub market: String,
    pub price: f64,
}

/// What the screen knows.
#[derive(Debug, Default)]
pub struct View {
    chain: String,
    feed: String,
    committee: String,
    epoch: Option<(u32, u8)>,
    oracles: BTreeMap<u8, String>,
    round: Option<(u32, u8, Vec<Observed>, Option<String>)>,
    transmissions: u64,
    history: VecDeque<String>,
    faults: VecDeque<String>,
    /// How many lines the last drawing took.
    drawn: usize,
}

/// What happened, as one line for a person.
pub fn line(timed: &Timed) -> String {
    let seconds = timed.t as f64 / 1000.0;
    let text = match &timed.event {
        Event::Chain { url, chain_id } => format!("chain {chain_id} answers at {url}"),
        Event::Sources { urls, replay_start, speed } => {
            let example = urls.first().map_or("none", String::as_str);
            format!("{} markets replay from {replay_start} at {speed}x, e.g. {example}", urls.len())
        }
        Event::Deployed { aggregator, token } => format!("aggregator {aggregator}, token {token} deployed"),
        Event::Oracle { index, peer_id, listen, foreign: false, .. } => {
            format!("oracle {index} at {listen}, peer {peer_id}")
        }
        Event::Oracle { index, listen, foreign: true, .. } => {
            format!("oracle {index} is another implementation's seat, expected at {listen}")
        }
        Event::Bootstrap { peer_id, listen } => format!("bootstrap node at {listen}, peer {peer_id}"),
        Event::Config { digest, f, n } => format!("configuration {digest} set: n = {n}, f = {f}"),
        Event::Epoch { epoch, leader } => format!("epoch {epoch}: oracle {leader} leads"),
        Event::Round { epoch, round, observations, answer } => {
            let answer = answer.as_deref().unwrap_or("skipped");
            format!("round {epoch}/{round}: {} observations, {answer}", observations.len())
        }
        Event::Transmission { round_id, answer, transmitter, gas_used, block, .. } => {
            format!("block {block}: answer {round_id} = {answer}, {gas_used} gas, by {transmitter}")
        }
        Event::Fault { text } => format!("fault: {text}"),
        Event::Done { transmissions } => format!("done: {transmissions} transmissions"),
    };
    format!("{seconds:>7.1}s  {text}")
}

impl View {
    /// Takes one event in.
    pub fn take(&mut self, timed: &Timed) {
        match &timed.event {
            Event::Chain { url, chain_id } => self.chain = format!("chain {chain_id} at {url}"),
            Event::Sources { replay_start, speed, .. } => self.feed = format!("from {replay_start} at {speed}x"),
            Event::Deployed { aggregator, .. } => self.chain = format!("{}, aggregator {aggregator}", self.chain),
            Event::Oracle { index, transmitter, .. } => {
                self.oracles.insert(*index, transmitter.clone());
            }
            Event::Bootstrap { .. } => {}
            Event::Config { digest, f, n } => self.committee = format!("n = {n}, f = {f}, configuration {digest}"),
            Event::Epoch { epoch, leader } => self.epoch = Some((*epoch, *leader)),
            Event::Round { epoch, round, observations, answer } => {
                self.round = Some((*epoch, *round, observations.clone(), answer.clone()));
            }
            Event::Transmission { round_id, answer, transmitter, gas_used, block, .. } => {
                self.transmissions += 1;
                let by = self.oracles.iter().find(|(_, account)| *account == transmitter);
                let by = by.map_or_else(|| transmitter.clone(), |(index, _)| format!("oracle {index}"));
                remember(
                    &mut self.history,
                    format!("block {block:>6}  answer {round_id:>5}  {answer:>18}  {gas_used:>7} gas  by {by}"),
                );
            }
            Event::Fault { text } => remember(&mut self.faults, format!("{:>7.1}s  {text}", timed.t as f64 / 1000.0)),
            Event::Done { .. } => {}
        }
    }

    /// The screen as text, and the escape codes that put it over the last one.
    pub fn draw(&mut self, height: u64, replay: &str, quotes: &[Quote]) -> String {
        let screen = self.screen(height, replay, quotes);
        let mut out = String::new();
        if self.drawn > 0 {
            let _ = write!(out, "\x1b[{}A\x1b[0J", self.drawn);
        }
        self.drawn = screen.lines().count();
        out.push_str(&screen);
        out
    }

    fn screen(&self, height: u64, replay: &str, quotes: &[Quote]) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n  Dodona devnet   {}", self.chain);
        let _ = writeln!(out, "  {}", self.committee);
        let _ = writeln!(
            out,
            "  chain height {height}   transmissions {}   replay {replay} ({})",
            self.transmissions, self.feed
        );
        if let Some((epoch, leader)) = self.epoch {
            let _ = writeln!(out, "  epoch {epoch}, oracle {leader} leads");
        }
        if let Some((epoch, round, observations, answer)) = &self.round {
            let _ = writeln!(out, "\n  round {epoch}/{round}");
            for observed in observations {
                let _ = writeln!(out, "    oracle {:<3} {:>18}", observed.oracle, observed.value);
            }
            let _ = writeln!(out, "    answer     {:>18}", answer.as_deref().unwrap_or("(skipped: nothing new)"));
            if let Some(answer) = answer.as_deref().and_then(|answer| answer.parse::<f64>().ok()) {
                for quote in quotes {
                    let off = (answer / quote.price - 1.0) * 100.0;
                    let _ = writeln!(
                        out,
                        "    against {:<20} {:>12.2}  {off:>+7.2} %  {}",
                        quote.market,
                        quote.price,
                        bar(off)
                    );
                }
            }
        }
        let _ = writeln!(out);
        for line in self.history.iter().chain(&self.faults) {
            let _ = writeln!(out, "  {line}");
        }
        out
    }
}

/// A deviation in per cent as a bar, one block a per cent.
fn bar(percent: f64) -> String {
    let blocks = percent.abs().round().min(20.0) as usize;
    if blocks == 0 { "·".into() } else { "█".repeat(blocks) }
}

fn remember(lines: &mut VecDeque<String>, line: String) {
    if lines.len() == HISTORY {
        lines.pop_front();
    }
    lines.push_back(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(t: u64, event: Event) -> Timed {
        Timed { event, t }
    }

    #[test]
    fn the_screen_shows_the_answer_against_each_market_and_who_transmitted() {
        let mut view = View::default();
        let (signer, listen) = (String::new(), String::new());
        let transmitter = "0xAb".to_owned();
        let oracle = Event::Oracle {
            index: 3,
            peer_id: String::new(),
            signer,
            transmitter: transmitter.clone(),
            listen,
            foreign: false,
        };
        view.take(&at(1, oracle));
        let observations = vec![Observed { oracle: 0, value: "100.00000000".into() }];
        view.take(&at(2, Event::Round { epoch: 1, round: 4, observations, answer: Some("100.00000000".into()) }));
        let answer = "100.00000000".to_owned();
        view.take(&at(
            3,
            Event::Transmission { round_id: 9, answer, transmitter, tx: String::new(), gas_used: 80_000, block: 12 },
        ));
        let screen = view.screen(12, "2023-03-11 07:04", &[Quote { market: "btcusdc".into(), price: 125.0 }]);
        assert!(screen.contains("round 1/4"), "{screen}");
        assert!(screen.contains("-20.00 %  ████████████████████"), "{screen}");
        assert!(screen.contains("answer     9") && screen.contains("by oracle 3"), "{screen}");
    }

    #[test]
    fn a_second_drawing_covers_the_first() {
        let mut view = View::default();
        let first = view.draw(1, "", &[]);
        let lines = first.lines().count();
        assert!(view.draw(2, "", &[]).starts_with(&format!("\x1b[{lines}A\x1b[0J")));
    }
}
