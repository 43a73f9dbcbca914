//! Tests of what the encodings do; that they all do the same is in `tests/model/hash.rs`.

use super::*;
use crate::base::hash::KeyHasher;

fn encodings() -> Encodings {
    Encodings { hash_max_listpack_entries: 4, hash_max_listpack_value: 8, ..Encodings::new(KeyHasher::new([3; 16])) }
}

fn hash_of(fields: &[(&str, &str)]) -> Hash {
    let mut hash = Hash::default();
    for (name, value) in fields {
        hash.set(name.as_bytes(), value.as_bytes(), FieldTtl::Clear, &encodings()).unwrap();
    }
    hash
}

fn shown(hash: &Hash) -> Vec<(String, String, u64)> {
    let text = |entry: Entry<'_>| String::from_utf8(entry.to_vec()).unwrap();
    hash.as_ref().iter().map(|field| (text(field.name), text(field.value), field.deadline.unwrap_or(0))).collect()
}

#[test]
fn what_is_long_or_many_becomes_a_table_and_stays_one() {
    let mut hash = hash_of(&[("a", "12345678"), ("b", ""), ("c", "3"), ("d", "4")]);
    assert_eq!(hash.as_ref().encoding(), "listpack");
    assert_eq!(hash_of(&[("a", "123456789")]).as_ref().encoding(), "hashtable");
    assert_eq!(hash_of(&[("a longer name", "1")]).as_ref().encoding(), "hashtable");
    hash.set(b"a", b"1", FieldTtl::Clear, &encodings()).unwrap();
    assert_eq!(hash.as_ref().encoding(), "listpack");
    assert!(hash.set(b"e", b"5", FieldTtl::Clear, &encodings()).unwrap());
    assert_eq!((hash.as_ref().encoding(), hash.len()), ("hashtable", 5));
    assert!(hash.remove(b"e") && !hash.remove(b"e") && hash.remove(b"d"));
    assert_eq!((hash.as_ref().encoding(), hash.len()), ("hashtable", 3));
    let mut many = Hash::default();
    many.expect(5, &encodings()).unwrap();
    assert_eq!(many.as_ref().encoding(), "hashtable");
    assert!(many.is_empty());
}

#[test]
fn fields_stand_by_their_deadlines() {
    let mut hash = hash_of(&[("a", "1"), ("b", "text"), ("c", "3"), ("d", "4")]);
    hash.set_deadline(b"c", None).unwrap();
    assert_eq!(hash.as_ref().encoding(), "listpack");
    hash.set_deadline(b"c", Some(50)).unwrap();
    hash.set_deadline(b"b", Some(70)).unwrap();
    hash.set_deadline(b"d", Some(50)).unwrap();
    let order = |hash: &Hash| shown(hash).into_iter().map(|(name, ..)| name).collect::<String>();
    assert_eq!((hash.as_ref().encoding(), order(&hash).as_str()), ("listpackex", "cdba"));
    assert_eq!(hash.as_ref().next_deadline(), Some(50));
    hash.set(b"b", b"kept", FieldTtl::Keep, &encodings()).unwrap();
    hash.set(b"c", b"cleared", FieldTtl::Clear, &encodings()).unwrap();
    assert_eq!(order(&hash), "dbac");
    assert_eq!(hash.find(b"b").unwrap().deadline, Some(70));
    hash.set_deadline(b"b", None).unwrap();
    let (mut gone, mut budget) = (Vec::new(), 10);
    hash.expire_due(50, &mut budget, |name| gone.push(name.to_vec()));
    assert_eq!((gone, budget), (vec![b"d".to_vec()], 9));
    assert!(!hash.as_ref().has_deadlines());
    assert_eq!((hash.as_ref().encoding(), order(&hash).as_str()), ("listpackex", "acb"));
}

/// It was counted from a time behind it, which RDB wrote as a deadline beyond all that it reads: the server refused its own snapshot.
#[test]
fn a_field_due_before_a_clock_that_had_been_set_back_was_saved_with_no_end() {
    let mut hash = hash_of(&[("a", "1"), ("b", "2")]);
    hash.set(b"c", b"longer than that", FieldTtl::Clear, &encodings()).unwrap();
    hash.set_deadline(b"a", Some(5000)).unwrap();
    hash.expire_due(4000, &mut 1000, |_| {});
    hash.set_deadline(b"b", Some(3000)).unwrap();
    assert!(hash.as_ref().deadlines_from().is_some_and(|time| time <= 3000));
}

#[test]
fn deadlines_go_along_into_the_table() {
    let mut hash = hash_of(&[("a", "1"), ("b", "2")]);
    hash.set_deadline(b"a", Some(1_700_000_000_000)).unwrap();
    hash.set(b"c", b"longer than that", FieldTtl::Clear, &encodings()).unwrap();
    assert_eq!(hash.as_ref().encoding(), "hashtable");
    assert_eq!(hash.find(b"a").unwrap().deadline, Some(1_700_000_000_000));
    assert!(hash.as_ref().next_deadline().is_some_and(|next| next <= 1_700_000_000_000));
    assert_eq!(hash.clone(), hash);
    let mut gone = Vec::new();
    hash.expire_due(1_699_999_999_999, &mut 1000, |name| gone.push(name.to_vec()));
    assert_eq!(gone, [b""; 0]);
    hash.expire_due(1_700_000_000_000, &mut 1000, |name| gone.push(name.to_vec()));
    assert_eq!(gone, [b"a"]);
    let Hash::Table(table) = &hash else { panic!("a table") };
    table.check_invariants();
}
