//! What a store promises when the process is killed, the power fails or the disk is full.

mod entry;

use entry::{Entry, entry};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use store::{Store, StoreError};

const FOLDER: &str = "DODONA_STORE_TEST_FOLDER";

/// This test binary once more, running only `test`.
fn child(test: &str, folder: &Path, shell_prefix: &str) -> Child {
    let program = std::env::current_exe().expect("this program has a path");
    Command::new("sh")
        .arg("-c")
        .arg(format!("{shell_prefix} exec \"$0\" --exact {test} --nocapture"))
        .arg(program)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child process")
}

/// Runs in a child process: four committers write ascending values and say on stdout what was acknowledged.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Store::open(folder).unwrap();
    std::thread::scope(|scope| {
        for key in 0..4 {
            let space = store.space("s");
            scope.spawn(move || {
                for value in 1.. {
                    space.persist_blocking(vec![entry(key, value), entry(key + 100, value)]).unwrap();
                    // One call per line, so that a kill cannot cut a line that counts.
                    std::io::stdout().write_all(format!("\nacknowledged {key} {value}\n").as_bytes()).unwrap();
                }
            });
        }
    });
}

#[test]
fn kill_9_leaves_every_acknowledged_record() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = [0u64; 4];
    for round in 1..=5 {
        let mut child = child("child_that_writes_until_it_is_killed", folder.path(), "");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while seen < 60 * round {
            let line = lines.next().expect("the child goes on until it is killed").unwrap();
            seen += u64::from(note(&mut acknowledged, &line));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What was acknowledged between the last line read and the kill counts too; the very last line may be cut.
        for line in lines.map_while(Result::ok) {
            note(&mut acknowledged, &line);
        }
        let store = Store::open(folder.path()).unwrap();
        let held = store.space("s").load::<Entry>().unwrap();
        assert_eq!(held.len(), 8);
        for (key, acknowledged) in (0..4).zip(&acknowledged) {
            let value = |key| held.iter().find(|held| held.key == key).unwrap().value.unwrap();
            assert!(value(key) >= *acknowledged, "key {key} holds {} of {acknowledged}", value(key));
            assert_eq!(value(key), value(key + 100), "a batch is there as a whole");
        }
        acknowledged = [0; 4];
    }
}

fn note(acknowledged: &mut [u64; 4], line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let ["acknowledged", key, value] = words[..] else { return false };
    acknowledged[key.parse::<usize>().unwrap()] = value.parse().unwrap();
    true
}

#[test]
fn a_torn_log_leaves_a_prefix_of_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for value in 1..=20 {
        store.space("s").persist_blocking(vec![entry(1, value), entry(2, value)]).unwrap();
    }
    let log = fs::read(folder.path().join("dodona.db-wal")).unwrap();
    let mut newest = 0;
    for cut in (0..=log.len()).step_by(log.len() / 40) {
        let copy = tempfile::tempdir().unwrap();
        fs::copy(folder.path().join("dodona.db"), copy.path().join("dodona.db")).unwrap();
        fs::write(copy.path().join("dodona.db-wal"), &log[..cut]).unwrap();
        let held = Store::open(copy.path()).unwrap().space("s").load::<Entry>().unwrap();
        let value = match held[..] {
            [] => 0,
            [Entry { key: 1, value: Some(one) }, Entry { key: 2, value: Some(two) }] if one == two => one,
            _ => panic!("cut at {cut}: half a batch: {held:?}"),
        };
        assert!(value >= newest, "a longer log holds no less");
        newest = value;
    }
    assert!(newest >= 19, "the whole log holds (nearly) everything: {newest}");
}

/// Runs in a child process that may not write files beyond a size.
#[test]
fn child_that_fills_its_disk() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Store::open(folder).unwrap();
    for value in 1..100_000 {
        if let Err(error) = store.space("s").persist_blocking(vec![entry(u32::try_from(value).unwrap(), value)]) {
            assert!(matches!(error, StoreError::Stopped { .. }));
            let again = store.space("s").persist_blocking(vec![entry(0, 0)]).unwrap_err();
            assert_eq!(again.to_string(), error.to_string(), "and it stays so");
            let line = format!("\nstopped after {} with {error}\n", value - 1);
            std::io::stdout().write_all(line.as_bytes()).unwrap();
            return;
        }
    }
    panic!("the disk was never full");
}

#[test]
fn a_full_disk_stops_the_store_and_costs_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    // Blocks of 512 bytes; the signal is ignored, so that the write itself fails.
    let child = child("child_that_fills_its_disk", folder.path(), "trap '' XFSZ; ulimit -f 600;");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let line = text.lines().find(|line| line.starts_with("stopped after ")).expect("the child says how far it came");
    let acknowledged: usize = line.split(' ').nth(2).unwrap().parse().unwrap();
    assert!(acknowledged > 10, "{line}");
    let held = Store::open(folder.path()).unwrap().space("s").load::<Entry>().unwrap();
    let first: Vec<Entry> = (1..=acknowledged as u64).map(|value| entry(value as u32, value)).collect();
    assert_eq!(held[..acknowledged], first[..]);
    // The failed write itself is in doubt; beyond it nothing was written.
    assert!(held.len() <= acknowledged + 1);
}
