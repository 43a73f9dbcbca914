//! Tests of the tests' own tools, against a reference server.

#[path = "mod.rs"]
mod support;
mod tests;
