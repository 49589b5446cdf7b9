//! What the core answers, as the contract has it.

use linkgate_policy as policy;

use crate::bindings as wit;

impl From<policy::Turn> for wit::Turn {
    fn from(turn: policy::Turn) -> Self {
        Self { sequence: turn.sequence, step: turn.step.into() }
    }
}

impl From<policy::Step> for wit::Step {
    fn from(step: policy::Step) -> Self {
        match step {
            policy::Step::ReadBody { max_bytes, timeout_ms } => {
                Self::ReadBody(wit::ReadBody { max_bytes, timeout_ms })
            }
            policy::Step::Wait { until_mono_ms } => Self::Wait(until_mono_ms),
            policy::Step::Verify(verify) => Self::Verify(verify.into()),
            policy::Step::Acquire { accounts: [first, second], timeout_ms } => {
                Self::Acquire(wit::Acquire { accounts: (first, second), timeout_ms })
            }
            policy::Step::Call(call) => Self::Call(call.into()),
            policy::Step::Forward(forward) => Self::Forward(forward.into()),
            policy::Step::Pass { edits, timeout_ms } => {
                Self::Pass(wit::Pass { edits: edits.into(), timeout_ms })
            }
            policy::Step::Relay(edits) => Self::Relay(edits.into()),
            policy::Step::Respond(reply) => Self::Respond(reply.into()),
        }
    }
}

impl From<policy::Verify> for wit::Verify {
    fn from(mut verify: policy::Verify) -> Self {
        Self {
            algorithm: verify.algorithm.into(),
            key: verify.key.to_vec(),
            message: std::mem::take(&mut *verify.message),
            signature: std::mem::take(&mut *verify.signature),
        }
    }
}

impl From<policy::SignatureAlgorithm> for wit::SignatureAlgorithm {
    fn from(algorithm: policy::SignatureAlgorithm) -> Self {
        match algorithm {
            policy::SignatureAlgorithm::Rs256 => Self::Rs256,
            policy::SignatureAlgorithm::Rs384 => Self::Rs384,
            policy::SignatureAlgorithm::Rs512 => Self::Rs512,
            policy::SignatureAlgorithm::Ps256 => Self::Ps256,
            policy::SignatureAlgorithm::Ps384 => Self::Ps384,
            policy::SignatureAlgorithm::Ps512 => Self::Ps512,
            policy::SignatureAlgorithm::Es256 => Self::Es256,
            policy::SignatureAlgorithm::Es384 => Self::Es384,
            policy::SignatureAlgorithm::EdDsa => Self::Eddsa,
        }
    }
}

impl From<policy::Call> for wit::Call {
    fn from(call: policy::Call) -> Self {
        Self {
            method: call.method.to_owned(),
            path: call.path,
            headers: headers(call.headers),
            body: call.body,
            timeout_ms: call.timeout_ms,
            max_answer_bytes: call.max_answer_bytes,
        }
    }
}

impl From<policy::Forward> for wit::Forward {
    fn from(forward: policy::Forward) -> Self {
        Self {
            method: forward.method.to_owned(),
            path: forward.path,
            headers: headers(forward.headers),
            body: forward.body,
            timeout_ms: forward.timeout_ms,
        }
    }
}

impl From<policy::HeaderEdits> for wit::HeaderEdits {
    fn from(edits: policy::HeaderEdits) -> Self {
        Self { remove: edits.remove, append: headers(edits.append) }
    }
}

impl From<policy::Reply> for wit::Reply {
    fn from(reply: policy::Reply) -> Self {
        Self { status: reply.status, headers: headers(reply.headers), body: reply.body }
    }
}

impl From<policy::Header> for wit::Header {
    fn from(header: policy::Header) -> Self {
        Self { name: header.name, value: header.value }
    }
}

impl From<policy::Fetch> for wit::Fetch {
    fn from(fetch: policy::Fetch) -> Self {
        Self {
            source: fetch.source,
            method: fetch.method.to_owned(),
            url: fetch.url,
            headers: headers(fetch.headers),
            body: fetch.body,
            timeout_ms: fetch.timeout_ms,
            max_answer_bytes: fetch.max_answer_bytes,
        }
    }
}

impl From<policy::KeySource> for wit::KeySource {
    fn from(source: policy::KeySource) -> Self {
        let used = source.keys.iter().filter(|key| key.is_used()).count();
        Self {
            issuer: source.issuer,
            url: source.url,
            usable: source.usable,
            keys: u32::try_from(used).unwrap_or(u32::MAX),
            host_verifies: source.host_algorithms.into_iter().map(Into::into).collect(),
            age_ms: source.age_ms,
            expires_in_ms: source.expires_in_ms,
            withdrawal_ms: source.withdrawal_ms,
            baked_until: source.baked_until_unix_ms,
            last_failure: source.last_failure,
        }
    }
}

impl From<policy::Shadow> for wit::Shadow {
    fn from(shadow: policy::Shadow) -> Self {
        Self { until: shadow.until_unix_ms, rules: shadow.rules }
    }
}

impl From<policy::Mistake> for wit::Mistake {
    fn from(mistake: policy::Mistake) -> Self {
        Self { pointer: mistake.pointer, message: mistake.message, help: mistake.help }
    }
}

impl From<policy::Decision> for wit::Decision {
    fn from(decision: policy::Decision) -> Self {
        Self {
            outcome: decision.outcome().into(),
            cause: decision.cause.name(),
            detail: decision.detail,
            reason: decision.cause.reason_code().to_owned(),
            route: decision.route.to_owned(),
            method: decision.method,
            path: decision.path,
            status: decision.status,
            upstream_called: decision.upstream_called,
            upstream_status: decision.upstream_status,
            subject: decision.subject,
            secondary: decision.secondary,
            issuer: decision.issuer,
            client: decision.client,
            actor: decision.actor,
            secondary_actor: decision.secondary_actor,
            client_address: decision.client_address,
            request_id: decision.request_id,
            traceparent: decision.traceparent,
            unverified: decision.unverified,
            verification: decision.verification.map(|by| by.name().to_owned()),
            metadata: decision.metadata.map(Into::into),
            shadow: decision.shadow.map(|cause| wit::ShadowDecision {
                outcome: cause.outcome().into(),
                cause: cause.name(),
                reason: cause.reason_code().to_owned(),
            }),
            missed: decision
                .missed
                .into_iter()
                .map(|denial| policy::Cause::Denied(denial).name())
                .collect(),
            claims: decision.claims.map(|claims| claims.to_string()),
            warnings: decision.warnings.into_iter().map(str::to_owned).collect(),
            hold_ms: decision.hold_ms,
            evicted: decision.evicted,
            end: decision.end.into(),
            elapsed_ms: decision.elapsed_ms,
        }
    }
}

impl From<policy::MergeRecord> for wit::MergeRecord {
    fn from(record: policy::MergeRecord) -> Self {
        let keys = record.keys.into_iter().map(|(key, fate)| (key, fate.name().to_owned()));
        Self { outcome: record.outcome.to_owned(), calls: record.calls, keys: keys.collect() }
    }
}

impl From<policy::Outcome> for wit::Outcome {
    fn from(outcome: policy::Outcome) -> Self {
        match outcome {
            policy::Outcome::Allowed => Self::Allowed,
            policy::Outcome::Passed => Self::Passed,
            policy::Outcome::Denied => Self::Denied,
            policy::Outcome::Failed => Self::Failed,
        }
    }
}

impl From<policy::End> for wit::End {
    fn from(end: policy::End) -> Self {
        match end {
            policy::End::Finished => Self::Finished,
            policy::End::ClientGone => Self::ClientGone,
            policy::End::Shutdown => Self::Shutdown,
        }
    }
}

fn headers(lines: Vec<policy::Header>) -> Vec<wit::Header> {
    lines.into_iter().map(Into::into).collect()
}
