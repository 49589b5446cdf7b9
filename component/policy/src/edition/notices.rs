//! What the operator reads of an instance that has just been made.

use crate::policy::Policy;
use crate::time::clock::Now;

/// What is not enforced, and how keys stand; `fetches` is said where they are fetched.
#[must_use]
pub fn notices(policy: &Policy, now: Now, fetches: &str) -> Vec<String> {
    let shadow = policy.shadow().map(|shadow| shadow.notices(now.unix_ms)).unwrap_or_default();
    let keys = if policy.baked_keys_have_ended(now) {
        Some(ENDED)
    } else {
        policy.fetched_issuers().next().map(|_issuer| fetches)
    };
    shadow.into_iter().chain(keys.map(str::to_owned)).collect()
}

/// Said by each instance whose keys were baked in too long ago.
const ENDED: &str = "the end date of the keys that are baked in has passed: requests that need one are \
answered 503 until a component with new ones takes its place (`linkgate bake --keys`)";
