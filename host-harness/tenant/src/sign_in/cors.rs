//! Pages on other origins: those registered, byte for byte, and no others.

use crate::answer::Answer;
use crate::request::Request;
use crate::settings::Settings;

/// Adds what lets a script of a registered origin read `answer`.
pub(crate) fn allow(
    settings: &Settings,
    request: &Request,
    credentials: bool,
    answer: Answer,
) -> Answer {
    let answer = answer.with_header("vary", "Origin");
    let Some(origin) = registered(settings, request) else {
        return answer;
    };
    let answer = answer.with_header("access-control-allow-origin", origin);
    if credentials {
        answer.with_header("access-control-allow-credentials", "true")
    } else {
        answer
    }
}

/// The answer to a preflight.
pub(crate) fn preflight(settings: &Settings, request: &Request, credentials: bool) -> Answer {
    let empty = Answer { status: 204, headers: Vec::new(), body: Vec::new() };
    let answer = allow(settings, request, credentials, empty);
    if registered(settings, request).is_none() {
        return answer;
    }
    answer
        .with_header("access-control-allow-methods", "GET, POST")
        .with_header("access-control-allow-headers", ALLOWED_HEADERS)
}

/// What the libraries send beyond what every page may.
const ALLOWED_HEADERS: &str = "authorization, auth0-client, content-type, x-request-language";

fn registered<'a>(settings: &Settings, request: &'a Request) -> Option<&'a str> {
    let mut origins = request.header_values("origin");
    let origin = origins.next().filter(|_| origins.next().is_none())?;
    let mut registered = settings.applications.iter().flat_map(|application| &application.origins);
    registered.any(|one| one == origin).then_some(origin)
}
