//! A user API with one user in its memory, for people who want to see two components at work: this one, served by
//! `wasmtime serve`, and the proxy edition of linkgate in front of it.
//!
//! ```text
//!  client ──▶ linkgate-proxy.wasm ──▶ linkgate-profile-api.wasm
//!               who may?                GET     /api/v2/users/{id}
//!                                       POST    /api/v2/users/{id}/identities
//!                                       DELETE  /api/v2/users/{id}/identities/{provider}/{user_id}
//! ```
//!
//! It does **not** check a token, or ask who calls: that is what the gate in front is for. Serve it on loopback, so that
//! nothing reaches it but the gate. It keeps nothing: the user lives as long as the instance.

// Natively there is no host to serve, only the tests.
#[cfg(any(test, target_arch = "wasm32"))]
mod api;
#[cfg(any(test, target_arch = "wasm32"))]
mod profile;

/// The way in, by waki.
#[cfg(target_arch = "wasm32")]
mod entry {
    use std::sync::{LazyLock, Mutex, PoisonError};

    use waki::{ErrorCode, Method, Request, Response, handler};

    use crate::api::{Call, answer};
    use crate::profile::Profile;

    static USER: LazyLock<Mutex<Profile>> = LazyLock::new(|| Mutex::new(Profile::alice()));

    #[handler]
    fn serve(request: Request) -> Result<Response, ErrorCode> {
        let call = match request.method() {
            Method::Get => Call::Read,
            Method::Post => Call::Link,
            Method::Delete => Call::Unlink,
            Method::Head
            | Method::Put
            | Method::Connect
            | Method::Options
            | Method::Trace
            | Method::Patch
            | Method::Other(_) => Call::Other,
        };
        let path = request.path().to_owned();
        let body = match call {
            Call::Link => request.body().map_err(|_| ErrorCode::HttpRequestBodySize(None))?,
            Call::Read | Call::Unlink | Call::Other => Vec::new(),
        };
        let mut user = USER.lock().unwrap_or_else(PoisonError::into_inner);
        let (status, json) = answer(&mut user, call, &path, &body);
        Response::builder().status_code(status).json(&json).build()
    }
}
