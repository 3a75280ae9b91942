//! Epochs follow each other because honest oracles want them: an honest wish is the next epoch after one that honest
//! oracles have been in, at most; it is never taken back; and an epoch is entered when more than 2f want it.

use super::{ConfigEpoch, Roles};
use ocr2::record::Memory;
use ocr2::round_id::Epoch;

#[derive(Debug)]
pub struct Pace {
    n: usize,
    f: usize,
    liars: usize,
    configs: Vec<Epochs>,
}

/// Of one configuration.
#[derive(Debug)]
struct Epochs {
    /// The highest that an honest oracle was in.
    highest: Epoch,
    /// What each honest oracle wanted last.
    wishes: Vec<Epoch>,
}

impl Pace {
    pub const NAME: &str = "pace";

    pub fn new(roles: &Roles) -> Self {
        Pace { n: roles.n, f: roles.f, liars: roles.liars(), configs: Vec::new() }
    }

    fn epochs(&mut self, config: u16) -> &mut Epochs {
        let first = Memory::default().epoch;
        let (n, config) = (self.n, usize::from(config));
        while self.configs.len() <= config {
            self.configs.push(Epochs { highest: first, wishes: vec![Epoch::default(); n] });
        }
        &mut self.configs[config]
    }

    pub fn entered(&mut self, oracle: usize, (config, epoch): ConfigEpoch) -> Result<(), String> {
        let (f, liars) = (self.f, self.liars);
        let Epochs { highest, wishes } = self.epochs(config);
        *highest = (*highest).max(epoch);
        let wanting = wishes.iter().filter(|wish| **wish >= epoch).count() + liars;
        if epoch <= Memory::default().epoch || wanting > 2 * f {
            return Ok(());
        }
        Err(format!("oracle {oracle} entered epoch {epoch}, which {wanting} oracles can have wanted at most"))
    }

    pub fn wished(&mut self, oracle: usize, (config, epoch): ConfigEpoch) -> Result<(), String> {
        let Epochs { highest, wishes } = self.epochs(config);
        let last = std::mem::replace(&mut wishes[oracle], epoch);
        if epoch < last {
            return Err(format!("oracle {oracle} wanted epoch {last} and now {epoch}"));
        }
        if epoch.0 > highest.0.saturating_add(1) {
            return Err(format!("oracle {oracle} wants epoch {epoch}, honest ones have been in {highest} at most"));
        }
        Ok(())
    }
}
