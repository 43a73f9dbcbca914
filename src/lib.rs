//! Ferrodis: a Redis-compatible in-memory data store.
//!
//! Ten floors, one direction: a module may `use` only what stands below it in this list (see `docs/ARCHITECTURE.md`).

pub mod net;
pub mod dispatch;
pub mod commands;
pub mod server;
pub mod persistence;
pub mod keyspace;
pub mod formats;
pub mod values;
pub mod structures;
pub mod base;

pub use net::embedding::{Builder, Running, Server, StartError};
