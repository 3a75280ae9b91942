//! `cargo xtask mutate [N]`: proves that the simulator can fail. Each patch of `mutations/` removes one rule; it is applied
//! to a copy of the sources, and some seed must catch it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// How many worlds a mutation may survive.
const SEEDS: &str = "1000";

fn main() -> ExitCode {
    let asked = std::env::args().nth(1);
    match run(asked.as_deref()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("mutate: {why}");
            ExitCode::from(2)
        }
    }
}

/// All patches, the first N of them, or the one of this name.
fn chosen(asked: Option<&str>) -> Result<Vec<PathBuf>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mutations");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut patches: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    patches.retain(|path| path.extension().is_some_and(|ending| ending == "patch"));
    patches.sort();
    if let Some(asked) = asked {
        match asked.parse::<usize>() {
            Ok(count) => patches.truncate(count),
            Err(_) => patches.retain(|path| path.file_stem().is_some_and(|stem| stem == asked)),
        }
    }
    if patches.is_empty() { Err(format!("no patch {asked:?} in {}", folder.display())) } else { Ok(patches) }
}

fn run(asked: Option<&str>) -> Result<bool, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies two levels deep");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let copy = target.join("mutants");
    let mut all_caught = true;
    for patch in chosen(asked)? {
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        copy_sources(root, &copy)?;
        command(Command::new("patch").args(["-p1", "--quiet", "-i"]).arg(&patch).current_dir(&copy))
            .map_err(|why| format!("{name} does not apply: {why}"))?;
        // Not in the way of the real build, reused from mutant to mutant, and incremental because little changes.
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["run", "--release", "--quiet", "-p", "dodona-sim", "--bin", "sim", "--", "--seeds", SEEDS])
            .env("CARGO_TARGET_DIR", target.join("mutants-target"))
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_INCREMENTAL", "1")
            .current_dir(&copy)
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let caught = text.lines().rev().find(|line| line.starts_with("seed "));
        match (output.status.code(), caught) {
            (Some(1), Some(line)) => say(&format!("{name:<40} caught: {line}\n")),
            (Some(0), _) => {
                say(&format!("{name:<40} SURVIVED {SEEDS} seeds\n"));
                all_caught = false;
            }
            _ if String::from_utf8_lossy(&output.stderr).contains("panicked") => {
                say(&format!("{name:<40} caught: an assertion of ours failed\n"));
            }
            _ => return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr))),
        }
    }
    Ok(all_caught)
}

/// The tracked and new sources as they are in the work tree.
fn copy_sources(root: &Path, copy: &Path) -> Result<(), String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("git: {error}"))?;
    let listed = String::from_utf8_lossy(&listed.stdout);
    let wanted: BTreeSet<PathBuf> = listed.lines().map(|file| copy.join(file)).collect();
    forget(copy, &wanted).map_err(|error| format!("{}: {error}", copy.display()))?;
    for file in listed.lines() {
        let (from, to) = (root.join(file), copy.join(file));
        let Ok(bytes) = fs::read(&from) else { continue };
        // Unchanged files keep their times, so that cargo builds only what the mutation touches.
        if fs::read(&to).is_ok_and(|old| old == bytes) {
            continue;
        }
        let folder = to.parent().expect("a file lies in a folder");
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&to, bytes))
            .map_err(|error| format!("{}: {error}", to.display()))?;
    }
    Ok(())
}

/// A copy that an earlier tree has left may hold files that are no longer there, and cargo would build them.
fn forget(folder: &Path, wanted: &BTreeSet<PathBuf>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            forget(&path, wanted)?;
        } else if !wanted.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn command(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stdout).into_owned()) }
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads any more when this fails.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
