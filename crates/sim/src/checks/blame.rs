//! No honest oracle calls another one faulty: a fault is what no honest oracle can cause, whatever the network does.

use super::Roles;
use ocr::OracleId;
use ocr2::refusal::Fault;

#[derive(Debug)]
pub struct Blame {
    lies: Vec<bool>,
}

impl Blame {
    pub const NAME: &str = "blame";

    pub fn new(roles: &Roles) -> Self {
        Blame { lies: roles.lies.clone() }
    }

    pub fn blamed(&mut self, oracle: usize, from: OracleId, fault: &Fault) -> Result<(), String> {
        if self.lies[from.index()] {
            return Ok(());
        }
        Err(format!("oracle {oracle} blames honest oracle {from}: {fault}"))
    }
}
