//! The numbers of the RDB format: versions, opcodes, type numbers, string and length prefixes.
//!
//! ```text
//! file     = magic item* EOF [crc]
//! magic    = "REDIS" 4 digits            versions 1..=12 (Redis 8.0 writes 12, Valkey 8 writes 11)
//!          | "VALKEY" 3 digits           versions 80.. (Valkey 9; 13..=79 belong to later Redis)
//! item     = FUNCTION2 string | AUX string string | SELECTDB length | RESIZEDB length length
//!          | [EXPIRETIME i32 | EXPIRETIME_MS i64] [IDLE length | FREQ u8] type key value
//! key      = string
//! crc      = u64, little-endian, over everything before it; 0 = not computed; absent before version 5
//!
//! length   00nnnnnn                      6 bits
//!          01nnnnnn nnnnnnnn             14 bits, high bits first
//!          10000000 n32                  32 bits, big-endian
//!          10000001 n64                  64 bits, big-endian
//! string   length, then its bytes
//!          11000000 i8 | 11000001 i16 | 11000010 i32       little-endian; stands for its decimal digits
//!          11000011 length length bytes  compressed length, plain length, LZF
//! ```
//!
//! Numbers that the two families use differently are looked up by [`Dialect`]: 22 is a hash with field deadlines in Valkey 9,
//! and a format of Redis 7.4's release candidates in Redis.

/// The newest version read under the `REDIS` magic: that of Redis 7.4 and 8.0.
pub const NEWEST_REDIS_VERSION: u32 = 12;
/// The first version written under the `VALKEY` magic.
pub const FIRST_VALKEY_VERSION: u32 = 80;
/// The newest version read under the `VALKEY` magic: that of Valkey 9.
pub const NEWEST_VALKEY_VERSION: u32 = 80;
/// The first version that ends with a checksum.
pub const FIRST_VERSION_WITH_CHECKSUM: u32 = 5;
/// The version that is written unless the fields of a hash have deadlines in the file: IDLE and FREQ came with it. No reader compares
/// type numbers with it, so a file of strings is read by Redis 5.0, and any other by what knows its types: Redis 7.0 and later.
pub const LOWEST_VERSION_WRITTEN: u32 = 9;

/// Whose numbering a file or payload follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Magic `REDIS`, versions below 80. Also what Valkey before 9 writes.
    Redis,
    /// Magic `VALKEY`, versions from 80.
    Valkey,
}

impl Dialect {
    /// The dialect that a version number implies where no magic says it: in a DUMP payload.
    pub fn of_version(version: u32) -> Dialect {
        if version < FIRST_VALKEY_VERSION { Dialect::Redis } else { Dialect::Valkey }
    }

    /// The newest version of this dialect that is known here.
    pub fn newest_version(self) -> u32 {
        match self {
            Dialect::Redis => NEWEST_REDIS_VERSION,
            Dialect::Valkey => NEWEST_VALKEY_VERSION,
        }
    }
}

/// What stands where an item begins, apart from type numbers.
pub mod opcode {
    /// State of a slot import that was under way (Valkey 9, cluster only). A reader must understand it.
    pub const SLOT_IMPORT: u8 = 243;
    /// Slot number, keys in it, keys with a deadline in it: a sizing hint (Redis 7.4, cluster only).
    pub const SLOT_INFO: u8 = 244;
    /// Source text of a function library (version 10).
    pub const FUNCTION2: u8 = 245;
    /// Function library as release candidates of Redis 7.0 wrote it; nobody reads it any more.
    pub const FUNCTION_PRE_GA: u8 = 246;
    /// Data of a module that belongs to no key (version 9).
    pub const MODULE_AUX: u8 = 247;
    /// Seconds since the next key was last used: a length (version 9).
    pub const IDLE: u8 = 248;
    /// LFU counter of the next key: one byte (version 9).
    pub const FREQ: u8 = 249;
    /// Name and value about the file itself (version 7).
    pub const AUX: u8 = 250;
    /// Number of keys and of keys with a deadline in the selected database: a sizing hint (version 7).
    pub const RESIZEDB: u8 = 251;
    /// Deadline of the next key, milliseconds since 1970: i64, little-endian (version 3).
    pub const EXPIRETIME_MS: u8 = 252;
    /// Deadline of the next key, seconds since 1970: i32, little-endian.
    pub const EXPIRETIME: u8 = 253;
    /// The database of the keys that follow: a length.
    pub const SELECTDB: u8 = 254;
    /// The end; the checksum follows.
    pub const EOF: u8 = 255;
}

/// Type numbers: how the value behind a key is written.
pub mod type_number {
    /// A string.
    pub const STRING: u8 = 0;
    /// Count, elements.
    pub const LIST: u8 = 1;
    /// Count, members.
    pub const SET: u8 = 2;
    /// Count, then member and score as text.
    pub const ZSET: u8 = 3;
    /// Count, then field and value.
    pub const HASH: u8 = 4;
    /// Count, then member and score as binary64.
    pub const ZSET_2: u8 = 5;
    /// Module value of Redis 4.0's release candidates.
    pub const MODULE_PRE_GA: u8 = 6;
    /// Module value, annotated so that it can be skipped.
    pub const MODULE_2: u8 = 7;
    /// A zipmap in a string.
    pub const HASH_ZIPMAP: u8 = 9;
    /// A ziplist in a string.
    pub const LIST_ZIPLIST: u8 = 10;
    /// An intset in a string.
    pub const SET_INTSET: u8 = 11;
    /// A ziplist in a string.
    pub const ZSET_ZIPLIST: u8 = 12;
    /// A ziplist in a string.
    pub const HASH_ZIPLIST: u8 = 13;
    /// Count, then ziplists in strings.
    pub const LIST_QUICKLIST: u8 = 14;
    /// Listpacks by stream ID, then groups.
    pub const STREAM_LISTPACKS: u8 = 15;
    /// A listpack in a string.
    pub const HASH_LISTPACK: u8 = 16;
    /// A listpack in a string.
    pub const ZSET_LISTPACK: u8 = 17;
    /// Count, then container and string, which holds a listpack or one element.
    pub const LIST_QUICKLIST_2: u8 = 18;
    /// With first ID, highest deleted ID, entries added.
    pub const STREAM_LISTPACKS_2: u8 = 19;
    /// A listpack in a string.
    pub const SET_LISTPACK: u8 = 20;
    /// With each consumer's active time.
    pub const STREAM_LISTPACKS_3: u8 = 21;
    /// Hash with field deadlines of Redis 7.4's release candidates (dialect Redis).
    pub const HASH_METADATA_PRE_GA: u8 = 22;
    /// Count, then field, value, deadline (dialect Valkey).
    pub const VALKEY_HASH_2: u8 = 22;
    /// Listpack with field deadlines of Redis 7.4's release candidates (dialect Redis).
    pub const HASH_LISTPACK_EX_PRE_GA: u8 = 23;
    /// Earliest deadline, count, then deadline, field, value (dialect Redis).
    pub const HASH_METADATA: u8 = 24;
    /// Earliest deadline, listpack of field, value, deadline (dialect Redis).
    pub const HASH_LISTPACK_EX: u8 = 25;
}

/// The first byte of a length, and of a string that is not its plain bytes.
pub(super) mod prefix {
    pub const BITS_14: u8 = 0x40;
    pub const BITS_32: u8 = 0x80;
    pub const BITS_64: u8 = 0x81;
    pub const ENCODED: u8 = 0xC0;
    pub const INT8: u8 = 0xC0;
    pub const INT16: u8 = 0xC1;
    pub const INT32: u8 = 0xC2;
    pub const LZF: u8 = 0xC3;
}

/// What a type number is called in messages, or `None` if the dialect has no such type.
///
/// The words are those that `redis-check-rdb` uses, where it has any.
pub fn type_name(number: u8, dialect: Dialect) -> Option<&'static str> {
    use type_number::*;
    Some(match number {
        STRING => "string",
        LIST => "list-linked",
        SET => "set-hashtable",
        ZSET => "zset-v1",
        HASH => "hash-hashtable",
        ZSET_2 => "zset-v2",
        MODULE_PRE_GA => "module-pre-release",
        MODULE_2 => "module-value",
        HASH_ZIPMAP => "hash-zipmap",
        LIST_ZIPLIST => "list-ziplist",
        SET_INTSET => "set-intset",
        ZSET_ZIPLIST => "zset-ziplist",
        HASH_ZIPLIST => "hash-ziplist",
        LIST_QUICKLIST => "quicklist",
        STREAM_LISTPACKS => "stream",
        HASH_LISTPACK => "hash-listpack",
        ZSET_LISTPACK => "zset-listpack",
        LIST_QUICKLIST_2 => "quicklist-v2",
        STREAM_LISTPACKS_2 => "stream-v2",
        SET_LISTPACK => "set-listpack",
        STREAM_LISTPACKS_3 => "stream-v3",
        VALKEY_HASH_2 if dialect == Dialect::Valkey => "hash-volatile-items",
        HASH_METADATA_PRE_GA if dialect == Dialect::Redis => "hash-hashtable-md-pre-release",
        HASH_LISTPACK_EX_PRE_GA if dialect == Dialect::Redis => "hash-listpack-md-pre-release",
        HASH_METADATA if dialect == Dialect::Redis => "hash-hashtable-md",
        HASH_LISTPACK_EX if dialect == Dialect::Redis => "hash-listpack-md",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_22_depends_on_the_dialect() {
        assert_eq!(type_name(22, Dialect::Valkey), Some("hash-volatile-items"));
        assert_eq!(type_name(22, Dialect::Redis), Some("hash-hashtable-md-pre-release"));
        assert_eq!(type_name(24, Dialect::Valkey), None);
        assert_eq!(type_name(8, Dialect::Redis), None);
    }
}
