//! Patterns of BY and GET: keys made of elements, and what stands there.

use crate::commands::look_ahead::GROUP;
use crate::keyspace::database::{Consulted, Database};
use crate::structures::listpack::Entry;
use crate::values::string::Text;
use smallvec::SmallVec;

/// Where to look for what belongs to an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// Without an asterisk: nowhere.
    Nothing,
    /// A string, or a field of a hash. The element stands between the two parts of the key.
    Key { before: &'a [u8], behind: &'a [u8], field: Option<&'a [u8]> },
}

impl<'a> Pattern<'a> {
    /// Reads a pattern, of which only what is before a zero byte tells its kind, as in Redis.
    pub(super) fn parse(word: &'a [u8]) -> Pattern<'a> {
        let visible = word.split(|&byte| byte == 0).next().unwrap_or_default();
        if visible == b"#" {
            return Pattern::Element;
        }
        let Some(star) = visible.iter().position(|&byte| byte == b'*') else { return Pattern::Nothing };
        let arrow = visible[star + 1..].windows(2).position(|pair| pair == b"->").map(|at| star + 1 + at);
        // An arrow that points to nothing is a part of the key.
        let (end, field) = match arrow {
            Some(arrow) if arrow + 2 < visible.len() => (arrow, Some(&word[arrow + 2..])),
            Some(_) | None => (word.len(), None),
        };
        Pattern::Key { before: &word[..star], behind: &word[star + 1..end], field }
    }
}

/// What belongs to the elements of a group, or nothing.
pub(super) type Values<'a> = SmallVec<[Option<Entry<'a>>; GROUP]>;

/// Reads what belongs to elements, a group of them at a time.
pub(super) struct Reader<'a> {
    db: &'a Database,
    noted: Consulted,
    /// The keys of the last group, one behind the other.
    keys: Vec<u8>,
    ends: SmallVec<[usize; GROUP]>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(db: &'a Database) -> Reader<'a> {
        Reader { db, noted: Consulted::default(), keys: Vec::new(), ends: SmallVec::new() }
    }

    /// What is to be made up for when nothing is borrowed any more.
    pub(super) fn finish(self) -> Consulted {
        self.noted
    }

    /// What belongs to each of at most `GROUP` elements.
    pub(super) fn read(&mut self, pattern: &Pattern<'_>, elements: &[Entry<'a>]) -> Values<'a> {
        match *pattern {
            Pattern::Element => elements.iter().copied().map(Some).collect(),
            Pattern::Nothing => elements.iter().map(|_| None).collect(),
            Pattern::Key { before, behind, field } => {
                self.compose(before, behind, elements);
                self.look_up(field)
            }
        }
    }

    fn compose(&mut self, before: &[u8], behind: &[u8], elements: &[Entry<'_>]) {
        self.keys.clear();
        self.ends.clear();
        for element in elements {
            self.keys.extend_from_slice(before);
            element.append_to(&mut self.keys);
            self.keys.extend_from_slice(behind);
            self.ends.push(self.keys.len());
        }
    }

    fn look_up(&mut self, field: Option<&[u8]>) -> Values<'a> {
        let Reader { db, noted, keys, ends } = self;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let keys = starts.zip(ends.iter()).map(|(start, &end)| &keys[start..end]);
        let mut hashes = [0; GROUP];
        db.look_ahead(keys.clone(), &mut hashes);
        keys.zip(hashes)
            .map(|(key, hash)| match field {
                Some(field) => db.consult_field(key, hash, field, noted),
                None => db.consult(key, hash, noted).map(entry_of),
            })
            .collect()
    }
}

fn entry_of(text: Text<'_>) -> Entry<'_> {
    match text {
        Text::Int(number) => Entry::Int(number),
        Text::Bytes { bytes, .. } => Entry::Bytes(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern::{self, Element, Key, Nothing};

    #[test]
    fn patterns_are_taken_apart() {
        let key =
            |before: &'static [u8], behind: &'static [u8], field: Option<&'static [u8]>| Key { before, behind, field };
        for (word, pattern) in [
            (&b"#"[..], Element),
            (b"##", Nothing),
            (b"", Nothing),
            (b"nosort", Nothing),
            (b"key->field", Nothing),
            (b"a\0*", Nothing),
            (b"*", key(b"", b"", None)),
            (b"w_*_x", key(b"w_", b"_x", None)),
            (b"w_**", key(b"w_", b"*", None)),
            (b"h_*->f", key(b"h_", b"", Some(b"f"))),
            (b"h_*x->f->g", key(b"h_", b"x", Some(b"f->g"))),
            (b"a->b_*", key(b"a->b_", b"", None)),
            (b"h_*->", key(b"h_", b"->", None)),
            (b"h_*->f*", key(b"h_", b"", Some(b"f*"))),
        ] {
            assert_eq!(Pattern::parse(word), pattern, "{}", word.escape_ascii());
        }
    }
}
