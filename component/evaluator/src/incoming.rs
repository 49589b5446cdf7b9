//! What a host hands over, as the core takes it.

use linkgate_policy as policy;

use crate::bindings as wit;

impl From<wit::Now> for policy::Now {
    fn from(now: wit::Now) -> Self {
        Self { unix_ms: now.unix_ms, mono_ms: now.mono_ms }
    }
}

impl From<wit::Header> for policy::Header {
    fn from(header: wit::Header) -> Self {
        Self { name: header.name, value: header.value }
    }
}

impl From<wit::Head> for policy::Head {
    fn from(head: wit::Head) -> Self {
        Self {
            method: head.method,
            target: head.target,
            headers: headers(head.headers),
            peer: head.peer,
        }
    }
}

impl From<wit::Event> for policy::Event {
    fn from(event: wit::Event) -> Self {
        match event {
            wit::Event::Body(bytes) => Self::Body(bytes),
            wit::Event::BodyTooLarge => Self::BodyTooLarge,
            wit::Event::BodyFailed => Self::BodyFailed,
            wit::Event::Woken => Self::Woken,
            wit::Event::Verified(answer) => Self::Verified(answer.into()),
            wit::Event::Acquired(acquired) => Self::Acquired(acquired.into()),
            wit::Event::Called(outcome) => {
                Self::Called(outcome.map(Into::into).map_err(Into::into))
            }
            wit::Event::Forwarded(Ok(head)) => {
                Self::Forwarded(Ok(policy::AnswerHead::of(head.status, headers(head.headers))))
            }
            wit::Event::Forwarded(Err(failure)) => Self::Forwarded(Err(failure.into())),
        }
    }
}

impl From<wit::Failure> for policy::Failure {
    fn from(failure: wit::Failure) -> Self {
        match failure {
            wit::Failure::NotSent => Self::NotSent,
            wit::Failure::Unknown => Self::Unknown,
        }
    }
}

impl From<wit::Acquired> for policy::Acquired {
    fn from(acquired: wit::Acquired) -> Self {
        match acquired {
            wit::Acquired::Serialised => Self::Serialised,
            wit::Acquired::Unserialised => Self::Unserialised,
            wit::Acquired::Busy => Self::Busy,
        }
    }
}

impl From<wit::Verification> for policy::Verification {
    fn from(answer: wit::Verification) -> Self {
        match answer {
            wit::Verification::Yes => Self::Yes,
            wit::Verification::No => Self::No,
            wit::Verification::Unable => Self::Unable,
        }
    }
}

impl From<wit::SignatureAlgorithm> for policy::SignatureAlgorithm {
    fn from(algorithm: wit::SignatureAlgorithm) -> Self {
        match algorithm {
            wit::SignatureAlgorithm::Rs256 => Self::Rs256,
            wit::SignatureAlgorithm::Rs384 => Self::Rs384,
            wit::SignatureAlgorithm::Rs512 => Self::Rs512,
            wit::SignatureAlgorithm::Ps256 => Self::Ps256,
            wit::SignatureAlgorithm::Ps384 => Self::Ps384,
            wit::SignatureAlgorithm::Ps512 => Self::Ps512,
            wit::SignatureAlgorithm::Es256 => Self::Es256,
            wit::SignatureAlgorithm::Es384 => Self::Es384,
            wit::SignatureAlgorithm::Eddsa => Self::EdDsa,
        }
    }
}

impl From<wit::CallFailure> for policy::CallFailure {
    fn from(failure: wit::CallFailure) -> Self {
        match failure {
            wit::CallFailure::NotSent => Self::NotSent,
            wit::CallFailure::Unknown => Self::Unknown,
            wit::CallFailure::NoBody(status) => Self::NoBody { status },
        }
    }
}

impl From<wit::Abilities> for policy::Abilities {
    fn from(host: wit::Abilities) -> Self {
        let verifies = host.verifies.into_iter().map(Into::into);
        Self {
            remembers: host.remembers,
            serialises: host.serialises,
            knows_peer: host.knows_peer,
            verifies: verifies
                .fold(policy::SignatureAlgorithms::NONE, policy::SignatureAlgorithms::with),
        }
    }
}

impl From<wit::End> for policy::End {
    fn from(end: wit::End) -> Self {
        match end {
            wit::End::Finished => Self::Finished,
            wit::End::ClientGone => Self::ClientGone,
            wit::End::Shutdown => Self::Shutdown,
        }
    }
}

impl From<wit::Answer> for policy::Answer {
    fn from(answer: wit::Answer) -> Self {
        Self { status: answer.status, headers: headers(answer.headers), body: answer.body }
    }
}

fn headers(lines: Vec<wit::Header>) -> Vec<policy::Header> {
    lines.into_iter().map(Into::into).collect()
}
