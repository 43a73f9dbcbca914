//! Replies: every type of RESP2 and RESP3, how they are read, and how tests compare them.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

/// A reply. Text that is not UTF-8 is kept exactly in bulks only.
///
/// Compares with text (statuses, bulks, verbatim texts; errors with their leading `-`), with integers, booleans, and, item by item, with
/// arrays of what it compares with: `assert_eq!(reply, ["a", "b"])`.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// `+`
    Status(String),
    /// `-`, without it.
    Error(String),
    /// `:`
    Integer(i64),
    /// `$`
    Bulk(Vec<u8>),
    /// `$-1`, RESP2's missing value.
    NilBulk,
    /// `*`
    Array(Vec<Reply>),
    /// `*-1`, RESP2's missing array.
    NilArray,
    /// `_`, RESP3's missing anything.
    Null,
    /// `#`
    Boolean(bool),
    /// `,` with the digits as they came.
    Double(String),
    /// `(` with the digits as they came.
    BigNumber(String),
    /// `!`
    BulkError(String),
    /// `=`, as format (`txt`) and text.
    Verbatim(String, String),
    /// `%`, in the order of arrival.
    Map(Vec<(Reply, Reply)>),
    /// `~`, in the order of arrival.
    Set(Vec<Reply>),
    /// `>`
    Push(Vec<Reply>),
    /// `|`, and the reply that it belongs to.
    Attribute(Vec<(Reply, Reply)>, Box<Reply>),
}

impl Reply {
    /// Text as a bulk.
    pub fn bulk(text: impl AsRef<[u8]>) -> Reply {
        Reply::Bulk(text.as_ref().to_vec())
    }

    /// Whether nothing is there, in either protocol's words.
    pub fn is_nil(&self) -> bool {
        matches!(self, Reply::NilBulk | Reply::NilArray | Reply::Null)
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_) | Reply::BulkError(_))
    }

    /// The text of a status, error, bulk, verbatim text or number in digits. Panics for others.
    #[track_caller]
    pub fn text(&self) -> String {
        match self {
            Reply::Status(text) | Reply::Error(text) | Reply::BulkError(text) | Reply::Verbatim(_, text) => {
                text.clone()
            }
            Reply::Double(digits) | Reply::BigNumber(digits) => digits.clone(),
            Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => panic!("text expected, got {other:?}"),
        }
    }

    /// The number of an integer reply. Panics for others.
    #[track_caller]
    pub fn integer(&self) -> i64 {
        match self {
            Reply::Integer(number) => *number,
            other => panic!("an integer expected, got {other:?}"),
        }
    }

    /// The items of an array, set or push. Panics for others.
    #[track_caller]
    pub fn items(&self) -> &[Reply] {
        match self {
            Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => items,
            other => panic!("items expected, got {other:?}"),
        }
    }

    /// Keys and values of a map, or of an array that RESP2 has in place of one. Panics for others.
    #[track_caller]
    pub fn pairs(&self) -> Vec<(Reply, Reply)> {
        match self {
            Reply::Map(pairs) => pairs.clone(),
            Reply::Array(items) if items.len() % 2 == 0 => {
                items.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
            }
            other => panic!("pairs expected, got {other:?}"),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let list = |f: &mut fmt::Formatter, items: &[Reply]| f.debug_list().entries(items).finish();
        let map = |f: &mut fmt::Formatter, pairs: &[(Reply, Reply)]| {
            f.debug_map().entries(pairs.iter().map(|(key, value)| (key, value))).finish()
        };
        match self {
            Reply::Status(text) => write!(f, "+{text}"),
            Reply::Error(text) => write!(f, "-{text}"),
            Reply::Integer(number) => write!(f, ":{number}"),
            Reply::Bulk(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
            Reply::NilBulk => f.write_str("$-1"),
            Reply::Array(items) => list(f, items),
            Reply::NilArray => f.write_str("*-1"),
            Reply::Null => f.write_str("_"),
            Reply::Boolean(value) => f.write_str(if *value { "#t" } else { "#f" }),
            Reply::Double(digits) => write!(f, ",{digits}"),
            Reply::BigNumber(digits) => write!(f, "({digits}"),
            Reply::BulkError(text) => write!(f, "!{text}"),
            Reply::Verbatim(format, text) => write!(f, "={format}:{text:?}"),
            Reply::Map(pairs) => map(f, pairs),
            Reply::Set(items) => f.write_str("~").and_then(|()| list(f, items)),
            Reply::Push(items) => f.write_str(">").and_then(|()| list(f, items)),
            Reply::Attribute(pairs, reply) => {
                f.write_str("|")?;
                map(f, pairs)?;
                write!(f, " {reply:?}")
            }
        }
    }
}

impl PartialEq<str> for Reply {
    fn eq(&self, other: &str) -> bool {
        match self {
            Reply::Status(text) | Reply::Verbatim(_, text) => text == other,
            Reply::Bulk(bytes) => bytes == other.as_bytes(),
            Reply::Error(text) | Reply::BulkError(text) => other.strip_prefix('-') == Some(text),
            _ => false,
        }
    }
}

impl PartialEq<&str> for Reply {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl PartialEq<String> for Reply {
    fn eq(&self, other: &String) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<i64> for Reply {
    fn eq(&self, other: &i64) -> bool {
        matches!(self, Reply::Integer(number) if number == other)
    }
}

impl PartialEq<bool> for Reply {
    fn eq(&self, other: &bool) -> bool {
        matches!(self, Reply::Boolean(value) if value == other)
    }
}

impl<T> PartialEq<[T]> for Reply
where
    Reply: PartialEq<T>,
{
    fn eq(&self, other: &[T]) -> bool {
        match self {
            Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => items == other,
            _ => false,
        }
    }
}

impl<T, const N: usize> PartialEq<[T; N]> for Reply
where
    Reply: PartialEq<T>,
{
    fn eq(&self, other: &[T; N]) -> bool {
        self == other.as_slice()
    }
}

impl<T> PartialEq<Vec<T>> for Reply
where
    Reply: PartialEq<T>,
{
    fn eq(&self, other: &Vec<T>) -> bool {
        self == other.as_slice()
    }
}

/// Reads replies from bytes, one after another.
pub struct ReplyReader<R> {
    input: BufReader<R>,
    /// The bytes of the reply being read, when they are wanted.
    raw: Option<Vec<u8>>,
}

impl<R: Read> ReplyReader<R> {
    /// A reader of `input`.
    pub fn new(input: R) -> ReplyReader<R> {
        ReplyReader { input: BufReader::with_capacity(64 * 1024, input), raw: None }
    }

    /// Reads a reply. Fails as the input fails, with `UnexpectedEof` at its end, and with `InvalidData` on what is not RESP.
    pub fn read(&mut self) -> io::Result<Reply> {
        let line = self.line()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let mut letters = line.chars();
        let kind = letters.next().ok_or_else(|| invalid("an empty line"))?;
        let rest = letters.as_str();
        Ok(match kind {
            '+' => Reply::Status(rest.to_owned()),
            '-' => Reply::Error(rest.to_owned()),
            ':' => Reply::Integer(number(rest)?),
            '$' if rest == "-1" => Reply::NilBulk,
            '$' => Reply::Bulk(self.block(rest)?),
            '*' if rest == "-1" => Reply::NilArray,
            '*' => Reply::Array(self.items(rest)?),
            '_' if rest.is_empty() => Reply::Null,
            '#' if rest == "t" || rest == "f" => Reply::Boolean(rest == "t"),
            ',' => Reply::Double(rest.to_owned()),
            '(' => Reply::BigNumber(rest.to_owned()),
            '!' => Reply::BulkError(String::from_utf8_lossy(&self.block(rest)?).into_owned()),
            '=' => {
                let block = String::from_utf8_lossy(&self.block(rest)?).into_owned();
                let (format, text) =
                    block.split_once(':').ok_or_else(|| invalid("a verbatim text without a format"))?;
                Reply::Verbatim(format.to_owned(), text.to_owned())
            }
            '%' => Reply::Map(self.map_pairs(rest)?),
            '~' => Reply::Set(self.items(rest)?),
            '>' => Reply::Push(self.items(rest)?),
            '|' => Reply::Attribute(self.map_pairs(rest)?, Box::new(self.read()?)),
            _ => return Err(invalid(&format!("{line:?}"))),
        })
    }

    /// Reads a reply and gives its bytes as they came.
    pub fn read_raw(&mut self) -> io::Result<Vec<u8>> {
        self.raw = Some(Vec::new());
        let outcome = self.read();
        let raw = self.raw.take().unwrap_or_default();
        outcome.map(|_| raw)
    }

    /// Reads what is left up to the input's end.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.input.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn items(&mut self, count: &str) -> io::Result<Vec<Reply>> {
        (0..number(count)?).map(|_| self.read()).collect()
    }

    fn map_pairs(&mut self, count: &str) -> io::Result<Vec<(Reply, Reply)>> {
        (0..number(count)?).map(|_| Ok((self.read()?, self.read()?))).collect()
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.input.read_until(b'\n', &mut line)?;
        self.keep(&line);
        if !line.ends_with(b"\n") {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                format!("closed after {:?}", line.escape_ascii().to_string()),
            ));
        }
        if !line.ends_with(b"\r\n") {
            return Err(invalid("a line that ends in LF alone"));
        }
        line.truncate(line.len() - 2);
        Ok(line)
    }

    fn block(&mut self, length: &str) -> io::Result<Vec<u8>> {
        let length = usize::try_from(number(length)?).map_err(|_| invalid("a negative length"))?;
        let mut bytes = vec![0; length + 2];
        self.input.read_exact(&mut bytes)?;
        self.keep(&bytes);
        if bytes.split_off(length) != b"\r\n" {
            return Err(invalid("a bulk that does not end in CRLF"));
        }
        Ok(bytes)
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(raw) = &mut self.raw {
            raw.extend_from_slice(bytes);
        }
    }
}

fn number(digits: &str) -> io::Result<i64> {
    digits.parse().map_err(|_| invalid(&format!("{digits:?} where a number should be")))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("not RESP: {what}"))
}
