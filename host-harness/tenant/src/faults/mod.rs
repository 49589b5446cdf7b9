//! Faults on demand: what a network and a busy API do to a client, when a test says so.
//!
//! ```text
//!                 ┌ before_effect ┐                    ┌ after_effect ┐
//! request ─▶ plan ─▶ delay, hold,  ─▶ state machine ─▶ delay, hold,   ─▶ cut_body ─▶ answer
//!           decide   status, reset     (the effect)    status, reset
//! ```
//!
//! A [`FaultRule`] names an operation, a [`Fault`], and which requests it hits. The plan is pure: each rule counts the requests
//! of its operation for itself, from 1 since it was added, in the order in which their last byte arrived. All rules that hit
//! a request are carried out in the order in which they were added, those before the effect first; after a `status` or
//! `reset` only `cut_body` can still follow. A request that no rule hits is answered as if there were no plan.
//!
//! # In a test's own process
//!
//! [`TenantHandle`](crate::TenantHandle) has it all: `add_fault`, `fault_counts`, `clear_faults`, `held`, `until_held`, `release`,
//! `release_all`. They work on every server of that tenant, whether its endpoint is on or not. [`TenantHandle::answer`], which
//! has no connection to break, knows no faults.
//!
//! [`TenantHandle::answer`]: crate::TenantHandle::answer
//!
//! # From another process
//!
//! The endpoint is there when [`ServeOptions::fault_control`](crate::ServeOptions) asks for it (`linkgate tenant --faults`);
//! otherwise its paths answer 404 like any unknown one. It asks for no credentials: it is for loopback. Its own requests
//! are neither logged, nor counted, nor hit. Each request held for a client that still waits keeps one of the server's 256
//! connections; with all of them held the endpoint cannot be reached.
//!
//! | request | answer |
//! |---|---|
//! | `POST /__faults` with a document | 201 `{"ids": [1, 2]}`: all rules were added; with a mistake none, and 400 |
//! | `GET /__faults` | 200 with plan, held requests and counts |
//! | `GET /__faults?held=1` | the same, once at least 1 request is held; after 10 seconds in any case |
//! | `GET /__faults?gone=1` | the same, once the client of at least 1 held request has gone |
//! | `DELETE /__faults` | 200 `{"cleared": 2}`: no rules any more; what is held stays held |
//! | `POST /__faults/release` with `{"id": 1}` or `{"all": true}` | 200 `{"released": [1]}`, once what was released is past its effect or held again; 404 for an id that is not held |
//!
//! Bodies are JSON and must say so (`Content-Type: application/json`, else 415): a page in a browser cannot send that to a
//! local port unasked. What is not understood is refused with 400 and
//! `{"statusCode", "error", "message"}`, the message a line per mistake.
//!
//! # The document
//!
//! ```
//! # use linkgate_tenant::faults::parse_faults;
//! let rules = parse_faults(r#"{"faults": [
//!     {"operation": "link", "occurrence": 1, "fault": {"reset": {"at": "after_effect"}}},
//!     {"operation": "jwks", "occurrence": 3, "fault": {"delay": {"at": "before_effect", "ms": 250}}},
//!     {"operation": "read_user", "times": 2, "fault": {"status": {
//!         "at": "before_effect", "status": 429,
//!         "headers": {"Retry-After": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1750000001"},
//!         "body": {"statusCode": 429, "error": "Too Many Requests", "message": "Global limit has been reached"}}}},
//!     {"operation": "unlink", "fault": {"hold": {"at": "before_effect"}}},
//!     {"operation": "update_user", "fault": {"cut_body": {"after_bytes": 10}}},
//!     {"operation": "sign_in", "probability": 0.1, "seed": 7, "fault": {"status": {"at": "after_effect", "status": 502}}}
//! ]}"#).unwrap();
//! assert_eq!(rules.len(), 6);
//!
//! let mistakes = parse_faults(r#"{"faults": [
//!     {"operation": "link", "occurrence": 0, "fault": {"hold": {"at": "before_effect"}}}
//! ]}"#).unwrap_err();
//! assert_eq!(mistakes.to_string(), "faults[0].occurrence: expected at least 1, found 0");
//! ```
//!
//! | key | what it says |
//! |---|---|
//! | `operation` | `discovery`, `jwks`, `sign_in`, `read_user`, `update_user`, `link`, `unlink`, or `unrouted` for anything else |
//! | `fault` | one of those below |
//! | `occurrence` | hit the nth such request from now, and no other |
//! | `probability`, `seed` | hit each with this probability; the same seed hits the same ones of the sequence |
//! | `times` | hit this many at most; not with `occurrence` |
//!
//! With none of the last three lines every such request is hit.
//!
//! | fault | members | what happens |
//! |---|---|---|
//! | `delay` | `at`, `ms` | a pause of so many milliseconds |
//! | `hold` | `at` | a pause until it is released |
//! | `status` | `at`, `status` (200 to 599), `headers`, `body` | this answer in place of the tenant's. A `body` that is a text is sent as it stands, another one as JSON; without one it has the shape of the API's errors |
//! | `reset` | `at` | no answer; the TCP connection is reset (RST) |
//! | `cut_body` | `after_bytes` | the answer's body ends there and the connection is closed, while `Content-Length` promised more: the whole body, or a byte more than was sent. Without the member, or with a large one, all of the body is sent and one byte more was promised |
//!
//! `at` is `before_effect` or `after_effect`. A client that goes away stops nothing that was hit: a request that was delayed or
//! held before its effect still has the effect afterwards, at the time it then is. That is how an effect comes late: hold it,
//! let the client run into its timeout, release it. Only the server's end stops it: what was delayed or held then is dropped.
//!
//! # What is held, and what was hit
//!
//! ```json
//! {"faults": [{"id": 1, "operation": "link", "fault": {"hold": {"at": "before_effect"}}, "occurrence": 1, "seen": 2, "fired": 1}],
//!  "held": [{"id": 1, "fault": 1, "operation": "link", "method": "POST", "target": "/api/v2/users/auth0%7Ca/identities",
//!            "at": "before_effect", "client_gone": false}],
//!  "received": {"link": 1}}
//! ```
//!
//! `seen` counts the requests of its operation since a rule was added, `fired` those it hit. `received` is the count of the request
//! log, which a request joins when it has its effect, or the fault in place of it.

mod fault;
mod rule;
mod document;

mod dice;
mod plan;

mod held;
mod exchange;

mod handle;
mod report;
mod control;

pub use document::{FaultMistakes, parse_faults};
pub use fault::{Fault, Point};
pub use held::HeldRequest;
pub use plan::FaultCount;
pub use rule::FaultRule;

pub(crate) use control::control;
pub(crate) use exchange::{Ending, exchange};
pub(crate) use held::Holds;
pub(crate) use plan::{FaultPlan, Fired};
