//! A row of the tables: a request, and the answer that it must get.

use linkgate_tenant::Request;

use crate::world::World;

/// A request to a fresh tenant, with the status and the schema of its answer.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) status: u16,
    pub(crate) schema: &'static str,
    /// Prepares the tenant, if need be, and makes the request.
    pub(crate) ask: fn(&mut World) -> Request,
}

pub(crate) const fn row(
    name: &'static str,
    status: u16,
    schema: &'static str,
    ask: fn(&mut World) -> Request,
) -> Row {
    Row { name, status, schema, ask }
}
