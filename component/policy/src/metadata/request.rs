//! One call of a merging link: its token, its part of the budget, and the request.

use super::call::Caller;
use super::calls::{Ask, Budget, Kind};
use super::given::Given;
use crate::access::permit::Permit;
use crate::access::secondary::Secondary;
use crate::http::outgoing::Call;
use crate::keys::lookup::Lookup;
use crate::text::json::Object as Members;
use crate::verdict::cause::Fault;
use crate::verdict::stop::Stop;

/// The call for a purpose, with the members of a write, or the time until which its token is waited for.
pub(super) fn call(
    ask: Ask,
    (permit, secondary): (&Permit, &Secondary),
    members: &Members,
    budget: &mut Budget,
    given: &mut Given<'_>,
) -> Result<Lookup<Call>, Stop> {
    let timeout_ms = budget.next_ms(given.now).ok_or(Fault::MetadataLate)?;
    let own = match ask.kind() {
        Kind::ReadSecondary => secondary.token(),
        Kind::ReadPrimary | Kind::WritePrimary => permit.bearer().token(),
    };
    let token = match given.credentials.token(own, given.now) {
        Lookup::Found(token) => token,
        Lookup::Later { until_mono_ms } => return Ok(Lookup::Later { until_mono_ms }),
        Lookup::Unavailable(stop) => return Err(stop),
    };
    let caller = Caller {
        rules: given.rules,
        token: &token,
        traceparent: given.record.traceparent(),
        timeout_ms,
        max_answer_bytes: given.metadata.max_answer_bytes,
    };
    let call = match ask.kind() {
        Kind::ReadPrimary => Some(caller.read(permit.user_id())),
        Kind::ReadSecondary => Some(caller.read(secondary.id())),
        Kind::WritePrimary => caller.write(permit.user_id(), members.clone()),
    };
    let call = call.ok_or(Fault::OutOfOrder)?;
    budget.spend();
    Ok(Lookup::Found(call))
}
