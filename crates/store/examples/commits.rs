//! How long a durable write takes, alone and when many commit at once:
//! `cargo run --release -p dodona-store --example commits [FOLDER]`.

use machine::{CorruptRecord, Record};
use std::fs::File;
use std::io::{Result, Write, stderr};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use store::Store;

/// As large as a pending transmission with ten signatures.
#[derive(Clone, Debug)]
struct Pending(u32);

impl Record for Pending {
    type Key = u32;
    fn key(&self) -> u32 {
        self.0
    }
    fn encode_key(key: &u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&key.to_be_bytes());
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.resize(300, 7);
    }
    fn decode(_: &[u8]) -> std::result::Result<Self, CorruptRecord> {
        unreachable!("nothing is read here")
    }
}

fn main() -> Result<()> {
    let kept = tempfile::tempdir()?;
    let folder = std::env::args_os().nth(1).map_or(kept.path().to_owned(), PathBuf::from);
    let cores = std::thread::available_parallelism()?;
    writeln!(stderr(), "300-byte records, {cores} cores, folder {}", folder.display())?;

    let raw = File::create(folder.join("raw"))?;
    let mut times = time(500, |turn| {
        raw.write_all_at(&[7; 300], u64::from(turn) * 300).and_then(|()| raw.sync_data()).expect("a writable folder");
    });
    report("raw append and fdatasync", 1, &mut times)?;

    let store = Store::open(folder.join("store")).expect("an unused folder");
    for committers in [1, 4, 16, 64] {
        let began = Instant::now();
        let mut times: Vec<Duration> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..committers)
                .map(|committer| {
                    let space = store.space(format!("oracle/{committer}"));
                    let commit =
                        move |turn| space.persist_blocking(vec![Pending(turn % 8)]).expect("a writable folder");
                    scope.spawn(move || time(500, commit))
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
        });
        let rate = times.len() as f64 / began.elapsed().as_secs_f64();
        report(&format!("store, {rate:.0} commits/s"), committers, &mut times)?;
    }
    Ok(())
}

fn time(turns: u32, mut work: impl FnMut(u32)) -> Vec<Duration> {
    (0..turns)
        .map(|turn| {
            let began = Instant::now();
            work(turn);
            began.elapsed()
        })
        .collect()
}

fn report(what: &str, committers: u32, times: &mut [Duration]) -> Result<()> {
    times.sort();
    let at = |share: f64| times[(times.len() as f64 * share) as usize];
    writeln!(stderr(), "{committers:3} committers: p50 {:>10.3?}  p99 {:>10.3?}  {what}", at(0.50), at(0.99))
}
