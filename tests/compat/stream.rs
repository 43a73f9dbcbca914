//! Streams: the same replies. What differs between versions of Redis is left out: deleted entries among those pending, the lag after
//! an entry in the middle has gone.

use crate::replies::compare;

const SHAPES: &[&str] = &[
    "XADD k d f v",
    "XADD k d f v f v",
    "XADD k 1-*|2-*|5-* f v",
    "XADD k NOMKSTREAM d f v",
    "XADD k MAXLEN 0|1|3|=|-1|x d f v",
    "XADD k MAXLEN = 2|3 d f v",
    "XADD k MINID = d d f v",
    "XADD k MAXLEN ~ 100 d f v",
    "XADD k MAXLEN 1 LIMIT 5 d f v",
    "XADD k 0-0 f v",
    "XADD k v f v",
    "XADD k d f",
    "XLEN k",
    "XRANGE k - +",
    "XRANGE k d d",
    "XRANGE k (d +",
    "XRANGE k - + COUNT 0|1|2|-1|x",
    "XREVRANGE k + -",
    "XREVRANGE k d d COUNT 1|2",
    "XRANGE k v +",
    "XDEL k d d",
    "XDEL k v",
    "XTRIM k MAXLEN 0|1|2|x",
    "XTRIM k MINID d",
    "XTRIM k MAXLEN = 1 LIMIT 1",
    "XTRIM k NOTHING 1",
    "XSETID k 90-0|91-1",
    "XSETID k 100-0 ENTRIESADDED i MAXDELETEDID d",
    "XREAD STREAMS k d",
    "XREAD COUNT 1|2|0 STREAMS k k d 0",
    "XREAD STREAMS k",
    "XREAD BLOCK 1|-1|x STREAMS k $",
    "XREAD STREAMS k k 0",
    "XGROUP CREATE k g 0|$|d",
    "XGROUP CREATE k h 0|$ MKSTREAM",
    "XGROUP CREATE k g 0 ENTRIESREAD 0|1|-1|-2|x",
    "XGROUP SETID k g|h 0|$|d",
    "XGROUP DESTROY k h",
    "XGROUP CREATECONSUMER k g|h a|b",
    "XGROUP DELCONSUMER k g|h a|b",
    "XREADGROUP GROUP g a|b COUNT 1|2 STREAMS k >",
    "XREADGROUP GROUP g|h a|b STREAMS k >",
    "XREADGROUP GROUP g a|b NOACK STREAMS k >",
    "XREADGROUP GROUP g a STREAMS k",
    "XREADGROUP GROUP nogroup a STREAMS k >",
    "XACK k g|h d d",
    "XACK k g v",
    "XPENDING k g|h",
    "XPENDING k nogroup",
    "XPENDING k g IDLE 100000 - + 10",
    "XPENDING k g - +",
    "XCLAIM k g a|b 0 d JUSTID",
    "XCLAIM k g a|b 10000000 d",
    "XCLAIM k g a 0 v",
    "XAUTOCLAIM k g a|b 10000000 0 COUNT 1|2",
    "XAUTOCLAIM k g a 0 v",
    "XAUTOCLAIM k g a 0 0 COUNT 0",
    "XINFO STREAM nokey",
    "XINFO GROUPS nokey",
    "XINFO CONSUMERS k nogroup",
    "XINFO HELPME k",
    "SET k v",
    "DEL k",
    "TYPE k",
    "COPY k k REPLACE",
    "RENAME k k",
    "XADD k",
    "XRANGE k -",
];

#[test]
fn streams_get_the_same_replies() {
    compare(SHAPES, &[]);
}

#[test]
fn streams_of_small_blocks_get_the_same_replies() {
    compare(SHAPES, &["--stream-node-max-entries", "3"]);
}
