//! One call of a merging link: its token, what it costs, and the request.

use super::call::Caller;
use super::calls::{Ask, Kind};
use super::state::{At, Given, Merge};
use crate::http::outgoing::Call;
use crate::keys::lookup::Lookup;
use crate::protocol::Step;
use crate::verdict::cause::Fault;
use crate::verdict::stop::Stop;

impl Merge {
    /// Makes a call, or waits for the token that it needs.
    pub(super) fn call(&mut self, ask: Ask, given: &mut Given<'_>) -> Result<Step, Stop> {
        let timeout_ms = self.budget.next_ms(given.now).ok_or(Fault::MetadataLate)?;
        let own = match ask.kind() {
            Kind::ReadSecondary => self.secondary.token(),
            Kind::ReadPrimary | Kind::WritePrimary => self.permit.bearer().token(),
        };
        let token = match given.credentials.token(own, given.now) {
            Lookup::Found(token) => token,
            Lookup::Unavailable(stop) => return Err(stop),
            Lookup::Later { until_mono_ms } => {
                self.at = At::Token { ask: ask.after_wait(), until_mono_ms };
                return Ok(Step::Wait { until_mono_ms });
            }
        };
        let caller = Caller {
            rules: given.rules,
            token: &token,
            traceparent: given.record.traceparent(),
            timeout_ms,
            max_answer_bytes: given.metadata.max_answer_bytes,
        };
        let call = self.made(ask, &caller).ok_or(Fault::OutOfOrder)?;
        self.write_sent |= ask.kind() == Kind::WritePrimary;
        self.budget.spend();
        self.at = At::Asking(ask);
        Ok(Step::Call(call))
    }

    fn made(&self, ask: Ask, caller: &Caller<'_>) -> Option<Call> {
        match ask.kind() {
            Kind::ReadPrimary => Some(caller.read(self.permit.user_id())),
            Kind::ReadSecondary => Some(caller.read(self.secondary.id())),
            Kind::WritePrimary => caller.write(self.permit.user_id(), self.pending.clone()),
        }
    }
}
