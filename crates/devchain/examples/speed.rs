//! How fast the chain is with the real aggregator: `cargo run -p dodona-devchain --release --example speed`.
//! With an argument, only the committees whose line contains it ("n=4, KeyedHash").
#![allow(clippy::print_stdout, reason = "a table is what this program is for")]

#[path = "../tests/world/aggregator.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod aggregator;

use std::time::{Duration, Instant};

use aggregator::Committee;
use devchain::{Headers, Recover};

const ROUNDS: usize = 10_000;

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    println!("{:46} {:>10} {:>12}", "", "each", "per second");
    for (n, recover, headers) in [
        (4, Recover::KeyedHash, Headers::Bare),
        (4, Recover::KeyedHash, Headers::NoStateRoot),
        (4, Recover::KeyedHash, Headers::Complete),
        (4, Recover::Secp256k1, Headers::Bare),
        (31, Recover::KeyedHash, Headers::Bare),
        (31, Recover::Secp256k1, Headers::Bare),
    ] {
        let title = format!("n={n}, {recover:?}, {headers:?}");
        if !title.contains(&wanted) {
            continue;
        }
        let mut committee = Committee::new(n, recover, headers);
        let transmissions: Vec<_> = (0..ROUNDS)
            .map(|round| {
                committee.transmission(round as u64, 1 + round as u32 / 200, (round % 200) as u8 + 1, 2_000_000)
            })
            .collect();
        let transmitter = committee.transmitters[0];
        let memory = resident_bytes();
        let mut gas = 0;
        let time = Instant::now();
        for transmission in transmissions {
            committee.chain.submit_from(transmitter, transmission.into()).expect("valid");
            gas = committee.chain.mine(committee.chain.head().timestamp() + 1).expect("later").header.gas_used;
        }
        row(&format!("{title}: submit, mine ({gas} gas)"), time.elapsed());
        assert_eq!(committee.latest().epoch as usize, ROUNDS.div_ceil(200), "every transmission was accepted");
        println!("{:46} {:>8} B", "  memory a block", resident_bytes().saturating_sub(memory) / ROUNDS);

        let time = Instant::now();
        for _ in 0..ROUNDS {
            std::hint::black_box(committee.latest());
        }
        row("  call latestTransmissionDetails", time.elapsed());
        let time = Instant::now();
        for _ in 0..ROUNDS {
            committee.chain.reorg(1).expect("not genesis");
            let timestamp = committee.chain.head().timestamp() + 1;
            committee.chain.mine(timestamp).expect("later");
        }
        row("  take a block back, mine it again", time.elapsed());
    }
}

fn row(what: &str, time: Duration) {
    let each = time.as_secs_f64() / ROUNDS as f64;
    println!("{what:46} {:>7.2} µs {:>12.0}", each * 1e6, 1.0 / each);
}

/// Linux tells in pages of 4,096 bytes; elsewhere this is zero.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4_096
}
