//! The table: every run as it comes, and at the end the medians with their ratios.

use crate::runner::Shown;
use std::time::Duration;

/// The heading of [`line`].
pub const HEADING: &str = "\
| n | committee | rounds/s | CPU ms per round and oracle | × floor | peak MB | private MB | wire kB per round | p50 / p99 ms | first report s |
|---|---|---|---|---|---|---|---|---|---|";

/// One run, or the medians of several.
pub fn line(what: &str, shown: &Shown, floor: Duration) -> String {
    let each = |of: &dyn Fn(&f64) -> String, values: &std::collections::BTreeMap<&'static str, f64>| {
        values.values().map(of).collect::<Vec<_>>().join(" / ")
    };
    let floor_ms = floor.as_secs_f64() * 1000.0;
    format!(
        "| {} | {what} | {} | {} | {} | {} | {} | {:.1} | {:.1} / {:.1} | {:.1} |",
        shown.n,
        significant(shown.rounds_per_second),
        each(&|ms| format!("{ms:.3}"), &shown.cpu_ms),
        each(&|ms| format!("{:.2}", ms / floor_ms), &shown.cpu_ms),
        each(&|mb| format!("{mb:.1}"), &shown.memory_mb),
        each(&|mb| format!("{mb:.1}"), &shown.private_mb),
        shown.wire_bytes / 1000.0,
        shown.p50_ms,
        shown.p99_ms,
        shown.first_report_s,
    )
}

/// Ours against theirs, from medians.
pub fn ratios(go: &Shown, rust: &Shown) -> String {
    let of = |of: &dyn Fn(&Shown) -> f64| of(rust) / of(go);
    let cpu = |shown: &Shown| shown.cpu_ms.values().next().copied().unwrap_or(f64::NAN);
    let memory = |shown: &Shown| shown.memory_mb.values().next().copied().unwrap_or(f64::NAN);
    let private = |shown: &Shown| shown.private_mb.values().next().copied().unwrap_or(f64::NAN);
    format!(
        "| {} | **Rust / Go** | {:.2} | {:.3} | | {:.2} | {:.2} | {:.2} | {:.2} / {:.2} | {:.2} |",
        rust.n,
        of(&|shown| shown.rounds_per_second),
        of(&cpu),
        of(&memory),
        of(&private),
        of(&|shown| shown.wire_bytes),
        of(&|shown| shown.p50_ms),
        of(&|shown| shown.p99_ms),
        of(&|shown| shown.first_report_s),
    )
}

/// The median of each figure over runs of one committee; notes are of the last.
pub fn median(runs: &[Shown]) -> Option<Shown> {
    let of = |of: &dyn Fn(&Shown) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(of).collect();
        values.sort_unstable_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let last = runs.last()?;
    let cpu = last.cpu_ms.keys().map(|kind| (*kind, of(&|shown| shown.cpu_ms[kind])));
    let private = last.private_mb.keys().map(|kind| (*kind, of(&|shown| shown.private_mb[kind])));
    let memory = last.memory_mb.keys().map(|kind| (*kind, of(&|shown| shown.memory_mb[kind])));
    Some(Shown {
        n: last.n,
        rounds_per_second: of(&|shown| shown.rounds_per_second),
        cpu_ms: cpu.collect(),
        memory_mb: memory.collect(),
        private_mb: private.collect(),
        wire_bytes: of(&|shown| shown.wire_bytes),
        p50_ms: of(&|shown| shown.p50_ms),
        p99_ms: of(&|shown| shown.p99_ms),
        first_report_s: of(&|shown| shown.first_report_s),
        notes: last.notes.clone(),
    })
}

fn significant(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}
