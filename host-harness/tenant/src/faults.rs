//! Faults on demand: what a network and a busy API do to a client, when a test says so.
//!
//! ```text
//!                 ┌ before_effect ┐                    ┌ after_effect ┐
//! request ─▶ plan ─▶ delay, hold,  ─▶ state machine ─▶ delay, hold,   ─▶ amend ─▶ cut_body, ─▶ answer
//!           decide   status, reset,    (the effect)    status, reset              drip
//!                    hang_up
//! ```
//!
//! A [`FaultRule`] names an operation, a [`Fault`], and which requests it hits. The plan is pure: each rule counts the requests
//! of its operation for itself, from 1 since it was added, in the order in which their last byte arrived. All rules that hit
//! a request are carried out in the order in which they were added, those before the effect first; after a `status` or
//! `reset` only `amend`, `cut_body` and `drip` can still follow, and of the last two only the first. A request that no rule
//! hits is answered as if there were no plan.
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
//! // Key endpoints misbehave in their own ways.
//! let rules = parse_faults(r#"{"faults": [
//!     {"operation": "jwks", "occurrence": 1, "fault": {"amend": {"headers": {"Cache-Control": "max-age=600"}}}},
//!     {"operation": "jwks", "occurrence": 2, "fault": {"amend": {"headers": {"Cache-Control": null}}}},
//!     {"operation": "jwks", "occurrence": 3, "fault": {"amend": {"pad_to_bytes": 10485760}}},
//!     {"operation": "jwks", "occurrence": 4, "fault": {"drip": {"bytes": 64, "every_ms": 100}}},
//!     {"operation": "jwks", "occurrence": 5, "fault": {"status": {"at": "before_effect", "status": 302,
//!         "headers": {"Location": "http://127.0.0.1:4001/jwks.json"}, "body": ""}}},
//!     {"operation": "jwks", "occurrence": 6, "fault": {"status": {"at": "before_effect", "status": 200,
//!         "headers": {"Content-Type": "text/html"}, "body": "<!doctype html><title>Maintenance</title>"}}},
//!     {"operation": "discovery", "fault": {"status": {"at": "before_effect", "status": 200,
//!         "body": {"issuer": "http://127.0.0.1:4001/", "jwks_uri": "http://127.0.0.1:4001/jwks.json"}}}}
//! ]}"#).unwrap();
//! assert_eq!(rules.len(), 7);
//!
//! // The link breaks at once, and happens when it is released.
//! let rules = parse_faults(r#"{"faults": [
//!     {"operation": "link", "occurrence": 1, "fault": {"hang_up": {}}},
//!     {"operation": "link", "occurrence": 1, "fault": {"hold": {"at": "before_effect"}}}
//! ]}"#).unwrap();
//! assert_eq!(rules.len(), 2);
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
//! | `status` | `at`, `status` (200 to 599), `headers`, `body` | this answer in place of the tenant's. A `body` that is a text is sent unchanged, another one as JSON; without one it has the shape of the API's errors |
//! | `reset` | `at` | no answer; the TCP connection is reset (RST) |
//! | `hang_up` | none | the TCP connection is reset (RST) before the effect, and the request goes on without its client |
//! | `amend` | `headers`, `pad_to_bytes` | the answer, from the tenant or from a fault, gets these headers in place of its own of those names, a `null` leaving one out, and spaces after its body up to so many bytes (64 MiB at most) |
//! | `drip` | `bytes`, `every_ms` | the body comes in pieces of so many bytes, with this pause between them |
//! | `cut_body` | `after_bytes` | the answer's body ends there and the connection is closed, while `Content-Length` promised more: the whole body, or a byte more than was sent. Without the member, or with a large one, all of the body is sent and one byte more was promised |
//!
//! `at` is `before_effect` or `after_effect`. A client that goes away stops nothing that was hit: a request that was delayed or
//! held before its effect still has the effect afterwards, at the time it then is. That is how an effect comes late: hold it,
//! let the client run into its timeout, release it. With a `hang_up` added before the `hold` or `delay`, the client need not
//! wait for its timeout: it is reset at once, and the effect comes when it is released. Only the server's end stops it: what was delayed or held then is dropped.
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
//!
//! # What was asked for how often
//!
//! | request | answer |
//! |---|---|
//! | `GET /__requests` | 200 `{"arrived": {"jwks": 2, …}, "received": {"jwks": 1, …}}`, every operation in each |
//! | `GET /__requests?jwks=3` | the same, once at least 3 key sets were asked for; after 10 seconds in any case |
//! | `DELETE /__requests` | the same, all zero: the log is emptied |
//!
//! `arrived` counts a request with its last byte, whatever becomes of it; `received` is as above. In the test's own process
//! that is [`arrived`](crate::TenantHandle::arrived), [`until_arrived`](crate::TenantHandle::until_arrived) and
//! [`count`](crate::TenantHandle::count).

mod amendment;
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

pub use amendment::Amendment;
pub use dice::Dice;
pub use document::{FaultMistakes, parse_faults};
pub use fault::{Drip, Fault, Point};
pub use held::HeldRequest;
pub use plan::FaultCount;
pub use rule::FaultRule;

pub(crate) use control::control;
pub(crate) use exchange::{Delivery, Ending, exchange};
pub(crate) use held::Holds;
pub(crate) use plan::{FaultPlan, Fired};
