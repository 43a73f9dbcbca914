//! Which form a set takes, by the rules of Redis 8.0; groups of members; picks at the edges.

use super::*;
use crate::base::hash::KeyHasher;
use crate::base::random::Generator;
use crate::values::Encodings;

fn encodings() -> Encodings {
    Encodings {
        set_max_intset_entries: 4,
        set_max_listpack_entries: 3,
        set_max_listpack_value: 5,
        ..Encodings::new(KeyHasher::new([3; 16]))
    }
}

fn set_of(members: &[&str]) -> Set {
    let mut set = Set::default();
    set.expect(members[0].as_bytes(), members.len(), &encodings()).unwrap();
    add(&mut set, members);
    set
}

fn add(set: &mut Set, members: &[&str]) {
    set.insert_all(members.iter().map(|member| member.as_bytes()), &encodings()).unwrap();
    set.check_invariants();
}

fn members(set: SetRef<'_>) -> Vec<String> {
    let mut members: Vec<String> =
        set.iter().map(|member| String::from_utf8(member.to_vec()).expect("members of these tests")).collect();
    members.sort_unstable();
    members
}

#[test]
fn the_form_that_a_set_begins_with() {
    for (words, encoding) in [
        (&["1"][..], "intset"),
        (&["1", "2", "3", "4"], "intset"),
        (&["1", "2", "3", "4", "5"], "hashtable"),
        (&["a"], "listpack"),
        (&["a", "1", "b"], "listpack"),
        (&["a", "1", "b", "c"], "hashtable"),
        (&["a", "a", "a", "a"], "hashtable"),
        (&["toolong"], "hashtable"),
        (&["1", "a"], "listpack"),
        (&["1", "2", "3", "a"], "hashtable"),
        (&["123456", "a"], "hashtable"),
        (&["-1234", "01"], "listpack"),
        (&["-12345", "01"], "hashtable"),
    ] {
        assert_eq!(set_of(words).as_ref().encoding(), encoding, "{words:?}");
    }
}

#[test]
fn the_form_follows_what_comes_and_does_not_go_back() {
    let mut set = set_of(&["3", "1", "2"]);
    add(&mut set, &["1", "4"]);
    assert_eq!(
        (set.as_ref().encoding(), members(set.as_ref())),
        ("intset", ["1", "2", "3", "4"].map(String::from).to_vec())
    );
    add(&mut set, &["5"]);
    assert_eq!((set.as_ref().encoding(), set.len()), ("hashtable", 5));
    for member in ["5", "4", "3", "2"] {
        assert!(set.remove(member.as_bytes()) && !set.remove(member.as_bytes()));
    }
    assert_eq!((set.as_ref().encoding(), members(set.as_ref())), ("hashtable", vec!["1".to_string()]));

    let mut set = set_of(&["1"]);
    set.expect(b"x", 5, &encodings()).unwrap();
    assert_eq!(set.as_ref().encoding(), "hashtable", "a call that brings too many makes a table at once");
}

#[test]
fn members_that_are_integers_make_an_intset_again_when_asked() {
    let mut set = set_of(&["3", "x"]);
    set.make_ints(&encodings());
    assert_eq!(set.as_ref().encoding(), "listpack");
    assert!(set.remove(b"x"));
    set.make_ints(&encodings());
    assert_eq!((set.as_ref().encoding(), members(set.as_ref())), ("intset", vec!["3".to_string()]));
    let mut set = set_of(&["1", "2", "3", "4", "5"]);
    set.make_ints(&encodings());
    assert_eq!(set.as_ref().encoding(), "hashtable");
}

#[test]
fn a_group_is_filtered_by_sets_of_every_form() {
    let all: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let table = set_of(&all);
    let others = [set_of(&["1", "2", "3", "4"]), set_of(&["1", "3", "x"]), set_of(&["0", "1", "2", "3", "4", "5"])];
    let (mut common, mut rest, mut group) = (Vec::new(), Vec::new(), Group::default());
    let mut iter = table.as_ref().iter();
    while group.refill(&mut iter) {
        others.iter().for_each(|other| group.keep_those_in(other.as_ref()));
        common.extend(group.iter().map(Entry::to_vec));
    }
    let mut iter = table.as_ref().iter();
    while group.refill(&mut iter) {
        others.iter().for_each(|other| group.keep_those_not_in(other.as_ref()));
        rest.extend(group.iter().map(Entry::to_vec));
    }
    common.sort();
    assert_eq!(common, [b"1", b"3"]);
    assert_eq!(rest.len(), 34);
    assert!(!rest.contains(&b"5".to_vec()) && rest.contains(&b"6".to_vec()));
}

#[test]
fn picks_at_the_edges() {
    let mut random = Generator::new(1);
    for words in [&["1", "2", "3"][..], &["a", "b", "3"], &["a", "b", "c", "d", "e", "f", "g"]] {
        let set = set_of(words);
        for count in 0..=words.len() + 1 {
            let mut picked = Vec::new();
            set.as_ref().random_distinct(count, &mut random, |member| picked.push(member.to_vec()));
            picked.sort();
            picked.dedup();
            assert_eq!(picked.len(), count.min(words.len()));
        }
        for count in 1..words.len() {
            let (mut some, mut popped) = (set.clone(), Vec::new());
            some.pop_some(count, &mut random, |member| popped.push(String::from_utf8(member.to_vec()).unwrap()));
            popped.extend(members(some.as_ref()));
            popped.sort();
            assert_eq!(popped, members(set.as_ref()));

            let mut popped = Vec::new();
            let show = |member: Entry<'_>| popped.push(String::from_utf8(member.to_vec()).unwrap());
            let rest = set.pop_most(count, &mut random, &encodings(), show).unwrap();
            assert_eq!(rest.len(), count);
            popped.extend(members(rest.as_ref()));
            popped.sort();
            assert_eq!(popped, members(set.as_ref()));
        }
    }
    let mut empty = Set::default();
    assert_eq!(empty.as_ref().random(&mut random), None);
    empty.pop(&mut random, |_| panic!("nothing to pop"));
    empty.as_ref().random_with_repetition(3, &mut random, |_| panic!("nothing to show"));
}
