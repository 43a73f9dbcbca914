//! Sorted sets: the same replies, packed and in their big form.

use crate::replies::compare;

const SHAPES: &[&str] = &[
    "ZADD k i f",
    "ZADD k n f n f n f",
    "ZADD k n v n v",
    "ZADD k NX|XX|GT|LT n f n f",
    "ZADD k NX|XX|CH GT|LT|CH|NX n f n f",
    "ZADD k XX GT|LT CH n f",
    "ZADD k INCR n f",
    "ZADD k NX|XX|GT|LT INCR n f",
    "ZADD k INCR n f n f",
    "ZADD k n f n",
    "ZADD k x|1.5x|nan f",
    "ZADD k 0 f 0 f 0 f 0 f",
    "ZADD k 0 v 0 v",
    "ZINCRBY k n f",
    "ZINCRBY k x|nan f",
    "ZREM k f f",
    "ZREM k f f f f f f",
    "ZSCORE k f",
    "ZMSCORE k f f v",
    "ZCARD k",
    "ZRANK k f",
    "ZREVRANK k f",
    "ZCOUNT k b b",
    "ZCOUNT k x|(x 1",
    "ZLEXCOUNT k - +",
    "ZRANGE k 0 -1",
    "ZRANGE k 0 -1 WITHSCORES",
    "ZRANGE k i i WITHSCORES",
    "ZRANGE k i i REV WITHSCORES",
    "ZRANGE k b b BYSCORE WITHSCORES",
    // A negative offset of LIMIT finds nothing, as in Redis 7.0; in 8.0 only where the set is packed.
    "ZRANGE k b b BYSCORE REV LIMIT 0|1|2 1|2|-1|0",
    "ZRANGE k 0 -1 LIMIT 0 1",
    "ZRANGE k - + BYLEX WITHSCORES",
    "ZRANGE k 0 -1 v",
    "ZRANGE k x 1 BYSCORE",
    "ZRANGE k v v BYLEX",
    "ZREVRANGE k i i WITHSCORES",
    "ZRANGEBYSCORE k b b",
    "ZRANGEBYSCORE k b b WITHSCORES LIMIT 0|1|2 1|2|-1",
    "ZREVRANGEBYSCORE k b b WITHSCORES",
    "ZREVRANGEBYSCORE k b b LIMIT 1 2",
    "ZRANGESTORE k k 0|1|-2 -1|2",
    "ZRANGESTORE k k b b BYSCORE REV|LIMIT 0 2",
    "ZREMRANGEBYSCORE k b b",
    "ZREMRANGEBYRANK k i i",
    "ZREMRANGEBYRANK k 0|1|-1 0|1|-1",
    "ZPOPMIN k",
    "ZPOPMAX k",
    "ZPOPMIN k 0|1|2|-1|x",
    "ZPOPMAX k 0|1|2|100",
    "ZPOPMIN k 1 2",
    "ZMPOP 1|2|0|x k k MIN|MAX",
    "ZMPOP 2 k k MIN|MAX|v COUNT 1|2|0|-1|x",
    "BZPOPMIN k 0.001|-1|x",
    "BZPOPMAX k k 0.001",
    "BZMPOP 0.001|-1|x 2 k k MIN|MAX COUNT 1|3|0",
    "ZUNION 2 k k WITHSCORES",
    "ZUNION 2 k k WEIGHTS n n AGGREGATE SUM|MIN|MAX|v WITHSCORES",
    "ZUNION 2 k k",
    "ZINTER 2 k k WITHSCORES",
    "ZINTER 3 k k k AGGREGATE SUM|MIN|MAX WITHSCORES",
    "ZINTER 1|0|3|x k k",
    "ZDIFF 2 k k WITHSCORES",
    "ZDIFF 3 k k k",
    "ZDIFF 2 k k WEIGHTS 1 2",
    "ZUNIONSTORE k 2 k k",
    "ZUNIONSTORE k 2 k k WEIGHTS n n|x",
    "ZINTERSTORE k 2 k k AGGREGATE MIN|MAX",
    "ZDIFFSTORE k 2 k k",
    "ZINTERCARD 2 k k",
    "ZINTERCARD 2 k k LIMIT 0|1|2|-1|x",
    "ZRANDMEMBER nokey",
    "ZRANDMEMBER nokey i",
    "ZRANDMEMBER k 0|x",
    "ZRANDMEMBER k 0 WITHSCORES|v",
    "ZSCAN nokey 0|17|x",
    "ZSCAN k x|1.5",
    "SADD s f f 1|2",
    "ZUNIONSTORE k 2 s k",
    "ZINTER 2 s k WITHSCORES",
    "ZDIFFSTORE k 2 k s",
    "OBJECT ENCODING k",
    "SET k v",
    "DEL k",
    "TYPE k",
    "EXISTS k k",
    "COPY k k REPLACE",
    "RENAME k k",
    "ZADD k",
    "ZADD k 1",
    "ZRANGE k 0",
    "ZUNIONSTORE k 1",
    "ZMPOP 1 k",
];

/// Members of equal scores, which is what these are for.
const LEXICAL: &[&str] = &[
    "ZADD k 0 f 0 f 0 a|b|c|d",
    "ZADD k 0 v",
    "ZREM k f a|b",
    "ZLEXCOUNT k l l",
    "ZRANGEBYLEX k l l",
    "ZRANGEBYLEX k l l LIMIT 0|1|2 1|2|-1",
    "ZREVRANGEBYLEX k l l",
    "ZREVRANGEBYLEX k l l LIMIT 1 2",
    "ZRANGE k l l BYLEX",
    "ZRANGE k l l BYLEX REV LIMIT 0|1 2|-1",
    "ZRANGESTORE k k l l BYLEX",
    "ZREMRANGEBYLEX k l l",
    "ZRANGEBYLEX k v l",
    "ZRANGE k 0 -1",
    "ZCARD k",
];

/// Replies in the order of members, which only a packed set has.
const IN_ORDER: &[&str] = &["ZSCAN k 0", "ZSCAN k 0 MATCH f[1-3]|*|v", "ZSCAN k 0 COUNT i", "ZSCAN k 0 v v"];

#[test]
fn packed_sorted_sets_get_the_same_replies() {
    let packed = ["--zset-max-listpack-value", "100000"];
    compare(&[SHAPES, IN_ORDER].concat(), &packed);
}

#[test]
fn sorted_sets_get_the_same_replies_as_they_outgrow_their_packs() {
    compare(SHAPES, &["--zset-max-listpack-entries", "4"]);
}

#[test]
fn ranges_of_members_get_the_same_replies() {
    compare(LEXICAL, &[]);
    compare(LEXICAL, &["--zset-max-listpack-entries", "0"]);
}
