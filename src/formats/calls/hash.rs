//! Hashes as HMSET calls, and their fields' deadlines as HPEXPIREAT calls behind them: what Redis 7.4 and Valkey 9 both understand.

use super::{ELEMENTS_PER_CALL, write_call, write_head, write_word};
use crate::structures::listpack::Entry;
use crate::values::hash::{Field, HashRef};

/// Appends the calls.
pub(super) fn write(key: &[u8], hash: HashRef<'_>, out: &mut Vec<u8>) {
    let mut left = hash.len();
    let mut fields = hash.iter();
    while left > 0 {
        let count = left.min(ELEMENTS_PER_CALL);
        write_head(2 + 2 * count, out);
        write_word(b"HMSET", out);
        write_word(key, out);
        for Field { name, value, .. } in fields.by_ref().take(count) {
            write_entry(name, out);
            write_entry(value, out);
        }
        left -= count;
    }
    write_deadlines(key, hash, out);
}

/// Appends the calls that give the fields their deadlines: one for each run of fields that have the same.
pub fn write_deadlines(key: &[u8], hash: HashRef<'_>, out: &mut Vec<u8>) {
    if !hash.has_deadlines() {
        return;
    }
    write_runs(key, hash.iter().filter_map(|field| Some((field.deadline?, field.name))), out);
}

/// Appends the calls for these deadlines.
pub(super) fn write_runs<'a>(key: &[u8], fields: impl Iterator<Item = (u64, Entry<'a>)>, out: &mut Vec<u8>) {
    let (mut run, mut deadline) = (Vec::with_capacity(ELEMENTS_PER_CALL), 0);
    for (of_field, name) in fields {
        if of_field != deadline || run.len() == ELEMENTS_PER_CALL {
            write_run(key, deadline, &mut run, out);
            deadline = of_field;
        }
        run.push(name);
    }
    write_run(key, deadline, &mut run, out);
}

fn write_run(key: &[u8], deadline: u64, names: &mut Vec<Entry<'_>>, out: &mut Vec<u8>) {
    if names.is_empty() {
        return;
    }
    let (mut time, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    write_head(5 + names.len(), out);
    for word in
        [&b"HPEXPIREAT"[..], key, time.format(deadline).as_bytes(), b"FIELDS", count.format(names.len()).as_bytes()]
    {
        write_word(word, out);
    }
    names.drain(..).for_each(|name| write_entry(name, out));
}

pub(super) fn write_entry(entry: Entry<'_>, out: &mut Vec<u8>) {
    write_word(entry.as_slice(&mut itoa::Buffer::new()), out);
}

/// Appends a SELECT.
pub fn write_select(db: usize, out: &mut Vec<u8>) {
    write_call(&[b"SELECT", itoa::Buffer::new().format(db).as_bytes()], out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::KeyHasher;
    use crate::values::Encodings;
    use crate::values::hash::{FieldTtl, Hash};

    #[test]
    fn sixty_four_fields_a_call_and_one_call_for_equal_deadlines() {
        let encodings = Encodings::new(KeyHasher::new([0; 16]));
        let mut hash = Hash::default();
        for n in 0..70 {
            hash.set(format!("f{n}").as_bytes(), b"v", FieldTtl::Clear, &encodings).unwrap();
        }
        for (name, deadline) in [("f1", 20), ("f2", 10), ("f3", 20)] {
            hash.set_deadline(name.as_bytes(), Some(deadline)).unwrap();
        }
        let mut out = Vec::new();
        write(b"k", hash.as_ref(), &mut out);
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("*130\r\n$5\r\nHMSET\r\n$1\r\nk\r\n$2\r\nf2\r\n$1\r\nv\r\n"), "{out}");
        let rest = out.split_once("*14\r\n$5\r\nHMSET\r\n").unwrap().1;
        let calls = "*6\r\n$10\r\nHPEXPIREAT\r\n$1\r\nk\r\n$2\r\n10\r\n$6\r\nFIELDS\r\n$1\r\n1\r\n$2\r\nf2\r\n\
                     *7\r\n$10\r\nHPEXPIREAT\r\n$1\r\nk\r\n$2\r\n20\r\n$6\r\nFIELDS\r\n$1\r\n2\r\n$2\r\nf1\r\n$2\r\nf3\r\n";
        assert!(rest.ends_with(calls), "{rest}");
    }
}
