//! Packed forms that old versions wrote and that are only read here: Redis up to 2.4 kept small hashes as a [`zipmap`] (type 9), up
//! to 6.2 small hashes, lists and sorted sets as a [`ziplist`] (types 10, 12, 13, and each node of 14).
//!
//! Both readers check all bytes first and copy nothing: what they give are elements that borrow from the bytes, integers and texts as
//! a listpack would store them.

pub mod ziplist;
pub mod zipmap;

/// What is wrong with the bytes of a packed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Too few bytes for a header and an end.
    TooShort,
    /// The total that it claims is not the number of its bytes.
    Total,
    /// It does not end with the end byte.
    End,
    /// At this offset, an entry that has no meaning, reaches beyond the end, or does not know the length of the one before.
    Entry(usize),
    /// The place of the last entry that it claims is another.
    Tail,
    /// The count that it claims is not that of its entries, or is 0 where no writer keeps an empty one.
    Count,
}
