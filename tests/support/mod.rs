//! What tests against a running server need: start one, speak RESP to it, wait for a condition.
//!
//! Test targets take it in by `#[path = "../support/mod.rs"] mod support;`.
//!
//! ```ignore
//! let mut server = Server::start(&["--appendonly", "yes"]);
//! let mut client = server.client();
//! assert_eq!(client.run("SET key value"), "OK");
//! server.kill();
//! server.restart();
//! assert_eq!(server.client().run("GET key"), "value");
//! ```
#![allow(dead_code, unused_imports, reason = "each test target uses its own part of it")]

mod certificates;
mod client;
mod lossy_disk;
mod reference;
mod reply;
mod server;
mod small_disk;
mod wait;

pub use certificates::Certificates;
pub use client::{Client, encode};
pub use lossy_disk::{Loss, LossyDisk, Word};
pub use reference::Reference;
pub use reply::{Reply, ReplyReader};
pub use server::Server;
pub use small_disk::SmallDisk;
pub use wait::{PATIENCE, run_for, wait_until};
