//! Points on earth, in sorted sets of both encodings.

use crate::harness::Db;
use crate::lines::{all_say, says};
use crate::phrases::{changes, events, sorted};
use crate::string::{WRONG_TYPE, logged};

/// Runs a test with sorted sets that are packed, and with such as are not.
fn each_encoding(test: impl Fn(&mut Db)) {
    for zset_max_listpack_entries in [128, 0] {
        test(&mut Db::with(|config| config.zset_max_listpack_entries = zset_max_listpack_entries));
    }
}

#[test]
fn points_are_added_and_found_again() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", "2"),
                ("GEOADD g 13.361389 38.115556 Palermo", "0"),
                ("GEOADD g NX 1 1 Palermo 2.5 2.5 new", "1"),
                ("GEOADD g XX 2 2 nobody", "0"),
                ("GEOADD g XX CH 2.5 2.6 new", "1"),
                ("GEOADD g CH 2.5 2.6 new 3 3 newer", "1"),
                (
                    "GEOPOS g Palermo nobody Catania",
                    "[[13.361389338970184 38.1155563954963] - [15.087267458438873 37.50266842333162]]",
                ),
                ("GEOPOS nokey a b", "[- -]"),
                ("GEOPOS g", "[]"),
                ("GEOHASH g Palermo Catania nobody", "[sqc8b49rny0 sqdtr74hyu0 nil]"),
                ("GEOHASH nokey a", "[nil]"),
                ("GEOHASH g", "[]"),
                ("GEODIST g Palermo Catania", "166274.1516"),
                ("GEODIST g Palermo Catania km", "166.2742"),
                ("GEODIST g Palermo Catania FT", "545518.8700"),
                ("GEODIST g Palermo Catania mi", "103.3182"),
                ("GEODIST g Palermo Palermo m", "0.0000"),
                ("GEODIST g Palermo nobody", "nil"),
                ("GEODIST nokey a b", "nil"),
                ("GEODIST g Palermo Catania parsec", "!ERR unsupported unit provided. please use M, KM, FT, MI"),
                ("GEODIST g Palermo Catania m m", "!ERR syntax error"),
                ("GEODIST g Palermo", "!ERR wrong number of arguments for 'geodist' command"),
                ("GEOADD g 180.1 1 a", "!ERR invalid longitude,latitude pair 180.100000,1.000000"),
                ("GEOADD g 1 85.06 a", "!ERR invalid longitude,latitude pair 1.000000,85.060000"),
                ("GEOADD g -181 -86 a", "!ERR invalid longitude,latitude pair -181.000000,-86.000000"),
                ("GEOADD g x 1 a", "!ERR value is not a valid float"),
                ("GEOADD g 1 x a", "!ERR value is not a valid float"),
                ("GEOADD g 1 1 a 2 2", "!ERR syntax error"),
                ("GEOADD g NX XX 1 1 a", "!ERR syntax error"),
                ("GEOADD g 1 1", "!ERR wrong number of arguments for 'geoadd' command"),
                ("GEOADD g 180 85.05112878 corner -180 -85.05112878 other", "2"),
                ("GEOPOS g corner other", "[[180 85.05112878] [-179.99999731779099 -85.05112751263943]]"),
                ("GEOHASH g corner other", "[bp05b5048p0 00bh0hbj200]"),
                ("ZREM g new newer", "2"),
                ("ZCARD g", "4"),
                ("TYPE g", "zset"),
            ],
        );
    });
}

#[test]
fn searches_in_circles_and_boxes() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                (
                    "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1 17.241510 38.788135 edge2",
                    "4",
                ),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC", "[Catania Palermo]"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 KM DESC", "[Palermo Catania]"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 100 km", "[Catania]"),
                (
                    "GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST",
                    "[[Catania 56.4413] [Palermo 190.4424] [edge2 279.7403] [edge1 279.7405]]",
                ),
                ("GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km DESC COUNT 1", "[edge1]"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2", "[Catania Palermo]"),
                ("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 0 m", "[Palermo]"),
                (
                    "GEOSEARCH g FROMMEMBER Catania BYRADIUS 200 km ASC WITHCOORD WITHDIST WITHHASH",
                    "[[Catania 0.0000 3479447370796909 [15.087267458438873 37.50266842333162]] [Palermo 166.2742 3479099956230698 [13.361389338970184 38.1155563954963]]]",
                ),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 100000 mi ASC COUNT 3", "[Catania Palermo edge2]"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 m", "[]"),
                ("GEOSEARCH g BYRADIUS 200 km FROMLONLAT 15 37 ASC", "[Catania Palermo]"),
                ("GEOSEARCH nokey FROMLONLAT 15 37 BYRADIUS 200 km", "[]"),
                ("GEOSEARCH nokey FROMMEMBER a BYRADIUS 200 km", "[]"),
                ("GEOSEARCH g FROMMEMBER nobody BYRADIUS 200 km", "!ERR could not decode requested zset member"),
                ("GEOSEARCH g FROMLONLAT 15 37", "!ERR wrong number of arguments for 'geosearch' command"),
                (
                    "GEOSEARCH g BYRADIUS 200 km ASC DESC",
                    "!ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH",
                ),
                ("GEOSEARCH g FROMLONLAT 15 37 FROMMEMBER Palermo BYRADIUS 1 km", "!ERR syntax error"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km BYBOX 1 1 km", "!ERR syntax error"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS -1 km", "!ERR radius cannot be negative"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS x km", "!ERR need numeric radius"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYBOX -1 1 km", "!ERR height or width cannot be negative"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 -1 km", "!ERR height or width cannot be negative"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYBOX x 1 km", "!ERR need numeric width"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 x km", "!ERR need numeric height"),
                (
                    "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 parsec",
                    "!ERR unsupported unit provided. please use M, KM, FT, MI",
                ),
                (
                    "GEOSEARCH g FROMLONLAT 181 37 BYRADIUS 1 km",
                    "!ERR invalid longitude,latitude pair 181.000000,37.000000",
                ),
                ("GEOSEARCH g FROMLONLAT x 37 BYRADIUS 1 km", "!ERR value is not a valid float"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km COUNT 0", "!ERR COUNT must be > 0"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km COUNT -1", "!ERR COUNT must be > 0"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km COUNT x", "!ERR value is not an integer or out of range"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km COUNT", "!ERR syntax error"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km ANY", "!ERR the ANY argument requires COUNT argument"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km ANY COUNT 1", "[]"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km nonsense", "!ERR syntax error"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km STOREDIST", "!ERR syntax error"),
                ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km STORE d", "!ERR syntax error"),
            ],
        );
    });
}

#[test]
fn a_search_is_kept() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", "2"),
                ("SET d x EX 100", "OK"),
                ("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km", "2"),
                ("TTL d", "-1"),
                ("ZRANGE d 0 -1 WITHSCORES", "[Palermo 3479099956230698 Catania 3479447370796909]"),
                ("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST", "2"),
                ("ZRANGE d 0 -1", "[Catania Palermo]"),
                ("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km ASC COUNT 1", "1"),
                ("ZRANGE d 0 -1", "[Catania]"),
                ("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 1 m", "0"),
                ("EXISTS d", "0"),
                ("GEOSEARCHSTORE d nokey FROMLONLAT 15 37 BYRADIUS 1 m", "0"),
                (
                    "GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST",
                    "!ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                ),
                ("GEOSEARCHSTORE d g FROMMEMBER nobody BYRADIUS 200 km", "!ERR could not decode requested zset member"),
                ("GEOSEARCHSTORE g g FROMMEMBER Palermo BYRADIUS 1 km", "1"),
                ("ZRANGE g 0 -1", "[Palermo]"),
            ],
        );
    });
}

#[test]
fn the_older_searches() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", "2"),
                ("GEORADIUS g 15 37 200 km ASC", "[Catania Palermo]"),
                (
                    "GEORADIUS g 15 37 200 km WITHDIST WITHCOORD WITHHASH DESC COUNT 1",
                    "[[Palermo 190.4424 3479099956230698 [13.361389338970184 38.1155563954963]]]",
                ),
                ("GEORADIUS_RO g 15 37 200 km ASC WITHDIST", "[[Catania 56.4413] [Palermo 190.4424]]"),
                ("GEORADIUSBYMEMBER g Palermo 200 km ASC", "[Palermo Catania]"),
                ("GEORADIUSBYMEMBER_RO g Palermo 200 km DESC WITHDIST", "[[Catania 166.2742] [Palermo 0.0000]]"),
                ("GEORADIUS g 15 37 200 km STORE d", "2"),
                ("ZRANGE d 0 -1", "[Palermo Catania]"),
                ("GEORADIUS g 15 37 200 km STOREDIST d", "2"),
                ("ZRANGE d 0 -1", "[Catania Palermo]"),
                ("GEORADIUSBYMEMBER g Palermo 10 km STORE d", "1"),
                ("ZRANGE d 0 -1", "[Palermo]"),
                ("GEORADIUS g 15 37 1 m STORE d", "0"),
                ("EXISTS d", "0"),
                ("GEORADIUS nokey 15 37 1 km", "[]"),
                ("GEORADIUSBYMEMBER nokey a 1 km", "[]"),
                ("GEORADIUSBYMEMBER g nobody 1 km", "!ERR could not decode requested zset member"),
                (
                    "GEORADIUS g 15 37 200 km STORE d WITHDIST",
                    "!ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                ),
                (
                    "GEORADIUS g 15 37 200 km WITHCOORD STORE d",
                    "!ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                ),
                ("GEORADIUS_RO g 15 37 200 km STORE d", "!ERR syntax error"),
                ("GEORADIUSBYMEMBER_RO g Palermo 200 km STOREDIST d", "!ERR syntax error"),
                ("GEORADIUS g 15 37 -1 km", "!ERR radius cannot be negative"),
                ("GEORADIUS g 15 37 x km", "!ERR need numeric radius"),
                ("GEORADIUS g 15 37 1 parsec", "!ERR unsupported unit provided. please use M, KM, FT, MI"),
                ("GEORADIUS g 200 37 1 km", "!ERR invalid longitude,latitude pair 200.000000,37.000000"),
                ("GEORADIUS g 15 37 1 km COUNT 0", "!ERR COUNT must be > 0"),
                ("GEORADIUS g 15 37 1 km STORE", "!ERR syntax error"),
                ("GEORADIUS g 15 37 1 km nonsense", "!ERR syntax error"),
                ("GEORADIUS g 15 37", "!ERR wrong number of arguments for 'georadius' command"),
            ],
        );
    });
}

#[test]
fn enough_of_any_ends_the_search() {
    each_encoding(|db| {
        let points: String =
            (0..200).map(|i| format!(" {} {} m{i}", f64::from(i % 20) / 100.0, f64::from(i / 20) / 100.0)).collect();
        db.run(&format!("GEOADD g{points}"));
        assert_eq!(sorted(&db.run("GEOSEARCH g FROMLONLAT 0.1 0.05 BYRADIUS 500 km COUNT 7 ANY")).len(), 7);
        assert_eq!(sorted(&db.run("GEOSEARCH g FROMLONLAT 0.1 0.05 BYRADIUS 500 km")).len(), 200);
        says(db, "GEOSEARCH g FROMMEMBER m55 BYRADIUS 500 km COUNT 1", "[m55]");
    });
}

#[test]
fn a_polygon_is_searched() {
    each_encoding(|db| {
        db.run("GEOADD g 1 1 in 5 5 out 2 2 edgy");
        says(db, "GEOSEARCH g BYPOLYGON 4 0 0 3 0 3 3 0 3 ASC", "[edgy in]");
        says(db, "GEOSEARCHSTORE d g BYPOLYGON 3 0 0 1.5 3 3 0", "1");
        says(db, "ZRANGE d 0 -1", "[in]");
    });
}

#[test]
fn wrong_types_are_refused() {
    let mut db = Db::new();
    db.run("SET s x");
    for call in [
        "GEOADD s 1 1 a",
        "GEOPOS s a",
        "GEODIST s a b",
        "GEOHASH s a",
        "GEOSEARCH s FROMLONLAT 1 1 BYRADIUS 1 m",
        "GEOSEARCHSTORE d s FROMLONLAT 1 1 BYRADIUS 1 m",
        "GEORADIUS s 1 1 1 m",
        "GEORADIUS_RO s 1 1 1 m",
        "GEORADIUSBYMEMBER s a 1 m",
        "GEORADIUSBYMEMBER_RO s a 1 m",
    ] {
        says(&mut db, call, &format!("!{WRONG_TYPE}"));
    }
}

#[test]
fn places_are_doubles_in_resp3() {
    each_encoding(|db| {
        db.run("GEOADD g 0 0 a");
        db.run("HELLO 3");
        db.is("GEOPOS g a b", "*2\r\n*2\r\n,2.682209014892578e-6\r\n,1.2673605809254695e-6\r\n_\r\n");
        db.is("GEODIST g a b", "_\r\n");
        db.run("HELLO 2");
    });
}

#[test]
fn changes_are_counted_told_and_logged() {
    each_encoding(|db| {
        db.run("CONFIG SET notify-keyspace-events KA");
        for (call, count, event, log) in [
            ("GEOADD g 1 1 a 2 2 b", 2, "zadd", ""),
            ("GEOADD g 1 1 a", 0, "", ""),
            ("GEOADD g CH 3 3 a", 1, "zadd", ""),
            ("GEOSEARCHSTORE g g FROMLONLAT 3 3 BYRADIUS 500 km", 2, "geosearchstore", "="),
            ("GEORADIUS g 3 3 500 km STORE g", 2, "georadiusstore", "="),
            ("GEORADIUS g 3 3 500 km", 0, "", ""),
            ("GEORADIUS g 50 50 1 m STORE g", 1, "del", ""),
        ] {
            let seen = events(db, "g", |db| assert_eq!(changes(db, call), count, "{call}"));
            assert_eq!(seen, event, "{call}");
            assert_eq!(logged(db, call), log, "{call}");
        }
    });
}
