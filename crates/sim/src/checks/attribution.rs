//! An honest oracle reports on more than 2f observations, of as many oracles, and what is attributed to an honest one is
//! what that oracle's source said in this very round.

use super::{Config, Roles, Round};
use alloy_primitives::map::HashMap;
use median::{Observation, Value};
use ocr2::message::{AttributedObservation, ReportReq};
use std::sync::Arc;

#[derive(Debug)]
pub struct Attribution {
    f: usize,
    lies: Vec<bool>,
    observed: HashMap<(usize, Round), Value>,
    /// The request that was found good last: most get the same one.
    last: Option<Arc<ReportReq>>,
}

impl Attribution {
    pub const NAME: &str = "attribution";

    pub fn new(roles: &Roles) -> Self {
        Attribution { f: roles.f, lies: roles.lies.clone(), observed: HashMap::default(), last: None }
    }

    pub fn observed(&mut self, oracle: usize, round: Round, value: Value) {
        self.observed.insert((oracle, round), value);
    }

    pub fn requested(&mut self, oracle: usize, config: Config, request: &Arc<ReportReq>) -> Result<(), String> {
        if self.last.as_ref().is_some_and(|last| Arc::ptr_eq(last, request)) {
            return Ok(());
        }
        let round = (config, request.at);
        let mut observers = 0_u32;
        for AttributedObservation { signed, observer } in &request.observations {
            let observer = usize::from(*observer);
            observers |= 1 << observer.min(31);
            match self.lies.get(observer) {
                Some(true) => continue,
                Some(false) => {}
                None => return Err(format!("oracle {oracle} believes in an oracle {observer}")),
            }
            let value = Observation::decode(&signed.observation).ok().map(|observation| observation.value);
            if value.is_none() || value != self.observed.get(&(observer, round)).copied() {
                let at = request.at;
                return Err(format!(
                    "oracle {oracle} believes that oracle {observer} observed {value:?} in round {at}"
                ));
            }
        }
        let got = observers.count_ones() as usize;
        if got <= 2 * self.f {
            return Err(format!("oracle {oracle} reports on what {got} oracles observed in round {}", request.at));
        }
        self.last = Some(request.clone());
        Ok(())
    }
}
