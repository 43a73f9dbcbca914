//! Lists: the same replies, for listpacks, quicklists of small chunks, and large elements.

use crate::replies::compare;

const SHAPES: &[&str] = &[
    "RPUSH k a|b|c|v",
    "RPUSH k a|b|c|v i a|b 12",
    "LPUSH k a|b|c|v",
    "LPUSH k a|b|c|v i v v v",
    "LPUSHX k v",
    "RPUSHX k v a",
    "LPOP k",
    "RPOP k",
    "LPOP k i",
    "RPOP k 0|1|2|5",
    "LPOP k 1 2",
    "LLEN k",
    "LINDEX k i",
    "LINDEX k 0|1|-1|-2",
    // Redis cuts the index to 32 bits, so that some that are far out of range are not; and 7.0 knows no bounds in LREM and LPOS.
    "LSET k 0|1|2|5|-1|-3|-30|1.5 a|b|c|v",
    "LRANGE k 0 -1",
    "LRANGE k i i",
    "LTRIM k 0|1|2 -1|-2|-3",
    "LTRIM k 0|1|-5 5|8|-1",
    "LTRIM k i i",
    "LREM k 0|1|2|-1|-2|x a|b|c|12",
    "LINSERT k BEFORE|AFTER|before|v a|b|c|12 a|b|v",
    "LPOS k a|b|c|12",
    "LPOS k a|b RANK 1|2|-1|-2|0|x",
    "LPOS k a|b COUNT 0|1|2|-1|v RANK 1|-1",
    "LPOS k a|b MAXLEN 0|2|5|-1 COUNT 0|1",
    "LPOS k a|b RANK",
    "LMOVE k k LEFT|RIGHT LEFT|RIGHT|v",
    "RPOPLPUSH k k",
    "LMPOP 1 k LEFT|RIGHT|v",
    "LMPOP 2 k k LEFT|RIGHT COUNT 1|2|10|0|v",
    "LMPOP i k LEFT",
    "BLPOP k 0.001|-1|x|0x0.1",
    "BRPOP k k 0.001",
    "BLMOVE k k LEFT|RIGHT LEFT|RIGHT 0.001|x",
    "BRPOPLPUSH k k 0.001",
    "BLMPOP 0.001|-1|x 2 k k LEFT|RIGHT COUNT 1|3|0",
    "BLMPOP 0.001 1 k LEFT",
    "TYPE k",
    "DEL k",
    "EXISTS k k",
    "COPY k k REPLACE",
    "RENAME k k",
    "SET k v",
    "DEBUG DIGEST-VALUE k k k",
    "LPUSH k",
    "LPOP",
    "LPOS k",
    "LRANGE k 0",
];

const DEBUG: [&str; 2] = ["--enable-debug-command", "yes"];

#[test]
fn lists_get_the_same_replies() {
    compare(SHAPES, &DEBUG);
}

#[test]
fn long_lists_get_the_same_replies() {
    compare(SHAPES, &[&DEBUG[..], &["--list-max-listpack-size", "3"]].concat());
}
