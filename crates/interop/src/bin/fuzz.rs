//! `fuzz`: our crates against the reference's codec server. `cargo xtask interop fuzz` starts it.

use interop::fuzz::compare::{Outcome, outcome};
use interop::fuzz::reference::Reference;
use interop::fuzz::{Example, Report, SHORT_CASES, Tally, Until, Wishes, ours, run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
fuzz --codec FILE [--minutes M | --cases N] [--seed S] [--only TEXT] [--keep DIR] [--json]
fuzz --codec FILE --replay FILE

  --codec FILE   the codec server of interop/go
  --minutes M    until so many minutes are over; may be a fraction
  --cases N      so many cases of each target; without either, a short run
  --seed S       other cases (default 1); the same seed and number give the same
  --only TEXT    targets with this in their names
  --keep DIR     where failing questions are written to
  --json         the result as one JSON object
  --replay FILE  asks both the questions in it, one a line, and shows the answers
";

fn main() -> ExitCode {
    match fuzz(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("fuzz: {why}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn fuzz(mut arguments: impl Iterator<Item = String>) -> Result<bool, String> {
    let mut given = BTreeMap::new();
    let mut json = false;
    while let Some(flag) = arguments.next() {
        if flag == "--json" {
            json = true;
            continue;
        }
        if !["--codec", "--minutes", "--cases", "--seed", "--only", "--keep", "--replay"].contains(&flag.as_str()) {
            return Err(format!("no option {flag}"));
        }
        let value = arguments.next().ok_or_else(|| format!("{flag} wants a value"))?;
        given.insert(flag, value);
    }
    let codec = PathBuf::from(given.remove("--codec").ok_or("--codec is missing")?);
    // A panic of our crates is an answer; nobody wants to read it a thousand times.
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(file) = given.remove("--replay") {
        return replay(&codec, Path::new(&file));
    }
    let number = |text: &String| text.parse::<u64>().map_err(|error| format!("{text:?}: {error}"));
    let until = match (given.get("--minutes"), given.get("--cases")) {
        (Some(_), Some(_)) => return Err("--minutes or --cases, not both".into()),
        (Some(minutes), None) => {
            let minutes = minutes.parse::<f64>().map_err(|error| format!("{minutes:?}: {error}"))?;
            Until::Elapsed(Duration::try_from_secs_f64(minutes * 60.0).map_err(|error| error.to_string())?)
        }
        (None, Some(cases)) => Until::Cases(number(cases)?),
        (None, None) => Until::Cases(SHORT_CASES),
    };
    let temporary = || std::env::temp_dir().join(format!("dodona-fuzz-{}", std::process::id()));
    let wishes = Wishes {
        codec,
        vectors: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors"),
        seed: given.get("--seed").map_or(Ok(1), number)?,
        only: given.remove("--only").unwrap_or_default(),
        until,
        keep: given.remove("--keep").map_or_else(temporary, PathBuf::from),
    };
    let report = run(&wishes, |example| {
        if !json {
            say(&shown(example));
        }
    })?;
    say(&if json { format!("{}\n", report.to_json()) } else { table(&report) });
    Ok(report.total().failures == 0)
}

/// Long values have files.
const SHOWN_MAX: usize = 2000;

fn shown(example: &Example) -> String {
    let short = |value: &Value| {
        let text = value.to_string();
        if text.len() > SHOWN_MAX { format!("{}…", text.chars().take(SHOWN_MAX).collect::<String>()) } else { text }
    };
    let Example { target, case, request, theirs, ours, file } = example;
    format!(
        "FAILURE of {target}, case {case}\n  asked      {}\n  reference  {}\n  ours       {}\n  again      cargo xtask interop fuzz --replay {}\n",
        short(request),
        short(theirs),
        short(ours),
        file.display()
    )
}

fn table(report: &Report) -> String {
    let mut table = format!(
        "{:<24} {:>10} {:>10} {:>10} {:>8} {:>6} {:>8}  explained\n",
        "target", "cases", "accepted", "refused", "failures", "kinds", "no case"
    );
    let mut row = |name: &str, tally: &Tally| {
        let mut explained: Vec<String> =
            tally.explained.iter().map(|(name, count)| format!("{name} {count}")).collect();
        explained.extend(tally.no_case_why.iter().map(|why| format!("no case: {why}")));
        let Tally { cases, accepted, refused, failures, kinds, no_case, .. } = tally;
        table.push_str(&format!(
            "{name:<24} {cases:>10} {accepted:>10} {refused:>10} {failures:>8} {kinds:>6} {no_case:>8}  {}\n",
            explained.join(", ")
        ));
    };
    report.tallies.iter().for_each(|(name, tally)| row(name, tally));
    let total = report.total();
    row("all", &total);
    let seconds = report.elapsed.as_secs_f64();
    table.push_str(&format!("{seconds:.1} s, {:.0} cases a second\n", total.cases as f64 / seconds));
    table
}

fn replay(codec: &Path, file: &Path) -> Result<bool, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut reference = Reference::start(codec)?;
    let mut all_same = true;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let request: Value = serde_json::from_str(line).map_err(|error| format!("{}: {error}", file.display()))?;
        let theirs = reference.answers(std::slice::from_ref(&request))?.pop().unwrap_or_default();
        let ours = ours::answer(&request);
        let outcome = outcome(&request, &theirs, &ours);
        all_same &= outcome != Outcome::Differs;
        say(&format!("{outcome:?}\n  reference  {theirs}\n  ours       {ours}\n"));
    }
    Ok(all_same)
}

/// Prints at once: a run of an hour wants to be watched.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads any more when this fails.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
