//! What a page asks of `/authorize`, checked.

use super::grant::{asks_for_management, user_scopes};
use super::params::Params;
use super::reply::{Mode, Reply};
use crate::oauth_error::OauthError;
use crate::settings::ApplicationKind;
use crate::tenant::Tenant;

/// A request for tokens by way of the browser. The client and its callback are checked before anything is sent there.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Authorization {
    pub(super) client_id: String,
    pub(super) reply: Reply,
    pub(super) wants: Wants,
    pub(super) scopes: Vec<String>,
    pub(super) management: bool,
    pub(super) nonce: Option<String>,
    /// S256 (RFC 7636, section 4.2); there when a code is asked for.
    pub(super) challenge: Option<String>,
    pub(super) connection: Option<String>,
    pub(super) prompt: Prompt,
    pub(super) max_age_s: Option<u64>,
}

/// What the answer is to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wants {
    pub(super) code: bool,
    pub(super) access_token: bool,
    pub(super) id_token: bool,
}

/// Whether the user is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    WhenNeeded,
    Never,
    Always,
}

impl Wants {
    fn parse(response_type: &str) -> Option<Self> {
        let mut wants = Self::default();
        for word in response_type.split(' ') {
            match word {
                "code" => wants.code = true,
                "token" => wants.access_token = true,
                "id_token" => wants.id_token = true,
                _ => return None,
            }
        }
        // A code together with a token is a flow that no library here asks for.
        (!wants.code || !(wants.access_token || wants.id_token)).then_some(wants)
    }
}

/// Where the answer goes: the client is known, and the callback is one of its own, byte for byte
/// (RFC 9700, section 2.1). An error of this step is shown to the person, never sent to the callback.
pub(super) fn reply(tenant: &Tenant, params: &Params) -> Result<Reply, OauthError> {
    let client_id = params.require("client_id")?;
    let application = tenant.settings().application(client_id);
    let application = application
        .filter(|application| application.kind == ApplicationKind::SinglePage)
        .ok_or_else(|| OauthError::invalid("Unknown client"))?;
    let redirect_uri = params.require("redirect_uri")?;
    if !application.callbacks.iter().any(|callback| callback == redirect_uri) {
        return Err(OauthError::callback_mismatch());
    }
    let mode = Mode::of(params.get("response_mode"), params.get("response_type"));
    Ok(Reply {
        redirect_uri: redirect_uri.to_owned(),
        mode: mode.ok_or_else(|| OauthError::invalid("Unsupported response mode"))?,
        state: params.get("state").map(str::to_owned),
    })
}

/// The rest. An error of this step goes to the callback.
pub(super) fn authorization(
    tenant: &Tenant,
    params: &Params,
    reply: Reply,
) -> Result<Authorization, OauthError> {
    let wants = Wants::parse(params.require("response_type")?)
        .ok_or_else(OauthError::unsupported_response_type)?;
    if reply.mode == Mode::Query && !wants.code {
        return Err(OauthError::invalid("Tokens never go into a query"));
    }
    let management = asks_for_management(tenant, params.get("audience"))?;
    Ok(Authorization {
        client_id: params.require("client_id")?.to_owned(),
        reply,
        wants,
        scopes: user_scopes(Some(params.get("scope").unwrap_or_default()), management),
        management,
        nonce: params.get("nonce").map(str::to_owned),
        challenge: challenge(params, wants)?,
        connection: params.get("connection").or(params.get("realm")).map(str::to_owned),
        prompt: prompt(params)?,
        max_age_s: max_age_s(params)?,
    })
}

/// RFC 9700, section 2.1.1: a public client proves that the code came to itself.
fn challenge(params: &Params, wants: Wants) -> Result<Option<String>, OauthError> {
    if !wants.code {
        return Ok(None);
    }
    if params.get("code_challenge_method") != Some("S256") {
        return Err(OauthError::invalid("Parameter 'code_challenge_method' must be S256"));
    }
    Ok(Some(params.require("code_challenge")?.to_owned()))
}

/// `OpenID` Connect Core, section 3.1.2.1.
fn prompt(params: &Params) -> Result<Prompt, OauthError> {
    match params.get("prompt") {
        None | Some("consent") => Ok(Prompt::WhenNeeded),
        Some("none") => Ok(Prompt::Never),
        Some("login" | "select_account") => Ok(Prompt::Always),
        Some(_) => Err(OauthError::invalid("Unsupported prompt")),
    }
}

fn max_age_s(params: &Params) -> Result<Option<u64>, OauthError> {
    let parsed = params.get("max_age").map(str::parse).transpose();
    parsed.map_err(|_| OauthError::invalid("Parameter 'max_age' must be a number of seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_type_is_a_set_of_words() {
        let wants = |code, access_token, id_token| Some(Wants { code, access_token, id_token });
        for (text, expected) in [
            ("code", wants(true, false, false)),
            ("token", wants(false, true, false)),
            ("id_token", wants(false, false, true)),
            ("token id_token", wants(false, true, true)),
            ("id_token token", wants(false, true, true)),
            ("code token", None),
            ("Code", None),
            ("", None),
        ] {
            assert_eq!(Wants::parse(text), expected, "{text}");
        }
    }
}
