//! `cargo xtask sim`: lives through worlds, one seed each, until one violates a property.

use clap::Parser;
use sim::{Rng, Scheme, Tally, World, checks::Violation, plan::Plan};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Simulates whole oracle networks, one world of 60 simulated seconds from each seed, and stops at the first world in which
/// a property does not hold, with the command that replays it.
#[derive(Parser)]
struct Options {
    /// How many worlds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Oracles in each committee, 4 to 31.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(4..=31))]
    n: u64,
    /// What a signature is: a keyed hash, or the real thing.
    #[arg(long, value_enum, default_value_t = Signatures::Keyed)]
    signatures: Signatures,
    /// Worlds without any fault, for measuring.
    #[arg(long)]
    calm: bool,
    /// Threads; default: one for each core.
    #[arg(long)]
    threads: Option<usize>,
    /// Print each world's misfortunes before it lives.
    #[arg(long)]
    explain: bool,
    /// Do not stop at the first violated property: list every seed that violates one.
    #[arg(long)]
    keep_going: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Signatures {
    Keyed,
    Real,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let threads = options.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let next = AtomicU64::new(options.from);
    let total = Mutex::new((Tally::default(), Duration::ZERO, 0_u64));
    let failed = Mutex::new(None);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| while let ControlFlow::Continue(()) = one(&options, &next, &total, &failed, begun) {});
        }
    });
    let (tally, busy, worlds) = total.into_inner().expect("no thread panics while it adds up");
    let rate = tally.transmitted as f64 / busy.as_secs_f64().max(1e-9);
    say(&format!(
        "\r{worlds} worlds of {} oracles in {:.1} s: {} transmitted rounds, {} messages, {} restarts; {rate:.0} rounds/s and core\n",
        options.n,
        begun.elapsed().as_secs_f64(),
        tally.transmitted,
        tally.messages,
        tally.restarts,
    ));
    match failed.into_inner().expect("no thread panics while it reports") {
        None => ExitCode::SUCCESS,
        Some((seed, violation)) => {
            let signatures = match options.signatures {
                Signatures::Keyed => "",
                Signatures::Real => " --signatures real",
            };
            say(&format!(
                "seed {seed}: {violation}\nreplay: cargo xtask sim --seeds 1 --from {seed} --n {}{signatures} --explain\n",
                options.n
            ));
            ExitCode::FAILURE
        }
    }
}

/// What a thread has used of its core. A machine that is busy with other things does not make a world slower by it; where
/// the kernel does not tell, the clock on the wall does.
struct OnCpu {
    used: Option<Duration>,
    wall: Instant,
}

impl OnCpu {
    fn now() -> Self {
        let used = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
        let used = used.and_then(|text| text.split(' ').next()?.parse().ok()).map(Duration::from_nanos);
        OnCpu { used, wall: Instant::now() }
    }

    fn elapsed(&self) -> Duration {
        match (self.used, Self::now().used) {
            (Some(from), Some(to)) => to.saturating_sub(from),
            (None, _) | (_, None) => self.wall.elapsed(),
        }
    }
}

type Failed = Mutex<Option<(u64, Violation)>>;

fn one(
    options: &Options,
    next: &AtomicU64,
    total: &Mutex<(Tally, Duration, u64)>,
    failed: &Failed,
    begun: Instant,
) -> ControlFlow<()> {
    let seed = next.fetch_add(1, Ordering::Relaxed);
    if seed >= options.from.saturating_add(options.seeds)
        || !options.keep_going && failed.lock().expect("see above").is_some()
    {
        return ControlFlow::Break(());
    }
    let scheme = match options.signatures {
        Signatures::Keyed => Scheme::Keyed,
        Signatures::Real => Scheme::Real,
    };
    let n = options.n as usize;
    let start = OnCpu::now();
    let world = match options.calm {
        true => World::with_plan(Plan::calm(n), Rng::new(seed), scheme),
        false => World::new(seed, n, scheme),
    };
    if options.explain {
        say(&format!("seed {seed}: {}", world.plan()));
    }
    // An assertion of ours that fails is a finding like any other, and needs its seed as well.
    let lived =
        catch_unwind(AssertUnwindSafe(|| world.live())).unwrap_or_else(|panic| Err(Violation::of_panic(&*panic)));
    let mut sum = total.lock().expect("see above");
    sum.1 += start.elapsed();
    match lived {
        Ok(tally) => {
            sum.0.transmitted += tally.transmitted;
            sum.0.messages += tally.messages;
            sum.0.restarts += tally.restarts;
            sum.2 += 1;
            if sum.2.is_multiple_of(50) {
                say(&format!("\r{} worlds, {:.1} s", sum.2, begun.elapsed().as_secs_f64()));
            }
            ControlFlow::Continue(())
        }
        Err(violation) => {
            let mut failed = failed.lock().expect("see above");
            if options.keep_going {
                say(&format!("\rseed {seed}: {violation}\n"));
            }
            // The lowest seed is the one to look at, whichever thread was first.
            if failed.as_ref().is_none_or(|(other, _)| seed < *other) {
                *failed = Some((seed, violation));
            }
            if options.keep_going { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        }
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads any more when this fails.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
