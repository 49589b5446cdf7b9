//! The gateway's verifier for a policy that is driven natively.

use linkgate_gateway::{SignatureAlgorithm, Verification, Verifier, Verify};
use linkgate_policy::Policy;

/// Shows the policy what the verifier can do. Gives what was found wanting.
pub fn introduce(verifier: &Verifier, policy: &mut Policy) -> Vec<String> {
    let probes = policy.probes().into_iter();
    let answers: Vec<_> = probes.map(|probe| answer(verifier.verify(&question(probe)))).collect();
    policy.probed(&answers)
}

/// A question of the core, as the contract has it.
pub(crate) fn question(mut verify: linkgate_policy::Verify) -> Verify {
    use linkgate_policy::SignatureAlgorithm as Core;
    let algorithm = match verify.algorithm {
        Core::Rs256 => SignatureAlgorithm::Rs256,
        Core::Rs384 => SignatureAlgorithm::Rs384,
        Core::Rs512 => SignatureAlgorithm::Rs512,
        Core::Ps256 => SignatureAlgorithm::Ps256,
        Core::Ps384 => SignatureAlgorithm::Ps384,
        Core::Ps512 => SignatureAlgorithm::Ps512,
        Core::Es256 => SignatureAlgorithm::Es256,
        Core::Es384 => SignatureAlgorithm::Es384,
        Core::EdDsa => SignatureAlgorithm::Eddsa,
    };
    Verify {
        algorithm,
        key: verify.key.to_vec(),
        message: std::mem::take(&mut *verify.message),
        signature: std::mem::take(&mut *verify.signature),
    }
}

/// An answer of the verifier, as the core has it.
pub(crate) fn answer(answer: Verification) -> linkgate_policy::Verification {
    match answer {
        Verification::Yes => linkgate_policy::Verification::Yes,
        Verification::No => linkgate_policy::Verification::No,
        Verification::Unable => linkgate_policy::Verification::Unable,
    }
}
