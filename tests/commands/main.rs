//! Commands, in process: the whole server below the sockets, on a clock that the test moves.
//!
//! A test says what a client sends and what it gets, byte for byte where that matters: `db.is("GET k", "$1\r\nv\r\n")`.

use ferrodis::base::sys::allocator::counting::Counting;

/// So that a test can say how much memory a call takes.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

mod acl;
mod acl_files;
mod bitmap;
mod blocking;
mod chance;
mod cross_protocol;
mod durability;
mod from_suites;
mod generic;
mod geo;
mod client;
mod command;
mod config;
mod connection;
mod harness;
mod lines;
mod list;
mod phrases;
mod hash;
mod hyperloglog;
mod observed;
mod pubsub;
mod report;
mod restore;
mod rights;
mod set;
mod sort;
mod sorted_set;
mod stream;
mod string;
mod tracking;
mod transactions;
