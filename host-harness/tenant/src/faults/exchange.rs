//! One request that reached the server: answered, or hit by what the plan says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{oneshot, watch};

use crate::answer::Answer;
use crate::handle::TenantHandle;
use crate::request::Request;
use crate::request_log::NO_ANSWER;
use crate::route::Operation;

use super::fault::{Fault, Point};
use super::held::{HeldRequest, Released};
use super::plan::Fired;

/// How an exchange ends on the wire.
#[derive(Debug)]
pub(crate) enum Ending {
    /// With this answer.
    Answer(Answer),
    /// With this answer, up to so many bytes of its body, and a closed connection.
    Cut(Answer, Option<usize>),
    /// With no answer, and the connection reset.
    Reset,
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
    let fired = handle.decide(operation);
    if fired.is_empty() {
        return Ending::Answer(handle.answer(request, now_unix_s()));
    }
    let (client, ending) = oneshot::channel();
    let hit =
        HitExchange { handle: handle.clone(), operation, request, fired, client, released: None };
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
    /// Closed when the client has gone.
    client: oneshot::Sender<Ending>,
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
            Instead::Answer(answer) => self.cut(answer),
            Instead::Reset => Ending::Reset,
        };
        // The client may be gone; the effect is what it is.
        let _ = self.client.send(ending);
    }

    async fn answer(&mut self) -> Instead {
        if let Some(instead) = self.pass(Point::BeforeEffect).await {
            self.record(&instead);
            return instead;
        }
        let answer = self.handle.answer(self.request.clone(), now_unix_s());
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
                Fault::Delay { .. }
                | Fault::Hold { .. }
                | Fault::Status { .. }
                | Fault::Reset { .. }
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
        self.released = self.handle.holds().hold(request, self.client.closed()).await;
    }

    fn cut(&self, answer: Answer) -> Ending {
        for fired in &self.fired {
            if let Fault::CutBody { after_bytes } = fired.fault {
                return Ending::Cut(answer, after_bytes);
            }
        }
        Ending::Answer(answer)
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
