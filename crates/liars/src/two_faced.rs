//! It shows different peers different things: as leader other observations to one half of the committee than to the other,
//! and its final report to one half only. And it asks again and again, and then for the other version, in the hope that
//! somebody who has lost his memory answers twice.

use crate::Oracle;
use alloc::sync::Arc;
use core::time::Duration;
use machine::{Effect, Effects, Event, Machine, Mono, Time};
use ocr::OracleSet;
use ocr2::message::{Message, ReportReq};
use ocr2::protocol::Ocr2;

/// How often, and how many times, the other version is told.
const AGAIN_AFTER: Duration = Duration::from_millis(40);
const AGAIN_TIMES: u32 = 25;

pub struct TwoFaced {
    honest: Oracle,
    out: Effects<Ocr2>,
    again: Option<Again>,
}

struct Again {
    at: Mono,
    left: u32,
    to: OracleSet,
    /// Of the round's observations; there is but one version.
    observe: Arc<Message>,
    /// Of its reports, both versions.
    report: Option<[Arc<Message>; 2]>,
}

impl TwoFaced {
    pub fn new(honest: Oracle) -> Self {
        TwoFaced { honest, out: Effects::default(), again: None }
    }
}

impl Machine for TwoFaced {
    type Protocol = Ocr2;

    fn handle(&mut self, now: Time, event: Event<Ocr2>, out: &mut Effects<Ocr2>) {
        self.honest.handle(now, event, &mut self.out);
        for effect in self.out.drain() {
            let Effect::Send { to, message } = &effect else {
                out.push(effect);
                continue;
            };
            let (left, right): (OracleSet, OracleSet) = halves(*to);
            match &**message {
                Message::ReportReq(request) => {
                    let other: Arc<Message> = Message::ReportReq(other_version(request, to.len()).into()).into();
                    out.send(left, message.clone());
                    out.send(right, other.clone());
                    if let Some(again) = &mut self.again {
                        again.report = Some([message.clone(), other]);
                    }
                }
                Message::ObserveReq(_) => {
                    let (at, left, to, observe) = (now.mono + AGAIN_AFTER, AGAIN_TIMES, *to, message.clone());
                    self.again = Some(Again { at, left, to, observe, report: None });
                    out.push(effect);
                }
                Message::Final(_) => out.send(left, message.clone()),
                Message::NewEpoch(_) | Message::Observe(_) | Message::Report(_) | Message::FinalEcho(_) => {
                    out.push(effect)
                }
            }
        }
        if let Some(again) = self.again.as_mut().filter(|again| again.at <= now.mono) {
            out.send(again.to, again.observe.clone());
            if let Some([one, other]) = again.report.clone() {
                // Now the other way round.
                let (left, right) = halves(again.to);
                out.send(left, other);
                out.send(right, one);
            }
            (again.at, again.left) = (now.mono + AGAIN_AFTER, again.left - 1);
            if again.left == 0 {
                self.again = None;
            }
        }
    }

    fn deadline(&self) -> Option<Mono> {
        let again = self.again.as_ref().map(|again| again.at);
        [self.honest.deadline(), again].into_iter().flatten().min()
    }
}

/// One observation less if there are enough, or at least in another order.
fn other_version(request: &ReportReq, n: usize) -> ReportReq {
    let mut other = request.clone();
    other.observations.reverse();
    if other.observations.len() * 3 > n * 2 + 3 {
        other.observations.pop();
    }
    other
}

fn halves(all: OracleSet) -> (OracleSet, OracleSet) {
    let half = all.len() / 2;
    (all.iter().take(half).collect(), all.iter().skip(half).collect())
}
