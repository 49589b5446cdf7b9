//! A simulated Auth0 tenant: sign-in, keys, users, and account linking as the Management API v2 does it.
//!
//! ```text
//!            ┌─▶ discovery, sign_in ────────────────────────────────────┐
//! Request ─▶ route ─▶ bearer ─▶ permission ─▶ read_user   ──────────────┼─▶ Answer
//!   (target)                                  update_user ◀─ body       │
//!                                             link ◀─ body, link_with   │
//!                                             unlink      ──────────────┘
//! ```
//!
//! [`Tenant`] is a pure state machine: a request and a time go in, an answer comes out. [`serve`] puts it on a socket, and
//! [`TenantHandle`] lets tests and demos see what it received. It checks every token itself and relies on no gate in front
//! of it, so a request that a gate should have stopped meets the same refusal that the real API would give.
//!
//! ```
//! use linkgate_tenant::{DEFAULT_USERS, Request, Settings, SigningKey, Tenant, Users, Validity};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::new("http://127.0.0.1:8080/");
//! let mut tenant = Tenant::new(settings, SigningKey::generate()?, Users::parse(DEFAULT_USERS)?);
//!
//! let now = 1_750_000_000;
//! let hour = Validity::new(now, 3600);
//! let alice = tenant.mint_access_token("auth0|alice-5f7c8ec7", "spa", &["update:current_user_identities"], hour)?;
//! let google = tenant.mint_id_token("google-oauth2|115015401343387192604", "spa", hour)?;
//!
//! let link = Request::new("POST", "/api/v2/users/auth0|alice-5f7c8ec7/identities")
//!     .with_bearer(&alice)
//!     .with_json(&serde_json::json!({ "link_with": google }));
//! assert_eq!(tenant.answer(&link, now).status, 201);
//!
//! // Linking destroyed the second account; doing it again finds the identity in place.
//! assert!(tenant.user("google-oauth2|115015401343387192604").is_none());
//! assert_eq!(tenant.answer(&link, now).status, 409);
//! # Ok(())
//! # }
//! ```
//!
//! # Faults
//!
//! On a socket it can be told to fail: for the nth request of an operation, for every one, or for some by chance. See
//! [`faults`] for the rules, their JSON, and the endpoint, which [`serve_with`] offers when it is asked to.
//!
//! | fault | effect | what the client sees |
//! |---|---|---|
//! | `delay` before or after the effect | happens | a late answer |
//! | `hold` before or after the effect | happens once released, even if the client has gone; with `after_effect`, before | nothing until then |
//! | `status` before the effect | does not happen | 429, 500, 502, whatever was asked for |
//! | `status` after the effect | happens | the same |
//! | `reset` before the effect | does not happen | RST |
//! | `reset` after the effect | happens | RST |
//! | `cut_body` | happens | fewer bytes than `Content-Length`, and the end of the connection |
//!
//! It does **not** show login pages, keep sessions, send mail, enforce rate limits, create or delete users, or update
//! anything of a user but metadata. Where the API documents no answer, the module that had to choose one says so.

// in
mod request;
mod target;
mod route;
mod body;

// who asks, and whether they may
mod bearer;
mod token;
mod permission;

// the operations
mod discovery;
mod sign_in;
mod read_user;
mod update_user;
mod link;
mod link_with;
mod unlink;

// out
mod answer;
mod token_response;
mod refusal;
mod oauth_error;
mod allowance;

// what there is
mod tenant;
mod settings;
mod key;
mod mint;
mod directory;
mod user;
mod identity;
mod provider;
mod timestamp;
mod users_document;

// the shell
mod handle;
mod request_log;
mod serve;
mod respond;
mod incoming;
mod socket;

// what goes wrong when it is asked to
pub mod faults;
mod cut_body;

pub use answer::Answer;
pub use handle::TenantHandle;
pub use key::{KeyError, SigningKey};
pub use mint::Validity;
pub use request::{MAX_BODY_BYTES, Request};
pub use request_log::{NO_ANSWER, Recorded};
pub use route::Operation;
pub use serve::{ServeOptions, serve, serve_with};
pub use settings::{Application, ApplicationKind, LEGACY_ID_TOKEN_SCOPES, Settings, USER_SCOPES};
pub use tenant::Tenant;
pub use user::{JsonObject, User};
pub use users_document::{DEFAULT_USERS, Users, UsersError};
