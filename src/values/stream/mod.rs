//! Streams.

use super::{Big, Collection, Stowed, View, WrongType};
use crate::structures::record_arena::{Payload, PayloadMut};

/// A stream. It has no small form: its head alone is larger than that.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stream;

/// A stream as it stands.
pub type StreamRef<'a> = &'a Stream;

impl Stream {
    /// Bytes of heap it holds.
    pub fn heap_bytes(&self) -> usize {
        0
    }

    /// Steps that freeing it takes.
    pub fn free_effort(&self) -> usize {
        1
    }
}

impl Collection for Stream {
    type Ref<'a> = StreamRef<'a>;

    fn view(view: View<'_>) -> Result<StreamRef<'_>, WrongType> {
        match view {
            Payload::Boxed(Big::Stream(stream)) => Ok(stream),
            _ => Err(WrongType),
        }
    }

    fn take(view: PayloadMut<'_, Big>, _spare: Vec<u8>) -> Result<Stream, WrongType> {
        match view {
            PayloadMut::Boxed(Big::Stream(stream)) => Ok(std::mem::take(stream)),
            _ => Err(WrongType),
        }
    }

    fn stow(self, _inline_max: usize) -> Stowed {
        Stowed::Big(Big::Stream(self))
    }

    fn is_empty(&self) -> bool {
        false
    }
}
