//! Strings.

use crate::harness::Db;

#[test]
fn get_gives_what_set_put_there() {
    let mut db = Db::new();
    db.is("GET k", "$-1\r\n");
    db.is("SET k hello", "+OK\r\n");
    db.is_bulk("GET k", "hello");
    db.is("set k 12", "+OK\r\n");
    db.is_bulk("GET k", "12");
}
