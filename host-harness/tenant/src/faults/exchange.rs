//! One request that reached the server: answered, or hit by what the plan says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{oneshot, watch};

use crate::answer::Answer;
use crate::handle::TenantHandle;
use crate::request::Request;
use crate::request_log::NO_ANSWER;
use crate::route::Operation;

use super::fault::{Drip, Fault, Point};
use super::held::{HeldRequest, Released};
use super::plan::Fired;

/// How an exchange ends on the wire.
#[derive(Debug)]
pub(crate) enum Ending {
    /// With this answer.
    Answer(Answer, Delivery),
    /// With no answer, and the connection reset.
    Reset,
}

/// How an answer's body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    /// Up to so many bytes, and then the connection is closed.
    Cut(Option<usize>),
    Dripped(Drip),
}

/// Answers `request` as the plan wants it. `closed` ends when the server does, and with it whatever is held or delayed.
///
/// A request that is hit goes on by itself: the client's going away drops this future, and the effect still comes.
pub(crate) async fn exchange(
    handle: &TenantHandle,
    request: Request,
    closed: &watch::Receiver<()>,
) -> Ending {
    let operation = Operation::of(&request);
    handle.arrive(operation);
    let fired = handle.decide(operation);
    if fired.is_empty() {
        let answer = handle.answer_arrived(request, now_unix_s());
        return Ending::Answer(answer, Delivery::Whole);
    }
    let (client, ending) = oneshot::channel();
    let hit = HitExchange {
        handle: handle.clone(),
        operation,
        request,
        fired,
        client: Some(client),
        released: None,
    };
    let mut closed = closed.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = hit.run() => {}
            _ = closed.changed() => {}
        }
    });
    ending.await.unwrap_or(Ending::Reset)
}

struct HitExchange {
    handle: TenantHandle,
    operation: Operation,
    request: Request,
    fired: Vec<Fired>,
    /// Closed when the client has gone; `None` once it was hung up on.
    client: Option<oneshot::Sender<Ending>>,
    /// Dropped when the effect is done or another hold begins: that is what the releaser waits for.
    released: Option<Released>,
}

/// What a fault has instead of the tenant's answer.
enum Instead {
    Answer(Answer),
    Reset,
}

impl HitExchange {
    async fn run(mut self) {
        let ending = match self.answer().await {
            Instead::Answer(answer) => Ending::Answer(self.amended(answer), self.delivery()),
            Instead::Reset => Ending::Reset,
        };
        self.end(ending);
    }

    /// The first ending reaches the client, unless it has gone. The effect is what it is.
    fn end(&mut self, ending: Ending) {
        if let Some(client) = self.client.take() {
            let _ = client.send(ending);
        }
    }

    async fn answer(&mut self) -> Instead {
        if let Some(instead) = self.pass(Point::BeforeEffect).await {
            self.record(&instead);
            return instead;
        }
        let answer = self.handle.answer_arrived(self.request.clone(), now_unix_s());
        self.released = None;
        self.pass(Point::AfterEffect).await.unwrap_or(Instead::Answer(answer))
    }

    /// Carries out the faults of one point, as far as there is a request to go on with.
    async fn pass(&mut self, point: Point) -> Option<Instead> {
        for Fired { id, fault } in self.fired.clone() {
            match fault {
                Fault::Delay { at, ms } if at == point => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                }
                Fault::Hold { at } if at == point => self.hold(id, at).await,
                Fault::Status { at, answer } if at == point => {
                    return Some(Instead::Answer(answer));
                }
                Fault::Reset { at } if at == point => return Some(Instead::Reset),
                Fault::HangUp if point == Point::BeforeEffect => self.end(Ending::Reset),
                Fault::Delay { .. }
                | Fault::Hold { .. }
                | Fault::Status { .. }
                | Fault::Reset { .. }
                | Fault::HangUp
                | Fault::Amend(_)
                | Fault::Drip(_)
                | Fault::CutBody { .. } => {}
            }
        }
        None
    }

    async fn hold(&mut self, fault: u64, at: Point) {
        self.released = None;
        let request = HeldRequest {
            id: 0,
            fault,
            operation: self.operation,
            method: self.request.method.clone(),
            target: self.request.target.clone(),
            at,
            client_gone: false,
        };
        let client = self.client.as_mut();
        let client_gone = async move {
            if let Some(client) = client {
                client.closed().await;
            }
        };
        self.released = self.handle.holds().hold(request, client_gone).await;
    }

    fn amended(&self, answer: Answer) -> Answer {
        self.fired.iter().fold(answer, |answer, fired| match &fired.fault {
            Fault::Amend(amendment) => amendment.apply(answer),
            Fault::Delay { .. }
            | Fault::Hold { .. }
            | Fault::Status { .. }
            | Fault::Reset { .. }
            | Fault::HangUp
            | Fault::Drip(_)
            | Fault::CutBody { .. } => answer,
        })
    }

    /// Of several the first.
    fn delivery(&self) -> Delivery {
        let slow_or_short = self.fired.iter().find_map(|fired| match fired.fault {
            Fault::CutBody { after_bytes } => Some(Delivery::Cut(after_bytes)),
            Fault::Drip(drip) => Some(Delivery::Dripped(drip)),
            Fault::Delay { .. }
            | Fault::Hold { .. }
            | Fault::Status { .. }
            | Fault::Reset { .. }
            | Fault::HangUp
            | Fault::Amend(_) => None,
        });
        slow_or_short.unwrap_or(Delivery::Whole)
    }

    fn record(&self, instead: &Instead) {
        let status = match instead {
            Instead::Answer(answer) => answer.status,
            Instead::Reset => NO_ANSWER,
        };
        self.handle.record(self.request.clone(), status, now_unix_s());
    }
}

fn now_unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
