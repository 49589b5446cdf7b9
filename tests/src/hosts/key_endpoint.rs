//! Where the keys of a case are: a place on loopback of its own.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use linkgate_cases::{Case, Scene, Suite, Trouble};
use linkgate_policy::Failure;

use super::message::Message;
use super::recorder::{Recorder, Refusing};

/// A place that does what a case says of its keys, for as long as this lives.
pub(crate) struct KeyEndpoint {
    pub(crate) address: SocketAddr,
    /// One of the two is what keeps the address.
    _answering: Option<Recorder>,
    _refusing: Option<Refusing>,
}

impl KeyEndpoint {
    /// The one of a case; nothing where no key is fetched.
    pub(crate) fn of(suite: &Suite, case: &Case) -> Result<Option<Self>, Trouble> {
        let io = |error: std::io::Error| Trouble::new(error.to_string());
        let scene = Scene::prepare(suite, case)?;
        Ok(match scene.keys.as_slice() {
            [] => None,
            [Err(Failure::NotSent)] => {
                let refusing = Refusing::bind().map_err(io)?;
                let address = refusing.address;
                Some(Self { address, _answering: None, _refusing: Some(refusing) })
            }
            _ => {
                let recorder = Recorder::start_for(names_itself).map_err(io)?;
                let address = recorder.address;
                let scene = Scene::prepare_at(suite, case, now_s()?, Some(address))?;
                recorder.expect(scene.keys.iter().map(|answer| answer.clone().ok()).collect());
                Some(Self { address, _answering: Some(recorder), _refusing: None })
            }
        })
    }
}

/// Whether a request says who asks. Auth0 and others answer 403 to one that does not.
fn names_itself(request: &Message) -> bool {
    request.value("user-agent").is_some_and(|agent| agent.starts_with("linkgate/"))
}

/// The present time, which is what a host's clock shows, in Unix seconds.
pub(crate) fn now_s() -> Result<u64, Trouble> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(|since| since.as_secs()).map_err(|error| Trouble::new(error.to_string()))
}
