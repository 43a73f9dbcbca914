//! Many elements behind the last in one go: the header is written once.

use super::entry::{Encoded, Entry};
use super::{END, Listpack, UNKNOWN_COUNT};

/// Adds elements behind the last. Between its making and its end the bytes are no listpack; when it is dropped, they are one again.
pub struct Appender<'p> {
    pack: &'p mut Vec<u8>,
    added: usize,
}

impl<'p> Appender<'p> {
    /// Goes on behind the last element of `pack`, with room for `bytes` more: what [`entry_bytes`](super::entry_bytes) says, or a guess.
    #[inline]
    pub fn new(pack: &'p mut Vec<u8>, bytes: usize) -> Appender<'p> {
        pack.reserve(bytes);
        pack.pop();
        Appender { pack, added: 0 }
    }

    /// Adds an integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        match value {
            0..=127 => self.pack.extend_from_slice(&[value as u8, 1]),
            _ => self.entry(Entry::Int(value)),
        }
        self.added += 1;
    }

    /// Adds a text, as the integer whose canonical digits it is, if it is that.
    #[inline]
    pub fn text(&mut self, text: &[u8]) {
        match Entry::from(text) {
            Entry::Int(value) => return self.int(value),
            Entry::Bytes(text) if text.len() < 64 => {
                self.pack.push(0x80 | text.len() as u8);
                self.pack.extend_from_slice(text);
                self.pack.push(1 + text.len() as u8);
            }
            long => self.entry(long),
        }
        self.added += 1;
    }

    #[inline]
    fn entry(&mut self, entry: Entry<'_>) {
        let encoded = Encoded::of(entry);
        let start = self.pack.len();
        self.pack.resize(start + encoded.len(), 0);
        encoded.write(&mut self.pack[start..]);
    }
}

impl Drop for Appender<'_> {
    #[inline]
    fn drop(&mut self) {
        self.pack.push(END);
        let total = u32::try_from(self.pack.len()).expect("a listpack within its bound");
        self.pack[..4].copy_from_slice(&total.to_le_bytes());
        let count = match Listpack(self.pack).known_len() {
            Some(len) => u16::try_from(len + self.added).unwrap_or(UNKNOWN_COUNT),
            None => UNKNOWN_COUNT,
        };
        self.pack[4..6].copy_from_slice(&count.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{new, push_back, verify};
    use super::*;

    #[test]
    fn what_is_appended_is_what_is_pushed() {
        let words: Vec<Vec<u8>> = [0usize, 1, 62, 63, 64, 100, 4095, 4096, 5000]
            .iter()
            .map(|&len| vec![b'x'; len])
            .chain(["0", "127", "128", "-1", "4095", "-4096", "70000", "-9223372036854775808", "007"].map(Vec::from))
            .collect();
        let (mut pushed, mut appended) = (new(), new());
        for _ in 0..2 {
            words.iter().for_each(|word| {
                push_back(&mut pushed, word);
            });
            let mut appender = Appender::new(&mut appended, 10);
            words.iter().for_each(|word| appender.text(word));
            appender.int(-300);
            drop(appender);
            push_back(&mut pushed, -300);
        }
        assert_eq!(appended, pushed);
        assert_eq!(verify(&appended), Ok(2 * words.len() + 2));
    }

    #[test]
    #[cfg_attr(miri, ignore = "so many entries take it minutes, and there is nothing unsafe")]
    fn a_count_beyond_its_field_is_unknown() {
        let mut pack = new();
        let mut appender = Appender::new(&mut pack, 0);
        (0..65_534).for_each(|_| appender.int(1));
        drop(appender);
        assert_eq!(pack[4..6], [0xFE, 0xFF]);
        Appender::new(&mut pack, 0).int(1);
        assert_eq!(pack[4..6], [0xFF, 0xFF]);
        Appender::new(&mut pack, 0).int(1);
        assert_eq!((pack[4..6].to_vec(), verify(&pack)), (vec![0xFF, 0xFF], Ok(65_536)));
    }
}
