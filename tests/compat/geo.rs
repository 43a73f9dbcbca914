//! Points on earth: the same replies.

use crate::replies::compare;

const SHAPES: &[&str] = &[
    "GEOADD k p p f",
    "GEOADD k p p f p p f p p f",
    "GEOADD k NX|XX|CH p p f p p f",
    "GEOADD k NX XX p p f",
    "GEOADD k 181|-180.1|v 10 f",
    "GEOADD k 10 85.1|-86|v f",
    "GEOADD k p p f p p",
    "GEOADD k 13.361389 38.115556 f 15.087269 37.502669 f",
    "GEOPOS k f f nobody",
    "GEOPOS k",
    "GEODIST k f f",
    "GEODIST k f f m|km|ft|mi|KM|v",
    "GEODIST k f f m v",
    "GEOHASH k f f nobody",
    "GEOHASH k",
    "GEOSEARCH k FROMLONLAT p p BYRADIUS r m|km|ft|mi ASC|DESC",
    "GEOSEARCH k FROMLONLAT p p BYRADIUS r km WITHCOORD WITHDIST WITHHASH ASC",
    "GEOSEARCH k FROMMEMBER f BYRADIUS r km ASC WITHDIST",
    "GEOSEARCH k FROMMEMBER f BYBOX r r km DESC WITHDIST WITHCOORD",
    "GEOSEARCH k FROMLONLAT p p BYBOX r r mi ASC COUNT 1|2|3|0|-1|x",
    "GEOSEARCH k FROMLONLAT p p BYRADIUS 30000 km COUNT 2",
    "GEOSEARCH k FROMLONLAT p p BYRADIUS 30000 km",
    "GEOSEARCH k FROMMEMBER nobody BYRADIUS 1 km",
    "GEOSEARCH k FROMLONLAT p p",
    "GEOSEARCH k BYRADIUS r km ASC DESC",
    "GEOSEARCH k FROMLONLAT p p FROMMEMBER f BYRADIUS r km",
    "GEOSEARCH k FROMLONLAT p p BYRADIUS r km BYBOX r r km",
    "GEOSEARCH k FROMLONLAT p p BYRADIUS -1|v km ASC",
    "GEOSEARCH k FROMLONLAT p p BYBOX 1 -1|v km",
    "GEOSEARCH k FROMLONLAT p p BYRADIUS 1 parsec ASC",
    "GEOSEARCH k FROMLONLAT p p BYRADIUS 1 km ANY ASC",
    "GEOSEARCH k FROMLONLAT p p BYRADIUS 1 km v ASC",
    "GEOSEARCH k FROMLONLAT 200|v p BYRADIUS 1 km ASC",
    "GEOSEARCHSTORE k k FROMLONLAT p p BYRADIUS r km",
    "GEOSEARCHSTORE k k FROMMEMBER f BYBOX r r km STOREDIST",
    "GEOSEARCHSTORE k k FROMLONLAT p p BYRADIUS r km COUNT 2 ASC",
    "GEOSEARCHSTORE k k FROMLONLAT p p BYRADIUS r km WITHDIST",
    "GEORADIUS k p p r m|km|ft|mi ASC|DESC",
    "GEORADIUS k p p r km WITHCOORD WITHDIST WITHHASH COUNT 1|2|3 ASC",
    "GEORADIUS k p p r km STORE|STOREDIST k",
    "GEORADIUS k p p r km STORE k WITHDIST",
    "GEORADIUS k p p -1|v km",
    "GEORADIUS_RO k p p r km ASC",
    "GEORADIUS_RO k p p r km STORE k",
    "GEORADIUSBYMEMBER k f r km ASC WITHDIST",
    "GEORADIUSBYMEMBER k f r km STOREDIST k",
    "GEORADIUSBYMEMBER k nobody r km",
    "GEORADIUSBYMEMBER_RO k f r km DESC WITHHASH",
    "ZRANGE k 0 -1 WITHSCORES",
    "ZREM k f f",
    "ZCARD k",
    "SET k v",
    "DEL k",
    "EXISTS k",
];

#[test]
fn points_get_the_same_replies() {
    compare(SHAPES, &[]);
}

#[test]
fn points_in_big_sets_get_the_same_replies() {
    compare(SHAPES, &["--zset-max-listpack-entries", "0"]);
}
