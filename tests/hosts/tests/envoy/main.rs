//! The Envoy edition as a driver, on a real Envoy with two worker threads: what the workers share, what
//! they make of broken upstreams and clients, and how Envoy's own options and updates play into it.
//!
//! Where Envoy's binary cannot be fetched, each test says so and ends (`linkgate_tests::hosts::Envoy`).
#![cfg(test)]

mod bodies;
mod keys;
mod options;
mod seen;
mod trap;
mod update;
mod vectors;
mod verified;
mod world;
