//! Sets: the same replies, as intsets, as listpacks as far as their order is not told, and as tables.

use crate::replies::compare;

/// Replies that tell no order of members.
const SHAPES: &[&str] = &[
    "SADD k v",
    "SADD k i i i",
    "SADD k v v i f f",
    "SADD k f 1|2|3|01|-0",
    "SREM k v f",
    "SREM k i 1|2|3",
    "SREM k f f f f f f",
    "SISMEMBER k f|1|2|v",
    "SMISMEMBER k f i v 1",
    "SCARD k",
    "SMOVE k k f",
    "SMOVE k k 1|2|3|v",
    "SMEMBERS nokey",
    "SPOP nokey",
    "SPOP nokey 0|1|-1|x|1.5",
    "SPOP k 0|-1|x",
    "SPOP k 1 2",
    "SRANDMEMBER nokey",
    "SRANDMEMBER nokey i",
    "SRANDMEMBER k 0|x",
    "SRANDMEMBER k 1 2",
    "SINTERCARD 1|2|3|0|-1|x k k",
    "SINTERCARD 2 k k LIMIT 0|1|2|-1|x",
    "SINTERCARD 2 k k LIMIT",
    "SINTERCARD 1 k v",
    "SINTERSTORE k k",
    "SINTERSTORE k k k",
    "SINTERSTORE k k k k",
    "SUNIONSTORE k k k",
    "SUNIONSTORE k k k k",
    "SDIFFSTORE k k k",
    "SDIFFSTORE k k k k",
    "SINTER k nokey k",
    "SDIFF nokey k",
    "SINTER nokey",
    "SUNION nokey nokey",
    "SSCAN nokey 0|17|x|18446744073709551615",
    "SSCAN k x|1.5",
    "SORT k ALPHA",
    "SET k v",
    "LPUSH k v",
    "DEL k",
    "TYPE k",
    "EXISTS k k",
    "COPY k k REPLACE",
    "RENAME k k",
    "SADD k",
    "SREM k",
    "SMOVE k k",
    "SINTERCARD 1",
    "SUNIONSTORE k",
];

/// Replies of sets that hold integers only, in order as long as they are intsets.
const INTEGERS: &[&str] = &[
    "SADD k 1|2|3|4|5|6",
    "SADD k 1 -1 70000 5000000000 -5000000000",
    "SADD k 1|2|3|4 5|6|7 100|-100|40000",
    "SREM k 1|2|3 4|5|6",
    "SMOVE k k 1|2|3|4",
    "SMEMBERS k",
    "SINTER k k",
    "SINTER k k k",
    "SUNION k k",
    "SUNION k k k",
    "SDIFF k k",
    "SDIFF k k k",
    "SINTERSTORE k k k",
    "SUNIONSTORE k k k",
    "SDIFFSTORE k k k",
    "SSCAN k 0",
    "SSCAN k 0 MATCH 1*|*0|[2-4] COUNT 1|100",
    "SSCAN k 0 COUNT 0|x|-1",
    "SSCAN k 0 v",
    "SRANDMEMBER k 100",
    "SPOP k 100",
    "OBJECT ENCODING k",
    "DEL k",
];

#[test]
fn sets_get_the_same_replies() {
    compare(SHAPES, &[]);
}

#[test]
fn sets_get_the_same_replies_as_they_become_tables() {
    compare(SHAPES, &["--set-max-intset-entries", "2"]);
}

#[test]
fn sets_of_integers_get_the_same_replies() {
    compare(INTEGERS, &[]);
}
