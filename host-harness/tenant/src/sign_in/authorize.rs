//! `/authorize`, and the ways that lead back to it: a ticket, a session, the login page, a one-time code.

use super::authorization::{Authorization, Prompt, authorization, reply};
use super::connections::{self, Way};
use super::fresh;
use super::grant::{self, Granted};
use super::issued::{Code, SignedIn};
use super::login_page::{self, Shown};
use super::params::{Params, query_of};
use super::{page, passwordless, session};
use crate::answer::Answer;
use crate::mint::Session;
use crate::oauth_error::OauthError;
use crate::request::Request;
use crate::tenant::Tenant;

/// Lifetime of an authorization code, in seconds. RFC 6749, section 4.1.2, has ten minutes as the most.
const CODE_LIFETIME_S: u64 = 60;

/// `GET /authorize` (RFC 6749, section 4; `OpenID` Connect Core, section 3).
pub(super) fn authorize(tenant: &mut Tenant, request: &Request, now_unix_s: u64) -> Answer {
    answered(tenant, query_of(request), |tenant, params, authorization| {
        if let Some(ticket) = params.get("login_ticket") {
            let signed_in = redeem(tenant, ticket, &authorization, now_unix_s)?;
            return begin(tenant, request, &authorization, signed_in, now_unix_s);
        }
        let session = session::of(tenant, request, now_unix_s);
        match session.filter(|session| will_do(session, &authorization, now_unix_s)) {
            Some(signed_in) => complete(tenant, &authorization, &signed_in, now_unix_s),
            None if authorization.prompt == Prompt::Never => Err(OauthError::login_required()),
            None => Ok(login_page::page(tenant, &authorization, query_of(request), &Shown::First)),
        }
    })
}

/// `POST /u/login`: what the login page sends, the request that it was shown for among it.
pub(super) fn signed_in_on_page(tenant: &mut Tenant, request: &Request, now_unix_s: u64) -> Answer {
    let fields = match Params::of_body(request) {
        Ok(fields) => fields,
        Err(error) => return page::error(&error),
    };
    let query = fields.get("request").unwrap_or_default();
    answered(tenant, query, |tenant, _, authorization| {
        match login_page::sign_in(tenant, &fields, now_unix_s) {
            Ok(signed_in) => begin(tenant, request, &authorization, signed_in, now_unix_s),
            Err(shown) => Ok(login_page::page(tenant, &authorization, query, &shown)),
        }
    })
}

/// `GET /passwordless/verify_redirect`: a page has asked for the code itself.
pub(super) fn verified_in_page(tenant: &mut Tenant, request: &Request, now_unix_s: u64) -> Answer {
    answered(tenant, query_of(request), |tenant, params, authorization| {
        let signed_in = passwordless::redeem_params(tenant, params, now_unix_s)?;
        begin(tenant, request, &authorization, signed_in, now_unix_s)
    })
}

/// Reads `query`; errors go to the callback as soon as it is known to be the client's.
fn answered(
    tenant: &mut Tenant,
    query: &str,
    answer: impl FnOnce(&mut Tenant, &Params, Authorization) -> Result<Answer, OauthError>,
) -> Answer {
    let read = Params::parse(query).and_then(|params| Ok((reply(tenant, &params)?, params)));
    let (reply, params) = match read {
        Ok(read) => read,
        Err(error) => return page::error(&error),
    };
    authorization(tenant, &params, reply.clone())
        .and_then(|authorization| answer(tenant, &params, authorization))
        .unwrap_or_else(|error| reply.error(&error))
}

/// Who a login ticket was made for. It is good once, for the client that asked for it.
fn redeem(
    tenant: &mut Tenant,
    ticket: &str,
    authorization: &Authorization,
    now_unix_s: u64,
) -> Result<SignedIn, OauthError> {
    let ticket = tenant.issued_mut().tickets.take(ticket, now_unix_s);
    let ticket = ticket.filter(|ticket| ticket.client_id == authorization.client_id);
    ticket.map(|ticket| ticket.signed_in).ok_or_else(OauthError::invalid_ticket)
}

/// Whether a session answers the request without asking anybody (`OpenID` Connect Core, section 3.1.2.1: a `max_age` of 0
/// is `prompt=login`). One by another connection than the one asked for does not.
fn will_do(session: &SignedIn, authorization: &Authorization, now_unix_s: u64) -> bool {
    let age_s = now_unix_s.saturating_sub(session.at_unix_s);
    authorization.prompt != Prompt::Always
        && authorization.max_age_s.is_none_or(|most| most > 0 && age_s <= most)
        && authorization.connection.as_ref().is_none_or(|asked| *asked == session.connection)
}

/// Answers, and begins a session.
pub(super) fn begin(
    tenant: &mut Tenant,
    request: &Request,
    authorization: &Authorization,
    signed_in: SignedIn,
    now_unix_s: u64,
) -> Result<Answer, OauthError> {
    let answer = complete(tenant, authorization, &signed_in, now_unix_s)?;
    Ok(session::begin(tenant, request, signed_in, now_unix_s, answer)?)
}

/// The answer for somebody who is signed in.
fn complete(
    tenant: &mut Tenant,
    authorization: &Authorization,
    signed_in: &SignedIn,
    now_unix_s: u64,
) -> Result<Answer, OauthError> {
    let granted = granted(tenant, authorization, signed_in)?;
    grant::record_login(tenant, &granted.user_id, now_unix_s);
    let mut members = Vec::new();
    if let Some(challenge) = authorization.challenge.clone().filter(|_| authorization.wants.code) {
        let code = fresh::value(tenant)?;
        let redirect_uri = authorization.reply.redirect_uri.clone();
        let kept = Code { granted: granted.clone(), redirect_uri, challenge };
        tenant.issued_mut().codes.put(code.clone(), kept, now_unix_s, CODE_LIFETIME_S);
        members.push(("code", code));
    }
    if authorization.wants.access_token {
        let (token, lifetime_s) = grant::access_token(tenant, &granted, now_unix_s)?;
        members.push(("access_token", token));
        members.push(("expires_in", lifetime_s.to_string()));
        members.push(("token_type", "Bearer".to_owned()));
        members.push(("scope", granted.scopes.join(" ")));
    }
    if authorization.wants.id_token {
        members.push(("id_token", grant::id_token(tenant, &granted, now_unix_s)?));
    }
    Ok(authorization.reply.send(members))
}

/// What the identity's user is granted, who may be another one than when the session began.
fn granted(
    tenant: &Tenant,
    authorization: &Authorization,
    signed_in: &SignedIn,
) -> Result<Granted, OauthError> {
    let holder = tenant.directory().holder(&signed_in.identity);
    Ok(Granted {
        user_id: holder.ok_or_else(OauthError::login_required)?.user_id(),
        client_id: authorization.client_id.clone(),
        scopes: authorization.scopes.clone(),
        management: authorization.management,
        session: Session {
            auth_time_unix_s: Some(signed_in.at_unix_s),
            nonce: authorization.nonce.clone(),
        },
        grant: None,
    })
}

/// The way of the connection that is asked for, if one is.
pub(super) fn asked_way(authorization: &Authorization) -> Option<Way> {
    authorization.connection.as_deref().and_then(connections::way)
}
