//! Floor 5: databases, keys, expiry, eviction, scan, the walk. Knows no clients, no RESP, no files.

pub mod database;
pub mod eviction;
pub mod removal;
mod links;

use crate::base::hash::KeyHasher;
use database::Database;
use removal::Removals;
