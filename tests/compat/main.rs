//! Against a reference `redis-server`: the same calls get the same bytes, and each loads the files of the other.

#[path = "../support/mod.rs"]
mod support;

mod acl;
mod files;
mod geo;
mod hyperloglog;
mod list;
mod hash;
mod replies;
mod set;
mod travel;
mod sort;
mod sorted_set;
mod stream;
