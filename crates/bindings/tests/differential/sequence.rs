//! Random sequences of steps on a contract and what it should be like, and the shortest sequence on which they still differ.

use crate::random::Random;
use std::{collections::BTreeMap, env, fmt::Debug, fmt::Write};

/// Two that should behave alike, in worlds that are alike: two contracts, or a contract and its model.
pub trait Pair: Clone {
    /// Something that may be done to both. It means something whatever was done before, so that steps can be left out.
    type Step: Clone + Debug;

    /// The steps that most sequences begin with.
    fn opening(&self, random: &mut Random) -> Vec<Self::Step>;

    /// A step that is likely to be possible now.
    fn invent(&self, random: &mut Random) -> Self::Step;

    /// Takes the step on both.
    ///
    /// # Errors
    /// How they differ, but for deliberate differences.
    fn take(&mut self, step: &Self::Step, tally: &mut Tally) -> Result<(), String>;

    /// Reads everything that can be read from both.
    ///
    /// # Errors
    /// How they differ.
    fn compare(&mut self, tally: &mut Tally) -> Result<(), String>;

    /// Simpler forms of a step.
    fn simpler(step: &Self::Step) -> Vec<Self::Step>;
}

/// What was done, so that a run that did nothing is seen.
#[derive(Default)]
pub struct Tally {
    /// By kind of step: how often both accepted, and how often both refused.
    pub steps: BTreeMap<String, (usize, usize)>,
    /// By name: how often something was met that a long run must meet, like a deliberate difference.
    pub met: BTreeMap<&'static str, usize>,
}

impl Tally {
    pub fn step(&mut self, kind: &str, accepted: bool) {
        let (accepts, refusals) = self.steps.entry(kind.to_owned()).or_default();
        *if accepted { accepts } else { refusals } += 1;
    }

    pub fn meet(&mut self, name: &'static str) {
        *self.met.entry(name).or_default() += 1;
    }

    /// # Panics
    /// If a run was long enough, and one of the names was never met: it may be gone, or the steps no longer lead to it.
    pub fn has_met(&self, names: &[&'static str]) {
        for name in names.iter().filter(|_| self.taken() > LONG) {
            assert!(self.met.contains_key(name), "{name:?} was never met");
        }
    }

    pub fn taken(&self) -> usize {
        self.steps.values().map(|(accepted, refused)| accepted + refused).sum()
    }

    fn page(&self) -> String {
        let mut page = String::new();
        for (kind, (accepted, refused)) in &self.steps {
            writeln!(page, "  {kind:<44} {accepted:>8} accepted {refused:>8} refused").expect("a string");
        }
        for (name, count) in &self.met {
            writeln!(page, "  met: {name:<39} {count:>8}").expect("a string");
        }
        page
    }
}

/// A run of more steps sees everything.
pub const LONG: usize = 10_000;
/// Steps after the opening.
const STEPS_MAX: usize = 40;
/// All is read after so many steps, and in the end.
const COMPARED_EVERY: usize = 12;

/// Whether `OF` names this contract, or nothing.
pub fn is_asked_for(name: &str) -> bool {
    env::var("OF").is_ok_and(|of| of.split(',').any(|one| one == name)) || env::var_os("OF").is_none()
}

/// Runs `SEQUENCES` sequences from the seed `SEED` on; sequence i has the seed SEED + i, so any one can be replayed alone.
///
/// # Panics
/// With the shortest sequence that was found, if there is an unexplained difference.
pub fn run<P: Pair>(name: &str, start: impl Fn(&mut Random) -> P) -> Tally {
    let setting = |name: &str, default| {
        env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
    };
    let (sequences, first) = (setting("SEQUENCES", 20), setting("SEED", 20_230_311));
    let mut tally = Tally::default();
    let mut taken = 0;
    for seed in first..first + sequences {
        let mut random = Random::new(seed);
        let start = start(&mut random);
        let mut pair = start.clone();
        let mut steps = pair.opening(&mut random);
        let length = steps.len() + 1 + random.below(STEPS_MAX);
        let mut outcome = Ok(());
        for index in 0..length {
            if index == steps.len() {
                steps.push(pair.invent(&mut random));
            }
            outcome = take(&mut pair, &steps, index, length, &mut tally);
            taken += 1;
            if outcome.is_err() {
                steps.truncate(index + 1);
                break;
            }
        }
        if let Err(why) = outcome {
            // Whoever only wants to know that they differ need not wait.
            let hurried = env::var("SHORTEN").is_ok_and(|value| value == "no");
            let (steps, why) = if hurried { (steps, why) } else { shortest(&start, steps, why) };
            let list: String = steps.iter().map(|step| format!("  {step:?}\n")).collect();
            panic!(
                "{name}: the contracts differ: {why}\nafter\n{list}replay: cargo xtask contracts differential --seed {seed} \
                 --sequences 1"
            );
        }
    }
    println!("{name}: {sequences} sequences from seed {first}, {taken} steps\n{}", tally.page());
    tally
}

fn take<P: Pair>(
    pair: &mut P,
    steps: &[P::Step],
    index: usize,
    length: usize,
    tally: &mut Tally,
) -> Result<(), String> {
    pair.take(&steps[index], tally)?;
    if (index + 1).is_multiple_of(COMPARED_EVERY) || index + 1 == length { pair.compare(tally) } else { Ok(()) }
}

/// Where and how the two differ, if they do.
fn differ<P: Pair>(start: &P, steps: &[P::Step]) -> Option<(usize, String)> {
    let mut pair = start.clone();
    let mut tally = Tally::default();
    (0..steps.len()).find_map(|index| {
        let outcome = pair.take(&steps[index], &mut tally).and_then(|()| pair.compare(&mut tally));
        outcome.err().map(|why| (index, why))
    })
}

/// Leaves out steps, first many at once, and then simplifies those that are left.
fn shortest<P: Pair>(start: &P, mut steps: Vec<P::Step>, mut why: String) -> (Vec<P::Step>, String) {
    let mut accept = |candidate: Vec<P::Step>, steps: &mut Vec<P::Step>| match differ(start, &candidate) {
        Some((index, how)) => {
            *steps = candidate;
            steps.truncate(index + 1);
            why = how;
            true
        }
        None => false,
    };
    let mut size = steps.len();
    while size > 0 {
        let mut at = 0;
        while at < steps.len() {
            let rest = steps.iter().enumerate().filter(|(i, _)| !(at..at + size).contains(i));
            let candidate = rest.map(|(_, step)| step.clone()).collect();
            if !accept(candidate, &mut steps) {
                at += size;
            }
        }
        size /= 2;
    }
    let mut at = 0;
    while at < steps.len() {
        let simpler = P::simpler(&steps[at]).into_iter().any(|step| {
            let mut candidate = steps.clone();
            candidate[at] = step;
            accept(candidate, &mut steps)
        });
        if !simpler {
            at += 1;
        }
    }
    (steps, why)
}
