//! The runner: `bench [--go FILE] [--n 4,16,31] [--seconds S] [--repeat R] [--only go,rust,mixed,store] [--calm]
//! [--delta-progress MS] [--json FILE]`, and what it starts for an oracle of ours: `bench oracle COMMITTEE SEAT [STORE]`.
//! `cargo xtask bench` builds everything and calls it.

use bench::floor::Floor;
use bench::process::Kind;
use bench::runner::{Programs, Shown, Trial, run};
use bench::table;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match &arguments[..] {
        [word, rest @ ..] if word == "oracle" => be_oracle(rest),
        _ => measure(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

/// One oracle under measurement, in a runtime as small as its task: a socket and a machine that never wait for each other.
fn be_oracle(arguments: &[String]) -> Result<(), String> {
    let [file, seat, store @ ..] = arguments else { return Err("wanted oracle COMMITTEE SEAT [STORE]".into()) };
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let options = bench::oracle::Options {
        committee: serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?,
        seat: seat.parse().map_err(|error| format!("{seat:?}: {error}"))?,
        store: store.first().map(Into::into),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(bench::oracle::run(options))
}

/// Which committees are run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Committee {
    Go,
    Rust,
    Mixed,
    Store,
}

impl Committee {
    const ALL: [Committee; 4] = [Committee::Go, Committee::Rust, Committee::Mixed, Committee::Store];

    fn name(self) -> &'static str {
        match self {
            Committee::Go => "go",
            Committee::Rust => "rust",
            Committee::Mixed => "mixed",
            Committee::Store => "store",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Committee::Go => "Go",
            Committee::Rust => "Rust",
            Committee::Mixed => "half Go / half Rust",
            Committee::Store => "Rust, with its store",
        }
    }

    fn kinds(self, n: usize) -> Vec<Kind> {
        let kind = |seat: usize| match self {
            Committee::Go => Kind::Go,
            Committee::Rust | Committee::Store => Kind::Rust,
            Committee::Mixed => [Kind::Go, Kind::Rust][seat % 2],
        };
        (0..n).map(kind).collect()
    }
}

struct Arguments {
    programs: Programs,
    sizes: Vec<usize>,
    seconds: u64,
    repeat: usize,
    only: Vec<Committee>,
    calm: bool,
    delta_progress: Duration,
    json: Option<PathBuf>,
}

fn read(arguments: Vec<String>) -> Result<Arguments, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut found = Arguments {
        programs: Programs { go: None, rust: this },
        sizes: vec![4, 16, 31],
        seconds: 10,
        repeat: 3,
        only: Committee::ALL.to_vec(),
        calm: false,
        delta_progress: Duration::ZERO,
        json: None,
    };
    let mut given = arguments.into_iter();
    while let Some(flag) = given.next() {
        if flag == "--calm" {
            found.calm = true;
            continue;
        }
        let value = given.next().ok_or_else(|| format!("{flag} wants a value"))?;
        let number = |text: &str| text.parse::<usize>().map_err(|error| format!("{flag} {text}: {error}"));
        match flag.as_str() {
            "--go" => found.programs.go = Some(value.into()),
            "--n" => {
                found.sizes = value.split(',').map(number).collect::<Result<_, _>>()?;
                if found.sizes.iter().any(|n| !(1..=31).contains(n)) {
                    return Err("a committee has 1 to 31 oracles".into());
                }
            }
            "--seconds" => found.seconds = number(&value)? as u64,
            "--repeat" => found.repeat = number(&value)?,
            "--delta-progress" => found.delta_progress = Duration::from_millis(number(&value)? as u64),
            "--json" => found.json = Some(value.into()),
            "--only" => {
                let named = |name: &str| {
                    let known = Committee::ALL.into_iter().find(|committee| committee.name() == name);
                    known.ok_or_else(|| format!("--only {name}: wanted go, rust, mixed or store"))
                };
                found.only = value.split(',').map(named).collect::<Result<_, _>>()?;
            }
            _ => return Err(format!("no option {flag}")),
        }
    }
    if found.programs.go.is_none() {
        found.only.retain(|committee| !matches!(committee, Committee::Go | Committee::Mixed));
    }
    Ok(found)
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads any more when this fails.
    let _ = out.write_all(text.as_bytes());
    let _ = out.write_all(b"\n");
    let _ = out.flush();
}

/// The calm rate of a committee: half a processor's work or less.
fn calm(n: usize) -> Duration {
    Duration::from_millis(match n {
        0..=7 => 50,
        8..=16 => 250,
        _ => 1000,
    })
}

fn measure(arguments: Vec<String>) -> Result<(), String> {
    let Arguments { programs, sizes, seconds, repeat, only, calm: is_calm, delta_progress, json } = read(arguments)?;
    let mut all: Vec<serde_json::Value> = Vec::new();
    let mut medians = Vec::new();
    for n in sizes {
        let floor = Floor::measure();
        let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
        say(&format!(
            "floor at n = {n}: {:.0} µs (Ed25519 sign {:.1}, verify {:.1}; secp256k1 sign {:.1}, recover {:.1})",
            micros(floor.per_round(n)),
            micros(floor.ed25519_sign),
            micros(floor.ed25519_verify),
            micros(floor.secp256k1_sign),
            micros(floor.secp256k1_recover)
        ));
        let floor = floor.per_round(n);
        let mut runs: Vec<(Committee, Vec<Shown>)> = only.iter().map(|committee| (*committee, Vec::new())).collect();
        for turn in 0..repeat {
            for (committee, shown) in &mut runs {
                let trial = Trial {
                    kinds: committee.kinds(n),
                    delta_progress,
                    delta_round: if is_calm { calm(n) } else { Duration::ZERO },
                    measured: Duration::from_secs(seconds),
                    with_store: *committee == Committee::Store,
                };
                let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
                let one = run(&trial, &programs, folder.path(), &say).map_err(|error| error.to_string())?;
                say(&table::line(&format!("{}, run {}", committee.title(), turn + 1), &one, floor));
                say(&format!("notes {:?}", one.notes));
                all.push(serde_json::json!({
                    "committee": committee.name(), "calm": is_calm, "floor_us": micros(floor), "shown": one,
                }));
                shown.push(one);
            }
        }
        let of = |wanted: Committee| {
            runs.iter().find(|(committee, _)| *committee == wanted).and_then(|(_, shown)| table::median(shown))
        };
        for committee in &only {
            medians.extend(of(*committee).map(|shown| table::line(committee.title(), &shown, floor)));
        }
        if let (Some(go), Some(rust)) = (of(Committee::Go), of(Committee::Rust)) {
            medians.push(table::ratios(&go, &rust));
        }
    }
    say(&format!("\nmedians of {repeat} runs of {seconds} s{}\n", if is_calm { ", calm" } else { "" }));
    say(table::HEADING);
    medians.iter().for_each(|line| say(line));
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&all).expect("plain data");
        std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}
