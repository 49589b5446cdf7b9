//! WASI 0.3 in Rust, as wit-bindgen generates it from `wit/`. The only unsafe code of the edition is in
//! here, and none of it is written by hand.

pub(crate) use generated::exports::wasi::http::handler::Guest;
pub(crate) use generated::wasi::cli::{environment, stderr, stdout};
pub(crate) use generated::wasi::clocks::{monotonic_clock, system_clock};
pub(crate) use generated::wasi::http::{client, handler, types};
pub(crate) use generated::wasi::random::random;
pub(crate) use generated::{wit_future, wit_stream};
pub(crate) use wit_bindgen::{
    FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter,
};

#[expect(
    unsafe_code,
    reason = "generated: the canonical ABI passes raw pointers and exports bare symbols"
)]
#[expect(clippy::same_length_and_capacity, reason = "generated: a list arrives with no spare room")]
mod generated {
    use crate::Middleware;

    wit_bindgen::generate!({
        world: "gate",
        path: "wit",
        generate_all,
    });

    export!(Middleware with_types_in self);
}
