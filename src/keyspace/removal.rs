//! Keys that left by themselves, and what is left to be freed: told to whoever logs and counts, after the fact.

use crate::values::Big;

/// Why a key left without a command that named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Its deadline came.
    Expired,
    /// Its memory was needed.
    Evicted,
}

/// A key that left by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The key.
    pub key: Box<[u8]>,
    /// Why it left.
    pub cause: Cause,
}

/// A field that left its hash because its deadline came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRemoval {
    /// The hash's key.
    pub key: Box<[u8]>,
    /// The field's name.
    pub field: Box<[u8]>,
    /// Whether it was the last one, so that the key went along.
    pub took_key: bool,
}

/// What happened in a database beside the command's own doing. Emptied by `dispatch` after each call.
#[derive(Debug, Default)]
pub struct Removals {
    /// Keys that left, in order.
    pub keys: Vec<Removal>,
    /// Fields that left, in order: to be told of before the keys. Those that left a hash together stand together.
    pub fields: Vec<FieldRemoval>,
    /// Keys that came, where that is to be told.
    pub births: Vec<Box<[u8]>>,
    /// Keys that were asked for and are not there, where that is to be told.
    pub misses: Vec<Box<[u8]>>,
    /// Values whose freeing takes long: for the reaper.
    pub garbage: Vec<Box<Big>>,
}

/// Freeing that takes more than this many steps is left to the reaper.
pub const FREE_LATER_EFFORT: usize = 64;
