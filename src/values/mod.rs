//! Floor 3: the types, their encodings and sizes. Knows no keys, no time of day, no replies.

pub mod string;
pub mod views;

use crate::structures::record_arena::{NewPayload, Payload};

/// A value in an allocation of its own.
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum Big {
    /// A string too long for its record.
    String(Vec<u8>),
}

impl Big {
    /// Bytes of heap that the value holds, its box included.
    pub fn heap_bytes(&self) -> usize {
        size_of::<Big>()
            + match self {
                Big::String(bytes) => bytes.capacity(),
            }
    }

    /// Elements that freeing it has to visit: what tells a value worth the reaper from one freed on the spot.
    pub fn free_effort(&self) -> usize {
        match self {
            Big::String(bytes) => bytes.capacity() / 65536,
        }
    }
}

/// What a record holds.
pub type View<'a> = Payload<'a, Big>;
/// What goes into a record.
pub type New<'a> = NewPayload<'a, Big>;

/// The types that `TYPE` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes, or an integer.
    String,
}

impl Kind {
    /// The type of what a record holds.
    pub fn of(view: View<'_>) -> Kind {
        match view {
            Payload::Inline { .. } => Kind::String,
            Payload::Boxed(Big::String(_)) => Kind::String,
        }
    }

    /// The name that `TYPE` and `SCAN ... TYPE` use.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
        }
    }
}

/// The value is of another type than the command works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongType;

/// The name that `OBJECT ENCODING` answers.
pub fn encoding(view: View<'_>) -> &'static str {
    string::Text::view(view).map_or("unknown", |text| text.encoding())
}
