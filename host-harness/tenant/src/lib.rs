//! A simulated Auth0 tenant: sign-in, keys, users, and account linking as the Management API v2 does it.
//!
//! ```text
//!            ┌─▶ discovery, sign_in/… ──────────────────────────────────┐
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
//! # Driving it without a socket
//!
//! [`Tenant`] needs no runtime, no clock and no port, and a clone of it costs next to nothing. A test that walks all histories
//! of a client can therefore fork it at each request, and let the request end in every way that a network knows. Which of them
//! happens is the test's to choose: a request whose effect never comes is not put to the tenant, an answer that is lost is
//! thrown away, an effect that comes late is put to the tenant at a later step.
//!
//! ```
//! use linkgate_tenant::{Answer, DEFAULT_USERS, Request, Settings, SigningKey, Tenant, Users, Validity};
//!
//! /// How a request ends for the client, and what it leaves to come.
//! fn endings(before: &Tenant, request: &Request, now: u64) -> [(Tenant, Option<Answer>, Option<Request>); 4] {
//!     let mut after = before.clone();
//!     let answer = after.answer(request, now);
//!     [
//!         (after.clone(), Some(answer), None),            // answered
//!         (after, None, None),                            // lost after the effect
//!         (before.clone(), None, None),                   // lost before the effect
//!         (before.clone(), None, Some(request.clone())),  // lost, and the effect is still to come
//!     ]
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = 1_750_000_000;
//! let mut settings = Settings::new("http://127.0.0.1:8080/");
//! settings.profile_limit_bytes = 4_096;
//! let start = Tenant::new(settings, SigningKey::generate()?, Users::parse(DEFAULT_USERS)?);
//! let machine = start.mint_machine_token("machine", &["update:users"], Validity::new(now, 3600))?;
//! let patch = |metadata| {
//!     Request::new("PATCH", "/api/v2/users/auth0|alice-5f7c8ec7")
//!         .with_bearer(&machine)
//!         .with_json(&serde_json::json!({ "user_metadata": metadata }))
//! };
//! let (ours, theirs) = (patch(serde_json::json!({ "a": 1 })), patch(serde_json::json!({ "b": 2 })));
//!
//! let mut histories = 0;
//! for (state, _answer, late) in endings(&start, &ours, now) {
//!     for (mut state, _, _) in endings(&state, &theirs, now + 1) {
//!         if let Some(late) = &late {
//!             state.answer(late, now + 30);
//!         }
//!         let alice = state.user("auth0|alice-5f7c8ec7").ok_or("alice was deleted")?;
//!         assert!(alice.user_metadata().is_some_and(|metadata| metadata.contains_key("color")));
//!         histories += 1;
//!     }
//! }
//! assert_eq!(histories, 16);
//! assert!(start.user("auth0|alice-5f7c8ec7").is_some_and(|alice| alice.linked_ids().is_empty()));
//! # Ok(())
//! # }
//! ```
//!
//! Mint tokens once, before the walk: a signature costs more than everything else here, and a token that a key has
//! recognised is not verified again. To tell whether two histories arrived at the same place, compare the tenants, or
//! `a.users().eq(b.users())`, which leaves out how many calls it took.
//!
//! # Faults
//!
//! On a socket the tenant can be made to fail: for the nth request of an operation, for every one, or for some by chance. See
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
//! | `hang_up` | happens, at once or when a `delay` or `hold` after it is over | RST at once |
//! | `amend` | happens | the answer with other headers, or a longer body |
//! | `drip` | happens | the body piece by piece |
//! | `cut_body` | happens | fewer bytes than `Content-Length`, and the end of the connection |
//!
//! # Keys
//!
//! It can be made to rotate and withdraw its keys, and to publish strange ones: see [`keys`]. How often its keys, its
//! discovery document and its token endpoint were asked for, [`TenantHandle::arrived`] and `/__requests` tell.
//!
//! # Pages
//!
//! Pages sign their users in with Lock, Lock Passwordless, auth0.js and auth0-spa-js, or with a link to `/authorize`. A page
//! is registered first, with [`Settings::register_page`]: its address is then a callback of the client, and its origin may
//! call the tenant. The sample client `spa` has `http://localhost:3000/`.
//!
//! | of | endpoints |
//! |---|---|
//! | `/authorize` with a login page | code with PKCE, tokens in the fragment, `web_message`; `prompt`, `max_age`, `connection`, `login_ticket`, `nonce`, `state`; a session in a cookie; `/v2/logout` |
//! | forms in the page | `/co/authenticate`, `/oauth/token` (code, password, password-realm), `/oauth/ro`, `/usernamepassword/login` with `/login/callback`, `/dbconnections/signup` |
//! | one-time codes | `/passwordless/start`, `verify`, `verify_redirect`; the codes are on `/__codes` and in [`Tenant::latest_code`] |
//! | what libraries ask beside | `/client/{id}.js`, `/userinfo`, `/tokeninfo`, `/user/ssodata`, `/user/geoloc/country`, `…/challenge` |
//!
//! # What it does not do
//!
//! It does **not** send mail or text messages (one-time codes are on its own page `/__codes`), rotate refresh tokens, ask for a
//! second factor, keep others from signing a browser in as somebody else (its passwords are public), enforce rate limits (it counts calls in its headers; a fault
//! with status 429 refuses one), delete users, or update anything of a user but metadata. It keeps a number as
//! `serde_json` does, which is an integer of 64 bits or a double, and so prints `1.50` as `1.5`; the API, which is
//! written in JavaScript, has doubles alone. Where the API documents no answer, the module that had to choose one says so.

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
pub mod keys;
mod mint;
mod directory;
mod user;
mod identity;
mod provider;
mod timestamp;
mod users_document;

// the shell
mod handle;
mod arrivals;
mod control;
mod request_log;
mod serve;
mod respond;
mod incoming;
mod socket;
mod tls;

// what goes wrong when it is asked to
pub mod faults;
mod cut_body;
mod drip_body;

pub use answer::Answer;
pub use handle::TenantHandle;
pub use key::{KeyError, SigningKey};
pub use mint::Validity;
pub use request::{MAX_BODY_BYTES, Request};
pub use request_log::{NO_ANSWER, Recorded};
pub use route::Operation;
pub use serve::{ServeOptions, serve, serve_tls, serve_with};
pub use settings::{Application, ApplicationKind, LEGACY_ID_TOKEN_SCOPES, Settings, USER_SCOPES};
pub use sign_in::OneTimeCode;
pub use tenant::Tenant;
pub use tls::{LocalTls, LocalTlsError};
pub use user::{JsonObject, User};
pub use users_document::{DEFAULT_USERS, Users, UsersError};
