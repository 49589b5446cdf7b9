//! The handler behind the middleware edition, for the suites: it sends what it gets on to
//! `LINKGATE_TEST_UPSTREAM` (`host:port`), and what comes back comes back. It is not shipped.

use generated::exports::wasi::http::handler::Guest;
use generated::wasi::cli::environment;
use generated::wasi::http::client;
use generated::wasi::http::types::{ErrorCode, Request, Response, Scheme};

/// The component.
struct Next;

impl Guest for Next {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let variables = environment::get_environment();
        let upstream = variables.into_iter().find(|(name, _)| name == "LINKGATE_TEST_UPSTREAM");
        let (_, authority) = upstream.ok_or(ErrorCode::ConfigurationError)?;
        let addressed = request
            .set_scheme(Some(&Scheme::Http))
            .and_then(|()| request.set_authority(Some(&authority)));
        addressed.map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
        client::send(request).await
    }
}

#[expect(
    unsafe_code,
    reason = "generated: the canonical ABI passes raw pointers and exports bare symbols"
)]
#[expect(clippy::same_length_and_capacity, reason = "generated: a list arrives with no spare room")]
mod generated {
    use crate::Next;

    wit_bindgen::generate!({
        inline: "
            package linkgate:next-handler;
            world next {
                import wasi:cli/environment@0.3.0;
                import wasi:http/client@0.3.0;
                export wasi:http/handler@0.3.0;
            }",
        world: "linkgate:next-handler/next",
        path: "../../component/middleware/wit",
        generate_all,
    });

    export!(Next with_types_in self);
}
