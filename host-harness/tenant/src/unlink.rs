//! Unlink a user identity: `DELETE /api/v2/users/{id}/identities/{provider}/{user_id}`.

use crate::answer::Answer;
use crate::bearer::Caller;
use crate::directory::DetachFault;
use crate::permission;
use crate::provider;
use crate::refusal::Refusal;
use crate::tenant::Tenant;

/// 200 with the identities that remain. The identity becomes a standalone user without metadata: what it had before it was
/// linked does not come back. Source: Auth0 Management API v2, Unlink a user identity.
///
/// A body is ignored: some clients send one. An identity that the user does not have makes for an invalid URI, since the API
/// documents no answer of its own for it.
pub(crate) fn unlink(
    tenant: &mut Tenant,
    caller: &Caller,
    id: &str,
    provider: &str,
    user_id: &str,
    now_unix_s: u64,
) -> Result<Answer, Refusal> {
    if !provider::is_known(provider) || user_id.is_empty() {
        return Err(Refusal::InvalidUri);
    }
    permission::IDENTITIES.allow(caller, id)?;
    let user = tenant.directory_mut().detach(id, provider, user_id, now_unix_s).map_err(refusal)?;
    Ok(Answer::json(200, &user.identities_json(caller.has_any(&["read:user_idp_tokens"]))))
}

fn refusal(fault: DetachFault) -> Refusal {
    match fault {
        DetachFault::NoSuchUser => Refusal::InexistentUser,
        DetachFault::MainIdentity => Refusal::MainCannotBeRemoved,
        DetachFault::NotLinked => Refusal::InvalidUri,
    }
}
