//! What can be wrong with an RDB file or a DUMP payload, and where.

use std::fmt;

use super::opcodes::{Dialect, type_name};

/// A file or payload that cannot be read on.
///
/// Prints in the words of Redis (8.0), which people and test suites look for in logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RdbError {
    /// Bytes before the place where reading failed.
    pub offset: u64,
    /// What was wrong there.
    pub reason: Reason,
}

/// Why reading failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It does not begin with `REDIS` or `VALKEY`.
    Signature,
    /// The version is not a number, is 0, or is newer than what is known here.
    Version(String),
    /// Neither an opcode nor a type number of this dialect.
    UnknownType(u8),
    /// A type that is known but not read here. The key is `None` in a DUMP payload.
    UnsupportedType {
        /// The type number.
        number: u8,
        /// Whose numbering.
        dialect: Dialect,
        /// The key whose value it is.
        key: Option<Vec<u8>>,
    },
    /// An item that must be understood and is not: an opcode of the cluster or of a pre-release.
    UnsupportedOpcode(u8),
    /// Data of a module, outside any key. The module's name of nine letters.
    ModuleAux(String),
    /// A length with a first byte that means nothing here.
    LengthPrefix(u8),
    /// A string with a first byte that means nothing.
    StringPrefix(u8),
    /// A string that claims to be longer than allowed, or than its compressed form can give.
    TooLong {
        /// The claim, in bytes.
        length: u64,
        /// What was allowed, in bytes.
        limit: u64,
    },
    /// LZF data that does not give the length it claims.
    Lzf,
    /// A value that contradicts itself: what is wrong with it.
    Value(&'static str),
    /// A block of a stream that contradicts itself: what is wrong with it.
    StreamBlock(&'static str),
    /// The checksum at the end differs.
    Checksum {
        /// Computed from what was read.
        expected: u64,
        /// Found in the file.
        found: u64,
    },
    /// The bytes end in the middle of an item.
    UnexpectedEnd,
    /// Bytes behind the value of a DUMP payload.
    TrailingBytes(u64),
}

impl fmt::Display for RdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Internal error in RDB reading offset {}: {}", self.offset, self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Signature => write!(f, "Wrong signature trying to load DB from file"),
            Reason::Version(version) => write!(f, "Can't handle RDB format version {version}"),
            Reason::UnknownType(number) => write!(f, "Unknown RDB encoding type {number}"),
            Reason::UnsupportedType { number, dialect, key } => {
                let name = type_name(*number, *dialect).unwrap_or("unknown");
                write!(f, "Unsupported RDB encoding type {number} ({name})")?;
                match key {
                    Some(key) => write!(f, " of key '{}'", key.escape_ascii()),
                    None => Ok(()),
                }
            }
            Reason::UnsupportedOpcode(opcode) => write!(f, "Unsupported RDB opcode {opcode}"),
            Reason::ModuleAux(module) => {
                write!(f, "The RDB file contains AUX module data I can't load: no matching module '{module}'")
            }
            Reason::LengthPrefix(byte) => write!(f, "Unknown length encoding {byte:#04x}"),
            Reason::StringPrefix(byte) => write!(f, "Unknown RDB string encoding type {}", byte & 0x3F),
            Reason::TooLong { length, limit } => {
                write!(f, "String of {length} bytes is longer than the {limit} bytes possible here")
            }
            Reason::Lzf => write!(f, "Invalid LZF compressed string"),
            Reason::Value(flaw) => write!(f, "{flaw}"),
            Reason::StreamBlock(flaw) => write!(f, "Stream listpack integrity check failed: {flaw}"),
            Reason::Checksum { expected, found } => {
                write!(f, "RDB CRC error. Wrong RDB checksum expected: ({expected:x}) but got ({found:x})")
            }
            Reason::UnexpectedEnd => write!(f, "Unexpected EOF reading RDB file"),
            Reason::TrailingBytes(count) => write!(f, "{count} bytes behind the value"),
        }
    }
}

impl std::error::Error for RdbError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_logs_are_searched_for() {
        let say = |reason| RdbError { offset: 9, reason }.to_string();
        assert_eq!(
            say(Reason::Version("0013".into())),
            "Internal error in RDB reading offset 9: Can't handle RDB format version 0013"
        );
        let checksum = say(Reason::Checksum { expected: 0xAB, found: 0xCD });
        assert!(checksum.contains("CRC error"));
        assert!(checksum.contains("Wrong RDB checksum expected: (ab) but got (cd)"));
        let key = Some(b"a\n".to_vec());
        let list = say(Reason::UnsupportedType { number: 18, dialect: Dialect::Redis, key });
        assert!(list.ends_with("Unsupported RDB encoding type 18 (quicklist-v2) of key 'a\\n'"), "{list}");
    }
}
