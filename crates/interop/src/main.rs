//! `interop`: runs a suite of mixed committees and prints a table. `cargo xtask interop` starts it with its tools.

use interop::committee::{Committee, Kind, LONG, SHORT};
use interop::trial::{self, Tools};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

const HELP: &str = "\
interop [long] --dodona FILE --anvil FILE --go DIR [--keep DIR] [--only TEXT] …

  long           the long suite
  --dodona FILE  the node
  --anvil FILE   the chain's own program, not npm's wrapper around it
  --go DIR       the programs of interop/go
  --keep DIR     where everything that was said is kept; without it, only what a failure left behind is
  --only TEXT    committees with this in their names
  --most N       no committee is asked for more transmissions than this, nor for its minutes
  --geth FILE    go-ethereum in developer mode as the chain
  --liar FILE    the node that lies (examples/liar.rs), for the committees that have one
";

/// What is wrong is often wrong many times.
const WRONG_SHOWN: usize = 8;

struct Wishes {
    tools: Tools,
    folder: PathBuf,
    keep: bool,
    only: String,
    suite: &'static [Committee],
}

fn main() -> ExitCode {
    let wishes = match wishes(std::env::args().skip(1)) {
        Ok(wishes) => wishes,
        Err(why) => {
            eprintln!("interop: {why}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let mut wrong = 0;
    say(
        "committee                                | transmissions | by | epochs led Go, Rust | signatures Go for Rust, Rust for Go \
         | times of transmission equal | stale in Rust | seconds\n",
    );
    for (index, committee) in
        wishes.suite.iter().enumerate().filter(|(_, committee)| committee.name.contains(&wishes.only))
    {
        let folder = wishes.folder.join(index.to_string());
        let begun = Instant::now();
        let witness = trial::run(committee, &wishes.tools, &folder);
        say(&format!(
            "{:<40} | {:>13} | {:>2} | {:>7}, {:<11} | {:>14}, {:<19} | {:>27} | {:>13} | {:>7.0}\n",
            committee.name,
            witness.transmissions,
            witness.transmitters(),
            witness.led(Kind::Go),
            witness.led(Kind::Rust),
            witness.signed(Kind::Go, Kind::Rust),
            witness.signed(Kind::Rust, Kind::Go),
            witness.delays_compared(),
            witness.stale.values().sum::<u64>(),
            begun.elapsed().as_secs_f32(),
        ));
        let counted = [
            ("Rust refused", &witness.stale),
            ("Go refused", &witness.silent),
            ("Go warned, as usual", &witness.usual),
            ("Rust warned, as usual", &witness.warned),
            ("said of the liar", &witness.complaints),
        ];
        for borne in &witness.borne {
            say(&format!("    bore {borne}\n"));
        }
        if witness.lies > 0 {
            say(&format!(
                "    lies: {}; accepted reports with an observation of the liar: {}\n",
                witness.lies, witness.believed
            ));
        }
        for (what, counts) in counted {
            for (text, count) in counts {
                say(&format!("    {what} {count} times: {text}\n"));
            }
        }
        for text in witness.wrong.iter().take(WRONG_SHOWN) {
            say(&format!("    WRONG: {text}\n"));
        }
        if let Some(more) = witness.wrong.len().checked_sub(WRONG_SHOWN).filter(|more| *more > 0) {
            say(&format!("    WRONG: and {more} more\n"));
        }
        match witness.wrong.is_empty() {
            false => {
                wrong += 1;
                say(&format!("    what everybody said is in {}\n", folder.display()));
            }
            // It lies in a folder for temporary files.
            true if !wishes.keep => drop(std::fs::remove_dir_all(&folder)),
            true => {}
        }
    }
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn wishes(mut arguments: impl Iterator<Item = String>) -> Result<Wishes, String> {
    let mut given = BTreeMap::new();
    let mut suite = SHORT;
    while let Some(flag) = arguments.next() {
        if flag == "long" {
            suite = LONG;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{flag} wants a value"))?;
        let known = ["--dodona", "--anvil", "--go", "--keep", "--only", "--most", "--geth", "--liar"];
        if !known.contains(&flag.as_str()) {
            return Err(format!("no option {flag}"));
        }
        given.insert(flag, value);
    }
    let transmissions_max = match given.remove("--most") {
        None => u64::MAX,
        Some(most) => most.parse().map_err(|_| format!("--most wants a number, got {most:?}"))?,
    };
    let mut path = |flag: &str| given.remove(flag).map(PathBuf::from);
    let wanted = |path: Option<PathBuf>, flag: &str| path.ok_or_else(|| format!("{flag} is missing"));
    let tools = Tools {
        dodona: wanted(path("--dodona"), "--dodona")?,
        anvil: wanted(path("--anvil"), "--anvil")?,
        go: wanted(path("--go"), "--go")?,
        geth: path("--geth"),
        liar: path("--liar"),
        transmissions_max,
    };
    let keep = path("--keep");
    let temporary = || std::env::temp_dir().join(format!("dodona-interop-{}", std::process::id()));
    Ok(Wishes {
        tools,
        keep: keep.is_some(),
        folder: keep.unwrap_or_else(temporary),
        only: given.remove("--only").unwrap_or_default(),
        suite,
    })
}

/// Prints at once: a suite of minutes wants to be watched.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads any more when this fails.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
