//! Keys over real sockets: simulated tenants publish them, a reference gateway of two instances fetches
//! them, and the tenants count how often.

mod bad_answers;
mod outage;
mod reload;
mod rotation;
mod sharing;
mod world;
