//! Writing replies, in RESP2 or RESP3.

use super::output::{Mark, Output};
use crate::base::number::print_f64;
use crate::structures::listpack::Entry;

/// The dialect a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// What every client understands.
    #[default]
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}

/// Answers of commands, appended to a client's output. Every method writes one reply (or the head of one).
#[derive(Default, Debug)]
pub struct Reply {
    /// Where the bytes go.
    pub out: Output,
    /// The dialect.
    pub protocol: Protocol,
}

impl Reply {
    /// A reply writer into an output.
    pub fn new(out: Output, protocol: Protocol) -> Self {
        Reply { out, protocol }
    }

    /// The place reached by now.
    #[inline]
    pub fn mark(&self) -> Mark {
        self.out.mark()
    }

    /// `+OK`
    #[inline]
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// `+text`; no line ends in it.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// `-CODE text`; line ends become blanks.
    pub fn error(&mut self, text: &str) {
        let clean: Vec<u8> = text.bytes().map(|b| if b == b'\r' || b == b'\n' { b' ' } else { b }).collect();
        self.line(b'-', &clean);
    }

    /// `:n`
    #[inline]
    pub fn int(&mut self, n: i64) {
        match n {
            0 => self.raw(b":0\r\n"),
            1 => self.raw(b":1\r\n"),
            _ => self.head(b':', n),
        }
    }

    /// A string.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len());
        self.head(b'$', bytes.len() as i64);
        let tail = self.out.tail();
        tail.extend_from_slice(bytes);
        tail.extend_from_slice(b"\r\n");
    }

    /// A string, or nothing.
    pub fn bulk_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// An integer as a string.
    pub fn bulk_int(&mut self, n: i64) {
        self.bulk(itoa::Buffer::new().format(n).as_bytes());
    }

    /// An element of a collection, as a string.
    #[inline]
    pub fn bulk_entry(&mut self, entry: Entry<'_>) {
        self.bulk(entry.as_slice(&mut itoa::Buffer::new()));
    }

    /// No value: `$-1` or `_`.
    #[inline]
    pub fn null(&mut self) {
        match self.protocol {
            Protocol::Resp2 => self.raw(b"$-1\r\n"),
            Protocol::Resp3 => self.raw(b"_\r\n"),
        }
    }

    /// No array: `*-1` or `_`.
    pub fn null_array(&mut self) {
        match self.protocol {
            Protocol::Resp2 => self.raw(b"*-1\r\n"),
            Protocol::Resp3 => self.raw(b"_\r\n"),
        }
    }

    /// The head of `len` replies that follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.out.reserve(0);
        self.head(b'*', len as i64);
    }

    /// The head of `pairs` keys and values: a flat array in RESP2.
    pub fn map(&mut self, pairs: usize) {
        match self.protocol {
            Protocol::Resp2 => self.head(b'*', 2 * pairs as i64),
            Protocol::Resp3 => self.head(b'%', pairs as i64),
        }
    }

    /// The head of `len` members of a set: an array in RESP2.
    pub fn set(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.head(b'*', len as i64),
            Protocol::Resp3 => self.head(b'~', len as i64),
        }
    }

    /// The head of the members of a set that were written since `mark`, when it is known how many they are.
    pub fn set_before(&mut self, mark: Mark, len: usize) {
        let kind = if self.protocol == Protocol::Resp3 { '~' } else { '*' };
        self.out.insert(mark, format!("{kind}{len}\r\n").as_bytes());
    }

    /// The head of a message that is not an answer: an array in RESP2.
    pub fn push(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.head(b'*', len as i64),
            Protocol::Resp3 => self.head(b'>', len as i64),
        }
    }

    /// The head of `pairs` attributes of the reply that follows (RESP3 only).
    pub fn attribute(&mut self, pairs: usize) {
        assert_eq!(self.protocol, Protocol::Resp3, "attributes exist in RESP3 only");
        self.head(b'|', pairs as i64);
    }

    /// Yes or no: 1 or 0 in RESP2.
    pub fn boolean(&mut self, yes: bool) {
        match self.protocol {
            Protocol::Resp2 => self.int(yes as i64),
            Protocol::Resp3 => self.raw(if yes { b"#t\r\n" } else { b"#f\r\n" }),
        }
    }

    /// A number with a fraction: a string in RESP2.
    pub fn double(&mut self, x: f64) {
        match self.protocol {
            Protocol::Resp2 => self.bulk_double(x),
            Protocol::Resp3 => {
                let tail = self.out.tail();
                tail.push(b',');
                print_f64(x, tail);
                tail.extend_from_slice(b"\r\n");
            }
        }
    }

    /// A number with a fraction, as a string.
    pub fn bulk_double(&mut self, x: f64) {
        self.out.reserve(0);
        let tail = self.out.tail();
        let start = tail.len();
        tail.extend_from_slice(b"$00\r\n");
        print_f64(x, tail);
        // Never a hundred bytes, but perhaps less than ten.
        let len = (tail.len() - start - 5) as u8;
        if len < 10 {
            tail.remove(start + 1);
            tail[start + 1] = b'0' + len;
        } else {
            tail[start + 1] = b'0' + len / 10;
            tail[start + 2] = b'0' + len % 10;
        }
        tail.extend_from_slice(b"\r\n");
    }

    /// An integer of any size, given in decimal: a string in RESP2.
    pub fn big_number(&mut self, digits: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(digits.as_bytes()),
            Protocol::Resp3 => self.line(b'(', digits.as_bytes()),
        }
    }

    /// Text with a format of three letters (`txt`, `mkd`): a string in RESP2.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        assert_eq!(format.len(), 3, "a verbatim format has three letters");
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.out.reserve(text.len());
                self.head(b'=', text.len() as i64 + 4);
                let tail = self.out.tail();
                tail.extend_from_slice(format.as_bytes());
                tail.push(b':');
                tail.extend_from_slice(text);
                tail.extend_from_slice(b"\r\n");
            }
        }
    }

    /// An array of strings.
    pub fn bulks<B: AsRef<[u8]>>(&mut self, items: impl ExactSizeIterator<Item = B>) {
        self.array(items.len());
        for item in items {
            self.bulk(item.as_ref());
        }
    }

    /// Bytes that are replies already.
    #[inline(always)]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.tail().extend_from_slice(bytes);
    }

    /// A type byte, a number, a line end.
    #[inline]
    fn head(&mut self, kind: u8, n: i64) {
        let tail = self.out.tail();
        if (0..10).contains(&n) {
            tail.extend_from_slice(&[kind, b'0' + n as u8, b'\r', b'\n']);
        } else if (10..100).contains(&n) {
            tail.extend_from_slice(&[kind, b'0' + (n / 10) as u8, b'0' + (n % 10) as u8, b'\r', b'\n']);
        } else {
            tail.push(kind);
            tail.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
            tail.extend_from_slice(b"\r\n");
        }
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        let tail = self.out.tail();
        tail.push(kind);
        tail.extend_from_slice(text);
        tail.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(protocol: Protocol, write: impl FnOnce(&mut Reply)) -> String {
        let mut reply = Reply::new(Output::default(), protocol);
        write(&mut reply);
        String::from_utf8(reply.out.front().to_vec()).unwrap()
    }

    #[test]
    fn every_type_in_both_dialects() {
        type Write = fn(&mut Reply);
        let cases: &[(Write, &str, &str)] = &[
            (|r| r.ok(), "+OK\r\n", "+OK\r\n"),
            (|r| r.error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"),
            (|r| r.int(-12), ":-12\r\n", ":-12\r\n"),
            (|r| r.bulk(b"hello"), "$5\r\nhello\r\n", "$5\r\nhello\r\n"),
            (
                |r| r.bulk(&[b'x'; 100]),
                &format!("$100\r\n{}\r\n", "x".repeat(100)),
                &format!("$100\r\n{}\r\n", "x".repeat(100)),
            ),
            (|r| r.bulk_int(42), "$2\r\n42\r\n", "$2\r\n42\r\n"),
            (|r| r.null(), "$-1\r\n", "_\r\n"),
            (|r| r.null_array(), "*-1\r\n", "_\r\n"),
            (|r| r.array(3), "*3\r\n", "*3\r\n"),
            (|r| r.map(11), "*22\r\n", "%11\r\n"),
            (|r| r.set(2), "*2\r\n", "~2\r\n"),
            (|r| r.push(2), "*2\r\n", ">2\r\n"),
            (|r| r.boolean(true), ":1\r\n", "#t\r\n"),
            (|r| r.double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n"),
            (|r| r.big_number("123"), "$3\r\n123\r\n", "(123\r\n"),
            (|r| r.verbatim("txt", b"hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"),
        ];
        for (write, two, three) in cases {
            assert_eq!(&written(Protocol::Resp2, write), two);
            assert_eq!(&written(Protocol::Resp3, write), three);
        }
    }
}
