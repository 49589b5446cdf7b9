//! Signed tokens and keys (JOSE). A module here says what is wrong with a token and records nothing.

pub(crate) mod algorithm;
pub(crate) mod der;
pub(crate) mod verification;
pub(crate) mod refusal;
pub(crate) mod claims;
pub(crate) mod machine;
pub(crate) mod actor;
pub(crate) mod audience;
pub(crate) mod jwk;
pub(crate) mod spki;
pub(crate) mod key;
pub(crate) mod jws;
pub(crate) mod kind;
pub(crate) mod thumbprint;
pub(crate) mod key_row;
pub(crate) mod jwks;
pub(crate) mod self_test;
