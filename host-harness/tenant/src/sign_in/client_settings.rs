//! `GET /client/{client_id}.js`: what Lock has to know of a client before it shows its form.

use serde_json::json;

use super::connections::{self, DATABASE};
use super::page;
use crate::answer::Answer;
use crate::settings::ApplicationKind;
use crate::tenant::Tenant;

/// A script that calls `Auth0.setClient`, as Auth0's CDN serves it.
pub(super) fn script(tenant: &Tenant, client_id: &str) -> Answer {
    let application = tenant.settings().application(client_id);
    let page = application.filter(|application| application.kind == ApplicationKind::SinglePage);
    let Some(application) = page else {
        return page::text(404, "text/plain; charset=utf-8", "Not Found");
    };
    let database = json!({
        "name": DATABASE, "passwordPolicy": "low", "showSignup": true, "showForgot": false,
    });
    let one = |name: &str| json!({ "name": name, "connections": [{ "name": name }] });
    let mut strategies = vec![json!({ "name": "auth0", "connections": [database] })];
    let social = connections::social(tenant.directory());
    strategies.extend(social.into_iter().chain(["sms", "email"]).map(one));
    let client = json!({
        "id": client_id,
        "tenant": "linkgate",
        "subscription": "free",
        "callback": application.callbacks.first(),
        "allowedOrigins": application.origins,
        "strategies": strategies,
    });
    let script = format!("Auth0.setClient({client});");
    page::text(200, "application/javascript; charset=utf-8", &script)
}
