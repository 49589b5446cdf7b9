//! A decision record in the making.

use serde_json::{Map, Value};

use super::claims;
use super::decision::Decision;
use super::merge::MergeRecord;
use crate::http::message::{Head, Lines};
use crate::jose::actor;
use crate::jose::jws::Verified;
use crate::jose::refusal::Refusal;
use crate::jose::verification::VerifiedBy;
use crate::rules::log::LogRules;
use crate::text::escape::{digest, escaped};
use crate::time::clock::Now;
use crate::verdict::cause::{Cause, Denial, TokenFlaw};
use crate::verdict::outcome::End;

/// The name of the link route.
pub(crate) const LINK: &str = "link";

/// A decision in the making.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) cause: Option<Cause>,
    detail: Option<String>,
    route: Option<&'static str>,
    method: String,
    path: String,
    client_address: Option<String>,
    request_id: Option<String>,
    traceparent: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) upstream_called: bool,
    pub(crate) upstream_status: Option<u16>,
    subject: Option<String>,
    secondary: Option<String>,
    issuer: Option<String>,
    client: Option<String>,
    actor: Option<String>,
    secondary_actor: Option<String>,
    unverified: Option<String>,
    verification: Option<VerifiedBy>,
    pub(crate) metadata: Option<MergeRecord>,
    shadow: Option<Cause>,
    missed: Vec<Denial>,
    claims: Map<String, Value>,
    warnings: Vec<&'static str>,
    pub(crate) hold_ms: u32,
    hash_subjects: bool,
    log_claims: bool,
    opened_mono_ms: u64,
}

impl Record {
    /// Begins with what the head says.
    pub(crate) fn begin(head: &Head, log: LogRules, now: Now) -> Self {
        let LogRules { hash_subjects, log_claims } = log;
        // A fragment or a query may hold a token, an absolute URL a password.
        let path = head.target.split(|byte| matches!(byte, b'?' | b'#')).next();
        let path = path.filter(|path| path.starts_with(b"/")).unwrap_or_default();
        let traceparent = Lines::of(head).sole("traceparent").and_then(well_formed_traceparent);
        Self {
            method: escaped(&head.method),
            // A path may hold an id: until the route is known, any part may be one.
            path: match String::from_utf8_lossy(path) {
                path if hash_subjects => format!("sha256:{}", digest(path.as_bytes())),
                path => escaped(&path),
            },
            traceparent,
            hash_subjects,
            log_claims,
            opened_mono_ms: now.mono_ms,
            ..Self::default()
        }
    }

    /// Notes where the request came from, and its id.
    pub(crate) fn stamped(&mut self, client_address: Option<&str>, request_id: Option<String>) {
        self.client_address = client_address.map(|address| self.shown(address));
        self.request_id = request_id;
    }

    /// Notes what the operator should know and what refuses nothing.
    pub(crate) fn warn(&mut self, warning: &'static str) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Notes what the request is for.
    pub(crate) fn route(&mut self, name: &'static str) {
        self.route = Some(name);
    }

    /// Notes the path anew where subjects are hashed: written with ids as they are shown.
    pub(crate) fn path(&mut self, written: impl FnOnce(&dyn Fn(&str) -> String) -> String) {
        if self.hash_subjects {
            self.path = written(&|id| self.shown(id));
        }
    }

    /// Notes the claims of a verified token, if they are to be logged.
    pub(crate) fn claims(&mut self, whose: &str, token: &Verified, now: Now) {
        if self.log_claims {
            let subject = token.claims().known("sub").map(|subject| self.shown(subject));
            let actor = actor::name(token.claims()).map(|actor| self.shown(actor));
            self.claims.insert(whose.to_owned(), claims::redacted(token, subject, actor, now));
        }
    }

    /// Notes whose the verified bearer is, and who issued it to whom.
    pub(crate) fn bearer(&mut self, subject: Option<&str>, issuer: &str, client: Option<&str>) {
        self.subject = subject.map(|subject| self.shown(subject));
        self.issuer = Some(escaped(issuer));
        self.client = client.map(escaped);
    }

    /// Notes who acts for the subject of the verified bearer.
    pub(crate) fn actor(&mut self, actor: Option<&str>) {
        self.actor = actor.map(|actor| self.shown(actor));
    }

    /// Notes whose the verified secondary token is, and who acts for them.
    pub(crate) fn secondary(&mut self, subject: Option<&str>, actor: Option<&str>) {
        self.secondary = subject.map(|subject| self.shown(subject));
        self.secondary_actor = actor.map(|actor| self.shown(actor));
    }

    /// Notes for which claim a token is refused.
    pub(crate) fn refused(&mut self, refusal: Refusal) -> TokenFlaw {
        self.detail = refusal.claim.map(str::to_owned);
        refusal.flaw
    }

    /// Notes the claim that a refusal is about, or the entry.
    pub(crate) fn about(&mut self, name: &str) {
        self.detail = Some(escaped(name));
    }

    /// Notes that a rule fails: in shadow that is all, else the request is refused.
    pub(crate) fn missed(&mut self, denial: Denial, in_shadow: bool) -> Result<(), Denial> {
        if !in_shadow {
            return Err(denial);
        }
        // It decides nothing, so its claim is not the one that decided.
        self.detail = None;
        self.missed.push(denial);
        Ok(())
    }

    /// Notes what was decided of a request that passes all the same. Of a link under a policy that
    /// merges, it says that nothing was carried over.
    pub(crate) fn shadowed(&mut self, decided: Cause, merges: bool) {
        self.shadow = Some(decided);
        self.upstream_called = true;
        if merges && self.route == Some(LINK) {
            self.metadata = Some(MergeRecord::not_merged());
        }
    }

    /// `traceparent` of the request, when well-formed.
    pub(crate) fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// Notes what was presented and not verified: its length and its digest, never itself.
    pub(crate) fn unverified(&mut self, bytes: &[u8]) {
        self.unverified = Some(format!("{}:{}", bytes.len(), digest(bytes)));
    }

    /// Notes who verified a signature, good or bad.
    pub(crate) fn signature(&mut self, by: VerifiedBy) {
        self.verification = Some(self.verification.map_or(by, |before| before.and(by)));
    }

    fn shown(&self, subject: &str) -> String {
        if self.hash_subjects {
            format!("sha256:{}", digest(subject.as_bytes()))
        } else {
            escaped(subject)
        }
    }

    /// The decision.
    pub(crate) fn close(self, end: End, now: Now) -> Decision {
        Decision {
            cause: self.cause.unwrap_or(Cause::Unfinished),
            detail: self.detail,
            route: self.route.unwrap_or("none"),
            method: self.method,
            path: self.path,
            status: self.status,
            upstream_called: self.upstream_called,
            upstream_status: self.upstream_status,
            subject: self.subject,
            secondary: self.secondary,
            issuer: self.issuer,
            client: self.client,
            actor: self.actor,
            secondary_actor: self.secondary_actor,
            client_address: self.client_address,
            request_id: self.request_id,
            traceparent: self.traceparent,
            unverified: self.unverified,
            verification: self.verification,
            metadata: self.metadata,
            shadow: self.shadow,
            missed: self.missed,
            claims: (!self.claims.is_empty()).then_some(Value::Object(self.claims)),
            warnings: self.warnings,
            hold_ms: self.hold_ms,
            evicted: 0,
            end,
            elapsed_ms: now.mono_ms.saturating_sub(self.opened_mono_ms),
        }
    }
}

/// A `traceparent` of version 00 (W3C Trace Context section 3.2), else nothing.
pub(crate) fn well_formed_traceparent(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let parts: Vec<&str> = text.split('-').collect();
    let widths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let hex = parts.iter().all(|part| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    (hex && widths == [2, 32, 16, 2] && parts.first() == Some(&"00")).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_traceparent_is_kept() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(well_formed_traceparent(good.as_bytes()).as_deref(), Some(good));
        for bad in [
            "",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-1-2-3",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(well_formed_traceparent(bad.as_bytes()), None, "{bad}");
        }
    }
}
