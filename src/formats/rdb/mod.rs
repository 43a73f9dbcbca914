//! RDB: the format of snapshots, of the log's base, of full synchronisation and of DUMP payloads.
//!
//! - [`opcodes`]: the format drawn, and all its numbers
//! - [`Encoder`]: items in, bytes out, in pieces of any size
//! - [`Decoder`]: bytes in, in pieces of any size, items out
//! - [`payload`]: DUMP and RESTORE
//! - [`legacy`]: packed forms of old versions
//!
//! Nothing here knows files or keyspaces: a walk feeds the encoder, a loader drives the decoder.

mod decode;
mod encode;
mod error;
mod input;
mod item;
pub mod legacy;
pub mod opcodes;
mod parts;
pub mod payload;
mod types;

pub use decode::{Checksum, Decoder, Entry, Step};
pub use encode::{Compression, Encoder};
pub use error::{RdbError, Reason};
pub use parts::Parts;

use crate::base::hash::KeyHasher;
use crate::values::{Encodings, Owned};

/// A value as it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string, written as the integer whose canonical decimal digits it is.
    Int(i64),
    /// A string. Digits of larger integers come this way too.
    Bytes(Vec<u8>),
    /// A value of any other type.
    Collection(Owned),
    /// A collection without elements, which no key holds: loading leaves its key out, as Redis does.
    Empty,
}

/// What is known of a key's last use, for eviction in the server that reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    /// Nothing.
    #[default]
    Unknown,
    /// Seconds since it was last used.
    IdleSeconds(u64),
    /// Its LFU counter.
    Frequency(u8),
}

/// Which RDB versions are read (`rdb-version-check`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VersionCheck {
    /// Those known here: Redis up to 8.0, Valkey up to 9.
    #[default]
    Strict,
    /// Any, as long as nothing unknown turns up.
    Relaxed,
}

/// Whether checksums are compared (`rdbchecksum`, `DEBUG SET-SKIP-CHECKSUM-VALIDATION`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChecksumCheck {
    /// Yes, where one was written.
    #[default]
    Verify,
    /// No.
    Skip,
}

/// What a reader accepts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest string, in bytes: key, value, element, or library source.
    pub max_string_bytes: u64,
    /// Which versions.
    pub versions: VersionCheck,
    /// Whether the checksum counts.
    pub checksum: ChecksumCheck,
    /// How collections are to be kept.
    pub encodings: Encodings,
}

impl Default for Limits {
    /// Strings up to 512 MiB, known versions, checksum verified; members are hashed under a key that everybody knows, which is fit for
    /// looking at a file, not for serving what is in it.
    fn default() -> Limits {
        Limits {
            max_string_bytes: 512 << 20,
            versions: VersionCheck::Strict,
            checksum: ChecksumCheck::Verify,
            encodings: Encodings::new(KeyHasher::new([0; 16])),
        }
    }
}
