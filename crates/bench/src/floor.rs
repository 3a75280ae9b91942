//! The floor: the CPU time of exactly the signatures and verifications that an oracle must do in a round, each once.
//!
//! With n oracles, f faulty ones, and every oracle leading one round in n:
//!
//! * it signs its observation (Ed25519) and its report (secp256k1): once each;
//! * 2f + 1 observations make a report, and everyone checks each of them but its own, whether as the leader when it comes or
//!   as a follower in the ReportReq. Its own is among them with a chance of (2f + 1) / n: (2f + 1)(1 − 1/n) checks;
//! * f + 1 signatures make a report final, and everyone checks each of them but its own, as the leader in the Reports or as
//!   a follower in the Final: (f + 1)(1 − 1/n) recoveries.
//!
//! A leader does neither more nor less than a follower, so its share of 1/n changes nothing. Hashes are left out: some
//! microseconds.

use crypto::{ed25519, keccak256, secp256k1};
use std::time::Duration;

/// What one operation takes, with the crates and the features that our oracle runs with.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    pub ed25519_sign: Duration,
    pub ed25519_verify: Duration,
    pub secp256k1_sign: Duration,
    pub secp256k1_recover: Duration,
}

impl Floor {
    /// Measures each operation on this machine, with this build.
    pub fn measure() -> Self {
        let off = ed25519::SecretKey::from_seed(&[1; 32]);
        let on = secp256k1::SecretKey::from_bytes(&[1; 32]).expect("a scalar");
        // Many digests, so that nothing is predicted.
        let digests: Vec<[u8; 32]> = (0u32..64).map(|i| keccak256(&i.to_be_bytes())).collect();
        let off_signed: Vec<_> = digests.iter().map(|digest| off.sign(digest)).collect();
        let on_signed: Vec<_> = digests.iter().map(|digest| on.sign(digest)).collect();
        let public = off.public_key();
        Floor {
            ed25519_sign: time(|i| assert_eq!(off.sign(&digests[i]), off_signed[i])),
            ed25519_verify: time(|i| assert!(public.verify(&digests[i], &off_signed[i]))),
            secp256k1_sign: time(|i| assert_eq!(on.sign(&digests[i]), on_signed[i])),
            secp256k1_recover: time(|i| assert!(secp256k1::recover(&digests[i], &on_signed[i]).is_some())),
        }
    }

    /// The floor of one oracle and round in a committee of `n`.
    pub fn per_round(&self, n: usize) -> Duration {
        let f = (n - 1) / 3;
        let others = (n - 1) as f64 / n as f64;
        self.ed25519_sign
            + self.secp256k1_sign
            + self.ed25519_verify.mul_f64((2 * f + 1) as f64 * others)
            + self.secp256k1_recover.mul_f64((f + 1) as f64 * others)
    }
}

/// The mean over many runs, with every processor busy at it, as they are in the measurement: two threads of one core share
/// what it has. Others use the processors too, and what they take is no CPU time of ours, so the scheduler's count is taken
/// and not the clock's.
fn time(operation: impl Fn(usize) + Sync) -> Duration {
    const RUNS: u32 = 60;
    let busy = || -> Duration {
        let begin = on_processor();
        (0..RUNS).for_each(|_| (0..64).for_each(&operation));
        (on_processor() - begin) / (RUNS * 64)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(busy)).collect();
        let times = all.into_iter().map(|thread| thread.join().expect("signatures hold"));
        times.sum::<Duration>() / threads as u32
    })
}

/// CPU time of this thread so far.
fn on_processor() -> Duration {
    // The scheduler counts when it switches or ticks; who lets others go first is counted now.
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = stat.split_ascii_whitespace().next();
    Duration::from_nanos(first.and_then(|text| text.parse().ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_counts_each_operation_of_the_formula() {
        let of = |ed25519_sign, ed25519_verify, secp256k1_sign, secp256k1_recover| {
            let [ed25519_sign, ed25519_verify, secp256k1_sign, secp256k1_recover] =
                [ed25519_sign, ed25519_verify, secp256k1_sign, secp256k1_recover].map(Duration::from_micros);
            Floor { ed25519_sign, ed25519_verify, secp256k1_sign, secp256k1_recover }.per_round(4).as_micros()
        };
        assert_eq!((of(1000, 0, 0, 0), of(0, 0, 1000, 0)), (1000, 1000));
        // n = 4, f = 1: three quarters of three observations and of two signatures.
        assert_eq!((of(0, 1000, 0, 0), of(0, 0, 0, 1000)), (2250, 1500));
    }
}
