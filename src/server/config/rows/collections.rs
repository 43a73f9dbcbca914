//! Sizes up to which collections keep their small encodings.

use super::prelude::*;

/// The topic "Encodings".
pub(crate) const TOPIC: Topic = Topic {
    title: "Encodings",
    intro: "Small collections are packed into one block: less memory, and linear time that does not matter at that \
            size.",
    directives: DIRECTIVES,
};

const DIRECTIVES: &[Directive] = &[
    Directive::integer("hash-max-listpack-entries", int!(hash_max_listpack_entries), 0, I64_MAX, "512")
        .alias("hash-max-ziplist-entries")
        .doc("Fields of a packed hash."),
    Directive::integer("hash-max-listpack-value", int!(hash_max_listpack_value_bytes), 0, I64_MAX, "64")
        .memory()
        .alias("hash-max-ziplist-value")
        .doc("Longest field or value in it."),
    Directive::integer("list-max-listpack-size", int!(list_max_listpack_size), INT_MIN, INT_MAX, "-2")
        .alias("list-max-ziplist-size")
        .doc("Size of one block of a list: elements when positive; -1 to -5 mean 4, 8, 16, 32 and 64 KiB."),
    Directive::integer("list-compress-depth", int!(list_compress_depth), 0, INT_MAX, "0")
        .no_effect("lists are not compressed: it would take more time than the memory is worth")
        .doc("Blocks at each end of a list that stay uncompressed; 0 compresses none."),
    Directive::integer("set-max-intset-entries", int!(set_max_intset_entries), 0, I64_MAX, "512")
        .doc("Members of a set of integers that is kept as a sorted array."),
    Directive::integer("set-max-listpack-entries", int!(set_max_listpack_entries), 0, I64_MAX, "128")
        .doc("Members of a packed set."),
    Directive::integer("set-max-listpack-value", int!(set_max_listpack_value_bytes), 0, I64_MAX, "64")
        .doc("Longest member in it."),
    Directive::integer("zset-max-listpack-entries", int!(zset_max_listpack_entries), 0, I64_MAX, "128")
        .alias("zset-max-ziplist-entries")
        .doc("Members of a packed sorted set."),
    Directive::integer("zset-max-listpack-value", int!(zset_max_listpack_value_bytes), 0, I64_MAX, "64")
        .memory()
        .alias("zset-max-ziplist-value")
        .doc("Longest member in it."),
    Directive::integer("hll-sparse-max-bytes", int!(hll_sparse_max_bytes), 0, I64_MAX, "3000")
        .memory()
        .doc("Size up to which a HyperLogLog keeps its sparse form."),
    Directive::integer("stream-node-max-bytes", int!(stream_node_max_bytes), 0, I64_MAX, "4096")
        .memory()
        .doc("Size of one block of a stream; 0: no limit."),
    Directive::integer("stream-node-max-entries", int!(stream_node_max_entries), 0, I64_MAX, "100")
        .doc("Entries of one; 0: no limit."),
];
