//! SORT: the same replies. What Redis 7.0 takes for a number, and 8.0 does not, is left out, and the other way round.

use crate::replies::compare_after;

/// Every element has a weight of its own: the order of equal ones is nobody's promise.
const WEIGHTS: &[&str] = &[
    "MSET w_1 5 w_2 -3 w_3 10 w_4 0.5 w_5 1e3 w_-6 07 w_7.5 -0.25 w_a 2 w_b 3 w_c 4",
    "MSET t_1 x t_2 y t_3 xx t_4 12 t_5 3 t_-6 z t_7.5 za t_a b t_b zzzzzzzzzzzz t_c zzzzzzzzzzzy",
    "HSET h_1 f 5 g x",
    "HSET h_2 f 2",
    "HSET h_3 f 3 g y",
    "SADD h_4 x",
    "HSET h_b g z f 1",
];

const SHAPES: &[&str] = &[
    "RPUSH k 1|2|3 4|5|-6 7.5",
    "RPUSH k 1|2|3|4|5|-6|7.5",
    "RPUSH k a|b|c 1|2",
    "LPUSH k 5 4 3|2|1 -6",
    "SADD s 1|2|3 4|5",
    "SADD t a|b|c 1|2 -6|7.5",
    "SREM s|t 1|2|3|4|5|a",
    "ZADD k i 1|2|3 i 4|5 i -6",
    "ZADD k i a|b|c i 7.5",
    "SET k v",
    "DEL k k",
    "SORT k|s|t",
    "SORT_RO k|s|t DESC",
    "SORT k|s|t LIMIT 0|1|2|-1 0|1|2|3|-1|100",
    "SORT k|s|t DESC LIMIT i i",
    "SORT k|s|t ALPHA",
    "SORT k|s|t ALPHA DESC LIMIT 0|1|2|3 1|2|3",
    "SORT k|s|t BY w_*",
    "SORT k|s|t BY w_* DESC LIMIT 0|1|2 1|2|5 GET # GET t_*",
    "SORT k|s|t BY t_* ALPHA ASC|DESC",
    "SORT k|s|t BY t_* ALPHA LIMIT 0|1|2 1|2|3",
    "SORT k|s|t BY h_*->f GET h_*->g GET #",
    "SORT k|s|t BY h_*->f DESC LIMIT 1 3",
    "SORT k|s|t GET w_* GET h_*->f GET nothing GET h_*->",
    "SORT k|s|t STORE k",
    "SORT k|s|t ALPHA STORE k",
    "SORT k|s|t BY w_* GET # GET h_*->g LIMIT 0|1 2|4 STORE k",
    "SORT k|s|t BY t_* ALPHA DESC STORE k",
    "SORT k|s|t BY nosort STORE k",
    "SORT k BY nosort DESC LIMIT 1|2 1|2 STORE k",
    // Not of sets, whose order is their own.
    "SORT k BY nosort|# ASC|DESC",
    "SORT k BY nosort ASC|DESC LIMIT 0|1|2|5 0|1|2|5",
    "SORT k|s|t BY",
    "SORT k|s|t LIMIT 1",
    "SORT k|s|t LIMIT v 1",
    "SORT_RO k|s|t STORE k",
    "SORT k|s|t v",
    "LRANGE k 0 -1",
    "COMMAND GETKEYS SORT k BY|GET|LIMIT|v STORE|k STORE|x k",
];

#[test]
fn packed_collections_are_sorted_alike() {
    compare_after(WEIGHTS, SHAPES, &[]);
}

#[test]
fn lists_and_sorted_sets_are_sorted_alike_in_their_big_forms() {
    compare_after(WEIGHTS, SHAPES, &["--list-max-listpack-size", "2", "--zset-max-listpack-entries", "0"]);
}
