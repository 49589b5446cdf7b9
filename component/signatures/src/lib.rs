//! Signatures: a verifier for each algorithm that the core accepts, and the form that its signatures have.
//!
//! ```text
//!  Material ─▶ PublicKey + Algorithm ─┐
//!  secret   ─▶ shared    + Algorithm ─┴▶ Verifier ─▶ fits, verify
//! ```
//!
//! It is a crate of its own for one reason: the components are compiled for size, and this for speed. What is generic in
//! the libraries below becomes code here, and is compiled as this crate is.

mod base64url;
mod ecdsa;
mod material;
mod roca;
mod rsa;
mod verifier;

pub use base64url::base64url;
pub use ecdsa::{EcdsaKey, EllipticCurve};
pub use material::{Curve, Material};
pub use rsa::RsaKey;
pub use verifier::{Check, PublicKey, Verifier, shared};
