//! Strings: integers, short bytes in the record, long bytes beside it.
//!
//! ```text
//! payload   INT     8 bytes, i64, little endian     what SET is given looks like an integer
//!           SHORT   the bytes                       up to 1024 of them; Redis would say embstr, or raw past 44
//!           EDITED  the bytes                       changed in place by APPEND, SETRANGE, SETBIT: Redis would say raw
//!           boxed   Big::String(Vec<u8>)            longer ones
//! ```

use super::tag::{EDITED, INT, SHORT};
use super::{Big, Collection, New, Stowed, View, WrongType};
use crate::base::number::{decimal_len, parse_i64};
use crate::structures::record_arena::{INLINE_MAX, Payload, PayloadMut};

/// Longest string that Redis keeps in one piece with its object.
const EMBSTR_MAX: usize = 44;

/// A string as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// An integer in its canonical decimal form.
    Int(i64),
    /// Any bytes; `edited` when they came about by a change in place.
    Bytes {
        /// The content.
        bytes: &'a [u8],
        /// Whether Redis would have left them in a buffer of their own.
        edited: bool,
    },
}

/// A string's bytes, wherever they are.
pub struct Bytes<'a> {
    digits: itoa::Buffer,
    text: Text<'a>,
}

impl Bytes<'_> {
    /// The content as a slice.
    #[inline]
    pub fn as_slice(&mut self) -> &[u8] {
        match self.text {
            Text::Int(n) => self.digits.format(n).as_bytes(),
            Text::Bytes { bytes, .. } => bytes,
        }
    }
}

impl<'a> Text<'a> {
    /// Reads what a record holds.
    #[inline]
    pub fn view(view: View<'a>) -> Result<Text<'a>, WrongType> {
        match view {
            Payload::Inline { tag: INT, bytes } => {
                Ok(Text::Int(i64::from_le_bytes(bytes.try_into().expect("8 bytes"))))
            }
            Payload::Inline { tag: SHORT, bytes } => Ok(Text::Bytes { bytes, edited: false }),
            Payload::Inline { tag: EDITED, bytes } => Ok(Text::Bytes { bytes, edited: true }),
            Payload::Boxed(Big::String(bytes)) => Ok(Text::Bytes { bytes, edited: true }),
            _ => Err(WrongType),
        }
    }

    /// Bytes of the string.
    pub fn len(&self) -> usize {
        match self {
            Text::Int(n) => decimal_len(*n),
            Text::Bytes { bytes, .. } => bytes.len(),
        }
    }

    /// Whether it has no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, of which an integer's are made on the spot.
    #[inline]
    pub fn bytes(self) -> Bytes<'a> {
        Bytes { digits: itoa::Buffer::new(), text: self }
    }

    /// A copy.
    pub fn to_vec(self) -> Vec<u8> {
        self.bytes().as_slice().to_vec()
    }

    /// The integer it stands for, if it is one in canonical form.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Text::Int(n) => Some(*n),
            Text::Bytes { bytes, .. } => parse_i64(bytes),
        }
    }

    /// `int`, `embstr` or `raw`.
    pub fn encoding(&self) -> &'static str {
        match self {
            Text::Int(_) => "int",
            Text::Bytes { bytes, edited: false } if bytes.len() <= EMBSTR_MAX => "embstr",
            Text::Bytes { .. } => "raw",
        }
    }
}

impl PartialEq<[u8]> for Text<'_> {
    fn eq(&self, bytes: &[u8]) -> bool {
        self.bytes().as_slice() == bytes
    }
}

/// A string on its way into a record.
#[derive(Debug)]
pub enum NewText<'a> {
    /// An integer.
    Int(i64),
    /// Bytes to be copied.
    Bytes(&'a [u8]),
    /// Bytes to be taken over.
    Owned(Vec<u8>),
}

impl<'a> NewText<'a> {
    /// What SET makes of its argument: an integer where it is one.
    #[inline]
    pub fn of(bytes: &'a [u8]) -> NewText<'a> {
        match bytes {
            [b'0'..=b'9' | b'-', ..] if bytes.len() <= 20 => match parse_i64(bytes) {
                Some(n) => NewText::Int(n),
                None => NewText::Bytes(bytes),
            },
            _ => NewText::Bytes(bytes),
        }
    }

    /// The same for bytes that came in an allocation of their own: a long string keeps it.
    pub fn of_vec(bytes: &'a mut Vec<u8>) -> NewText<'a> {
        if bytes.len() > INLINE_MAX { NewText::Owned(std::mem::take(bytes)) } else { NewText::of(bytes) }
    }

    /// Calls `put` with the payload of this string.
    #[inline]
    pub fn with_payload<R>(self, put: impl FnOnce(New<'_>) -> R) -> R {
        match self {
            NewText::Int(n) => put(New::Inline { tag: INT, bytes: &n.to_le_bytes() }),
            NewText::Bytes(bytes) if bytes.len() <= INLINE_MAX => put(New::Inline { tag: SHORT, bytes }),
            NewText::Bytes(bytes) => put(New::Boxed(Box::new(Big::String(bytes.to_vec())))),
            NewText::Owned(bytes) if bytes.len() <= INLINE_MAX => put(New::Inline { tag: EDITED, bytes: &bytes }),
            NewText::Owned(bytes) => put(New::Boxed(Box::new(Big::String(bytes)))),
        }
    }
}

/// The bytes of an edited string that may be changed in place: not those of an integer.
pub fn editable(view: PayloadMut<'_, Big>) -> Option<&mut [u8]> {
    match view {
        PayloadMut::Inline { tag: EDITED, bytes } => Some(bytes),
        PayloadMut::Boxed(Big::String(bytes)) => Some(bytes),
        _ => None,
    }
}

/// A string taken out to be changed in length as well as in content.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Buffer(pub Vec<u8>);

impl Collection for Buffer {
    type Ref<'a> = Text<'a>;

    fn view(view: View<'_>) -> Result<Text<'_>, WrongType> {
        Text::view(view)
    }

    fn take(view: PayloadMut<'_, Big>, mut spare: Vec<u8>) -> Result<Buffer, WrongType> {
        match view {
            PayloadMut::Inline { tag: INT, bytes } => {
                let number = i64::from_le_bytes((&*bytes).try_into().expect("8 bytes"));
                spare.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            }
            PayloadMut::Inline { tag: SHORT | EDITED, bytes } => spare.extend_from_slice(bytes),
            PayloadMut::Boxed(Big::String(bytes)) => return Ok(Buffer(std::mem::take(bytes))),
            _ => return Err(WrongType),
        }
        Ok(Buffer(spare))
    }

    fn stow(self, inline_max: usize) -> Stowed {
        Stowed::packed(EDITED, self.0, inline_max, Big::String)
    }

    /// Never: a string may have no byte.
    fn is_empty(&self) -> bool {
        false
    }
}

/// The eight bytes (little endian) of a string that is stored as an integer.
#[inline]
pub fn integer(view: PayloadMut<'_, Big>) -> Option<&mut [u8]> {
    match view {
        PayloadMut::Inline { tag: INT, bytes } => Some(bytes),
        PayloadMut::Inline { .. } | PayloadMut::Boxed(_) => None,
    }
}

/// Bytes to reserve beyond `len`, the length now, for a buffer of `capacity` that grows to `wanted`: it doubles up to
/// 1 MiB, then grows by an eighth, so that appending stays linear and a large string wastes little.
pub fn room_for(len: usize, wanted: usize, capacity: usize) -> usize {
    if wanted <= capacity {
        return 0;
    }
    let spare = if wanted < 1 << 20 { wanted } else { (wanted / 8).max(1 << 20) };
    wanted - len + spare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_told_from_other_bytes() {
        for (bytes, int) in [("12", true), ("-9223372036854775808", true), ("012", false), ("+1", false), ("1 ", false)]
        {
            let encoding = match NewText::of(bytes.as_bytes()) {
                NewText::Int(n) => (n.to_string() == bytes).then_some("int"),
                _ => None,
            };
            assert_eq!(encoding.is_some(), int, "{bytes}");
        }
    }

    #[test]
    fn strings_are_compared_as_they_are_written() {
        assert!(Text::Int(-12) == *b"-12".as_slice());
        assert!(Text::Int(12) != *b"012".as_slice());
        assert!(Text::Bytes { bytes: b"a", edited: true } == *b"a".as_slice());
    }

    #[test]
    fn only_long_strings_keep_their_allocation() {
        let (mut short, mut long) = (b"12".to_vec(), vec![b'x'; INLINE_MAX + 1]);
        assert!(matches!(NewText::of_vec(&mut short), NewText::Int(12)));
        assert!(matches!(NewText::of_vec(&mut long), NewText::Owned(bytes) if bytes.len() == INLINE_MAX + 1));
    }

    #[test]
    fn room_is_made_in_advance_but_not_for_what_fits() {
        assert_eq!(room_for(2000, 2100, 2100), 0);
        assert_eq!(room_for(2000, 2100, 2000), 100 + 2100);
        let (len, wanted) = (100 << 20, (100 << 20) + 1);
        assert_eq!(room_for(len, wanted, len), 1 + wanted / 8);
    }
}
