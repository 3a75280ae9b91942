//! Long after the last fault every honest oracle runs the configuration that the contract has.

#[derive(Debug)]
pub struct Following;

impl Following {
    pub const NAME: &str = "following";

    pub fn ended(&self, oracle: usize, runs_current: bool) -> Result<(), String> {
        if runs_current { Ok(()) } else { Err(format!("oracle {oracle} does not run the contract's configuration")) }
    }
}
