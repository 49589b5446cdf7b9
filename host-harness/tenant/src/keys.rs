//! The tenant's keys on demand: rotated, withdrawn, and strange ones published, when a test says so.
//!
//! A new tenant has one key. It signs every token, and its public half is the JWKS. [`Tenant::rotate_key`] puts another one in
//! its place: new tokens are signed by the newest key, and the earlier ones stay published until they are withdrawn. What
//! the key endpoint does beside that (slow, cut off, another status, no JSON, other headers) is asked for with
//! [faults](crate::faults) on the operations `jwks` and `discovery`.
//!
//! # In a test's own process
//!
//! [`Tenant`] has `rotate_key`, `withdraw_key`, `withdraw_earlier_keys`, `publish_strange_keys`, `unpublish_strange_keys`,
//! `published_keys`, `signing_key` and `earlier_keys`; [`TenantHandle`](crate::TenantHandle) has those that a test with a server
//! calls most, and makes the new key itself. [`SigningKey::with_kid`](crate::SigningKey::with_kid) gives two keys one `kid`.
//!
//! ```
//! use linkgate_tenant::keys::Place;
//! use linkgate_tenant::{Request, Settings, SigningKey, Tenant, Users};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let first = SigningKey::generate()?;
//! let mut tenant = Tenant::new(Settings::new("http://127.0.0.1/"), first.clone(), Users::default());
//! let second = SigningKey::generate()?.with_kid("second");
//! tenant.rotate_key(second);
//! tenant.publish_strange_keys([serde_json::json!({ "kty": "oct", "k": "c2VjcmV0" })], Place::Last);
//!
//! let answer = tenant.answer(&Request::new("GET", "/.well-known/jwks.json"), 1_750_000_000);
//! assert_eq!(answer.body_json()?["keys"].as_array().map(Vec::len), Some(3));
//! assert_eq!(tenant.signing_key().kid(), "second");
//! assert_eq!(tenant.withdraw_key(first.kid()), Ok(1));
//! # Ok(())
//! # }
//! ```
//!
//! # From another process
//!
//! The endpoint is there when [`ServeOptions::key_control`](crate::ServeOptions) asks for it (`linkgate tenant --keys`);
//! otherwise its paths answer 404 like any unknown one. As with the one for faults, it asks for no credentials, its requests
//! are neither logged, counted nor hit, bodies are JSON and must say so, and what is not understood is refused with 400.
//!
//! | request | answer |
//! |---|---|
//! | `GET /__keys` | 200 `{"signing": "kid", "earlier": ["kid"], "strange": [{…}]}`, the newest first |
//! | `POST /__keys/rotate` with `{"overlap": true}` | 201 `{"kid": "…"}`: a new key signs; with `false` the earlier ones are withdrawn in the same moment. `"kid": "…"` names the new key |
//! | `POST /__keys/withdraw` with `{"kid": "…"}` | 200 `{"withdrawn": 1}`, how many keys of that name went; 404 when there is none, 409 for the one that signs |
//! | `POST /__keys/publish` with `{"keys": […]}` | 200 `{"published": 2}`, how many there are in all: the list's members, whatever they are, stand in the JWKS after the tenant's own keys; with `"first": true` before them |
//! | `DELETE /__keys` | 200 `{"unpublished": 1}`: no strange keys any more |
//!
//! [`Tenant`]: crate::Tenant
//! [`Tenant::rotate_key`]: crate::Tenant::rotate_key

mod set;

mod rotation;
mod control;

pub use set::{Overlap, Place, WithdrawError};

pub(crate) use control::control;
pub(crate) use set::KeySet;
