//! Reading a log's file: a window that slides over it, and the shapes found in it (calls, comment lines, block heads).
//!
//! ```text
//! file    0 ......... start ............... start + bytes.len() ......... len
//!                     |<---- in memory ---->|
//! ```

use std::ops::Range;
use std::path::PathBuf;

use crate::base::disk::{Disk, DiskFile, OpenMode, read_full};
use crate::persistence::Trouble;

use super::block::{HEAD_PREFIX, Head};

/// Bytes read at once.
const READ_STEP_BYTES: usize = 256 * 1024;
/// A line longer than this is no comment (Redis reads lines of up to 1024 bytes).
pub(super) const COMMENT_MAX_BYTES: u64 = 1024;
/// Zero bytes in a row that count as a lost write.
const ZERO_RUN_BYTES: u32 = 32;
/// A length's digits: `u64::MAX` has 20.
const DIGITS_MAX: usize = 20;

/// A file, and the piece of it that is in memory.
pub(super) struct Window {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    pub(super) fn open(disk: &dyn Disk, path: PathBuf) -> Result<Window, Trouble> {
        let file = disk.open(&path, OpenMode::Read).map_err(Trouble::at("open", &path))?;
        Window::new(file, path)
    }

    fn new(file: Box<dyn DiskFile>, path: PathBuf) -> Result<Window, Trouble> {
        let len = file.len().map_err(Trouble::at("read", &path))?;
        Ok(Window { file, path, len, start: 0, bytes: Vec::new() })
    }

    /// The file's path.
    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// The file's length when it was opened.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file, of which the beginning is in memory, begins as a snapshot does.
    pub(super) fn begins_with_rdb(&self) -> bool {
        let bytes = self.from(0);
        bytes.starts_with(b"REDIS") || bytes.starts_with(b"VALKEY")
    }

    /// What is in memory from `position` on.
    pub(super) fn from(&self, position: u64) -> &[u8] {
        position.checked_sub(self.start).and_then(|skip| self.bytes.get(skip as usize..)).unwrap_or(&[])
    }

    /// Has `count` bytes from `position` on in memory, or all there are up to the end; gives whether it is that many.
    pub(super) fn need(&mut self, position: u64, count: u64) -> Result<bool, Trouble> {
        if self.from(position).len() as u64 >= count {
            return Ok(true);
        }
        if position < self.start || position > self.start + self.bytes.len() as u64 {
            self.bytes.clear();
        } else {
            self.bytes.drain(..(position - self.start) as usize);
        }
        self.start = position;
        let rest = self.len.saturating_sub(position);
        let have = self.bytes.len();
        // Whoever needs more does not know how much: what is doubled is not looked through again for each word of a long call.
        let want = count.max(READ_STEP_BYTES as u64).max(2 * have as u64).min(rest) as usize;
        if want > have {
            self.bytes.resize(want, 0);
            let read = read_full(&*self.file, &mut self.bytes[have..], position + have as u64)
                .map_err(Trouble::at("read", &self.path))?;
            self.bytes.truncate(have + read);
        }
        Ok(self.bytes.len() as u64 >= count)
    }
}

/// What stands at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A whole call of so many bytes; its arguments are in the list handed in.
    Call(u64),
    /// A comment line of so many bytes.
    Comment(u64),
    /// A block's head of so many bytes.
    Head(u64, Head),
    /// The file ends before the thing does.
    Unfinished,
    /// Neither call nor comment.
    Garbage,
    /// The end of the file.
    End,
}

/// Finds out what stands at `position`. The ranges put into `args` count from there.
pub(super) fn shape_at(window: &mut Window, position: u64, args: &mut Vec<Range<usize>>) -> Result<Shape, Trouble> {
    let mut count = 1;
    loop {
        let complete = window.need(position, count)?;
        let bytes = window.from(position);
        let needed = match bytes.first() {
            None => return Ok(Shape::End),
            Some(b'#') => match comment(bytes) {
                Ok(shape) => return Ok(shape),
                Err(needed) => needed,
            },
            Some(b'*') => match parse_call(bytes, args) {
                Parsed::Call(len) => return Ok(Shape::Call(len as u64)),
                Parsed::Garbage => return Ok(Shape::Garbage),
                Parsed::Needs(needed) => needed,
            },
            Some(_) => return Ok(Shape::Garbage),
        };
        if !complete || needed > window.len().saturating_sub(position) {
            return Ok(Shape::Unfinished);
        }
        count = needed;
    }
}

/// Reads a line that begins with `#`, or says how many bytes are needed to.
fn comment(bytes: &[u8]) -> Result<Shape, u64> {
    let line = &bytes[..bytes.len().min(COMMENT_MAX_BYTES as usize)];
    let readable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..);
    match memchr::memchr(b'\n', line) {
        Some(end) if line[..end].iter().all(readable) => {
            let line = &line[..=end];
            match Head::parse(line) {
                Some(head) => Ok(Shape::Head(line.len() as u64, head)),
                None if was_a_head(line) => Ok(Shape::Garbage),
                None => Ok(Shape::Comment(line.len() as u64)),
            }
        }
        None if (line.len() as u64) < COMMENT_MAX_BYTES && line.iter().all(readable) => Err(bytes.len() as u64 + 1),
        _ => Ok(Shape::Garbage),
    }
}

/// Whether `bytes` begin with a zero byte, or with a comment that goes over into zero bytes: what is left of a write of which a crash
/// lost the first sector, or the second.
pub(super) fn begins_with_a_hole(bytes: &[u8]) -> bool {
    let end = bytes.iter().take(COMMENT_MAX_BYTES as usize).position(|&byte| byte == 0 || byte == b'\n');
    matches!(bytes.first(), Some(0 | b'#')) && end.is_some_and(|end| bytes[end] == 0)
}

/// Whether a comment that is no head was one before it was damaged.
fn was_a_head(line: &[u8]) -> bool {
    line.starts_with(HEAD_PREFIX)
        || [b" crc=".as_slice(), b" head="].iter().any(|key| memchr::memmem::find(line, key).is_some())
}

enum Parsed {
    /// A whole call of so many bytes.
    Call(usize),
    /// At least so many bytes are needed.
    Needs(u64),
    Garbage,
}

/// Reads a call from its first byte on.
fn parse_call(bytes: &[u8], args: &mut Vec<Range<usize>>) -> Parsed {
    args.clear();
    let (count, mut position) = match header(bytes, 0, b'*') {
        Ok((count, position)) if count > 0 => (count, position),
        Ok(_) => return Parsed::Garbage,
        Err(stop) => return stop,
    };
    for _ in 0..count {
        let (len, start) = match header(bytes, position, b'$') {
            Ok(found) => found,
            Err(stop) => return stop,
        };
        let Some(end) = (start as u64).checked_add(len).filter(|end| *end < u64::MAX - 2) else {
            return Parsed::Garbage;
        };
        if end + 2 > bytes.len() as u64 {
            return Parsed::Needs(end + 2);
        }
        let end = end as usize;
        if bytes[end..end + 2] != *b"\r\n" {
            return Parsed::Garbage;
        }
        args.push(start..end);
        position = end + 2;
    }
    Parsed::Call(position)
}

/// Reads `kind`, digits, CRLF at `position`: the number, and where it goes on.
#[inline]
fn header(bytes: &[u8], position: usize, kind: u8) -> Result<(u64, usize), Parsed> {
    let line = &bytes[position..];
    let Some(&first) = line.first() else { return Err(Parsed::Needs(position as u64 + 1)) };
    if first != kind {
        return Err(Parsed::Garbage);
    }
    let mut number: u64 = 0;
    let mut length = 1;
    while let Some(digit @ b'0'..=b'9') = line.get(length) {
        if length > DIGITS_MAX {
            return Err(Parsed::Garbage);
        }
        number =
            number.checked_mul(10).and_then(|tens| tens.checked_add((digit - b'0').into())).ok_or(Parsed::Garbage)?;
        length += 1;
    }
    match &line[length..] {
        [b'\r', b'\n', ..] if length > 1 => Ok((number, position + length + 2)),
        [] => Err(Parsed::Needs((position + length) as u64 + 1)),
        [b'\r'] if length > 1 => Err(Parsed::Needs((position + length) as u64 + 2)),
        _ => Err(Parsed::Garbage),
    }
}

/// Valid blocks found behind a bad one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct GoodBlocks {
    pub(super) count: u64,
    pub(super) bytes: u64,
    /// The highest log offset that one of them says was durable when it was written.
    pub(super) synced: u64,
}

/// Looks for valid blocks from `position` to the end of the file.
pub(super) fn good_blocks_from(window: &mut Window, mut position: u64) -> Result<GoodBlocks, Trouble> {
    let mut found = GoodBlocks::default();
    let finder = memchr::memmem::Finder::new(HEAD_PREFIX);
    while window.need(position, HEAD_PREFIX.len() as u64)? {
        let bytes = window.from(position);
        let Some(skip) = finder.find(bytes) else {
            position += (bytes.len() - HEAD_PREFIX.len() + 1) as u64;
            continue;
        };
        position += skip as u64;
        let whole = match shape_at(window, position, &mut Vec::new())? {
            Shape::Head(head_len, head) if block_is_good(window, position + head_len, &head)? => {
                found.count += 1;
                found.bytes += head_len + head.len;
                found.synced = found.synced.max(head.place.map_or(0, |place| place.synced));
                head_len + head.len
            }
            _ => 1,
        };
        position += whole;
    }
    Ok(found)
}

/// Whether the body at `start` is all there and the one that its head was written for.
pub(super) fn block_is_good(window: &mut Window, start: u64, head: &Head) -> Result<bool, Trouble> {
    if head.len > window.len().saturating_sub(start) || !window.need(start, head.len)? {
        return Ok(false);
    }
    Ok(head.matches(&window.from(start)[..head.len as usize]))
}

/// The length of the line at the beginning of `bytes`, if it is short enough for a comment.
pub(super) fn line_length(bytes: &[u8]) -> Option<u64> {
    memchr::memchr(b'\n', &bytes[..bytes.len().min(COMMENT_MAX_BYTES as usize)]).map(|end| end as u64 + 1)
}

/// What lies between a position and the end of a file, read as plain calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PlainTail {
    /// All of it is whole calls, comments and good blocks, and no transaction is open at the end.
    pub(super) is_whole: bool,
    /// A call ends at the boundary asked for.
    pub(super) ends_at_boundary: bool,
    /// A call outside any block selects a database, as a server's first call does.
    pub(super) selects: bool,
    /// The bad block at which it ends, if that is what ends it.
    pub(super) bad_block: Option<BadBlock>,
}

/// A block whose head is right and whose body is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadBlock {
    /// Where the body begins.
    pub(super) start: u64,
    /// Where it would end.
    pub(super) boundary: u64,
}

/// Reads from `position` to the end, or to a bad block, as plain calls.
pub(super) fn plain_tail(window: &mut Window, mut position: u64, boundary: u64) -> Result<PlainTail, Trouble> {
    let mut tail = PlainTail::default();
    let mut args = Vec::new();
    let mut in_group = false;
    loop {
        match shape_at(window, position, &mut args)? {
            Shape::Call(len) => {
                let bytes = window.from(position);
                tail.selects |= is_named(bytes, &args, b"select");
                in_group = if in_group { !is_named(bytes, &args, b"exec") } else { is_named(bytes, &args, b"multi") };
                position += len;
                tail.ends_at_boundary |= position == boundary;
            }
            Shape::Comment(len) => position += len,
            Shape::Head(len, head) => {
                let start = position + len;
                if !block_is_good(window, start, &head)? {
                    tail.bad_block = Some(BadBlock { start, boundary: start.saturating_add(head.len) });
                    return Ok(tail);
                }
                position = start + head.len;
            }
            Shape::Unfinished | Shape::Garbage => return Ok(tail),
            Shape::End => {
                tail.is_whole = !in_group;
                return Ok(tail);
            }
        }
    }
}

/// Whether a call's command is `name` (lower case).
pub(super) fn is_named(bytes: &[u8], args: &[Range<usize>], name: &[u8]) -> bool {
    args.first().is_some_and(|range| bytes[range.clone()].eq_ignore_ascii_case(name))
}

/// Whether from `position` on zero bytes stand in a row, as many as a lost sector leaves at least. (Where it leaves fewer, they are a
/// write's first bytes, hence an annotation's, or its last, hence a call's end.)
pub(super) fn has_zero_run(window: &mut Window, mut position: u64) -> Result<bool, Trouble> {
    let mut run = 0;
    while window.need(position, 1)? {
        let bytes = window.from(position);
        for &byte in bytes {
            run = if byte == 0 { run + 1 } else { 0 };
            if run == ZERO_RUN_BYTES {
                return Ok(true);
            }
        }
        position += bytes.len() as u64;
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{self, IoSlice};

    struct Bytes(Vec<u8>);

    impl DiskFile for Bytes {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let rest = &self.0[self.0.len().min(offset as usize)..];
            let count = rest.len().min(buffer.len()).min(7);
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
        fn write(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
            unreachable!("only read here")
        }
        fn sync_data(&mut self) -> io::Result<()> {
            unreachable!("only read here")
        }
        fn truncate(&mut self, _: u64) -> io::Result<()> {
            unreachable!("only read here")
        }
        fn len(&self) -> io::Result<u64> {
            Ok(self.0.len() as u64)
        }
    }

    fn shape(bytes: &[u8]) -> (Shape, Vec<Range<usize>>) {
        let mut args = Vec::new();
        let shape =
            shape_at(&mut Window::new(Box::new(Bytes(bytes.to_vec())), PathBuf::new()).unwrap(), 0, &mut args).unwrap();
        (shape, args)
    }

    #[test]
    fn a_call_is_whole_or_unfinished_at_every_cut() {
        let call = b"*2\r\n$4\r\nECHO\r\n$11\r\nhello\r\nyou!\r\n";
        assert_eq!(shape(call), (Shape::Call(call.len() as u64), vec![8..12, 19..30]));
        for cut in 1..call.len() {
            assert_eq!(shape(&call[..cut]).0, Shape::Unfinished, "cut at {cut}");
        }
        assert_eq!(shape(b"").0, Shape::End);
    }

    #[test]
    fn what_is_no_call_is_garbage_and_never_a_panic() {
        for bytes in [
            &b"!!!"[..],
            b"*0\r\n",
            b"*-1\r\n",
            b"*x\r\n",
            b"*1\n$1\r\na\r\n",
            b"*1\r\n+OK\r\n",
            b"*1\r\n$-1\r\n",
            b"*1\r\n$1\r\nabc",
            b"*99999999999999999999999\r\n",
            b"*1\r\n$18446744073709551615\r\n",
            b"# block len=1\r\n",
            b"#\0\r\n",
        ] {
            assert_eq!(shape(bytes).0, Shape::Garbage, "{}", bytes.escape_ascii());
        }
        assert_eq!(shape(b"*1\r\n$18446744073709551000\r\n").0, Shape::Unfinished);
        assert_eq!(shape(&[b"#".as_slice(), &[b'x'; 2000]].concat()).0, Shape::Garbage);
        assert_eq!(shape(b"#TS:1628217470\r\n").0, Shape::Comment(16));
        assert_eq!(shape(b"#TS:16282").0, Shape::Unfinished);
    }

    /// A log of Redis with one SADD of 40,000 members took minutes: the call was read and parsed anew for each of them.
    #[test]
    fn a_long_call_of_short_words_was_read_word_by_word() {
        let call = [b"*100000\r\n".as_slice(), &b"$5\r\nwords\r\n".repeat(100_000)].concat();
        let (len, step) = (call.len() as u64, READ_STEP_BYTES as u64);
        let mut window = Window::new(Box::new(Bytes(call)), PathBuf::new()).unwrap();
        for (needed, in_memory) in [(1, step), (step + 1, 2 * step), (2 * step + 1, 4 * step), (4 * step + 1, len)] {
            assert!(window.need(0, needed).unwrap());
            assert_eq!(window.from(0).len() as u64, in_memory);
        }
        let mut args = Vec::new();
        assert_eq!(shape_at(&mut window, 0, &mut args).unwrap(), Shape::Call(len));
        assert_eq!(args.len(), 100_000);
    }

    #[test]
    fn good_blocks_are_found_wherever_they_begin() {
        let mut bytes = vec![b'x'; 300_000];
        let head = Head::of(b"body", Some(super::super::block::Place { at: 9, synced: 5 }));
        head.print(&mut bytes);
        bytes.extend_from_slice(b"body# block # block len=4");
        let len = bytes.len() as u64;
        let found = good_blocks_from(&mut Window::new(Box::new(Bytes(bytes)), PathBuf::new()).unwrap(), 0).unwrap();
        assert_eq!((found.count, found.synced), (1, 5));
        assert_eq!(found.bytes, len - 300_000 - 21);
    }
}
