//! One call of a merging link: its token, its part of the budget, and the request. Paths come from verified ids
//! alone, through the encoder of all paths.

use super::account::{FIELDS, patch_body};
use super::calls::{Ask, Budget, Kind};
use super::given::Given;
use crate::access::permit::Permit;
use crate::access::secondary::Secondary;
use crate::http::message::Header;
use crate::http::outgoing::Call;
use crate::http::own_request;
use crate::http::path;
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
    let (user_id, own) = match ask.kind() {
        Kind::ReadSecondary => (secondary.id(), secondary.token()),
        Kind::ReadPrimary | Kind::WritePrimary => (permit.user_id(), permit.bearer().token()),
    };
    let token = match given.credentials.token(own, given.now) {
        Lookup::Found(token) => token,
        Lookup::Later { until_mono_ms } => return Ok(Lookup::Later { until_mono_ms }),
        Lookup::Unavailable(stop) => return Err(stop),
    };
    let account = path::encode(given.rules.users.iter().map(String::as_str).chain([user_id]));
    let mut headers = own_request::headers("application/json");
    headers.push(Header::new("authorization", &format!("Bearer {}", token.as_str())));
    let trace = given.record.traceparent();
    headers.extend(trace.map(|trace| Header::new("traceparent", trace)));
    let (method, path, body) = match ask.kind() {
        Kind::ReadPrimary | Kind::ReadSecondary => ("GET", format!("{account}?{FIELDS}"), None),
        // An empty object would wipe everything (Auth0 docs, "Manage User Metadata").
        Kind::WritePrimary if members.is_empty() => return Err(Fault::OutOfOrder.into()),
        Kind::WritePrimary => {
            headers.push(Header::new("content-type", "application/json"));
            ("PATCH", account, Some(patch_body(members.clone())))
        }
    };
    budget.spend();
    let max_answer_bytes = given.metadata.max_answer_bytes;
    Ok(Lookup::Found(Call { method, path, headers, body, timeout_ms, max_answer_bytes }))
}
