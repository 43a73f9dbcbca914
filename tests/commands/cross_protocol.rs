//! Browsers that were tricked into talking to the server: `POST` and `Host:` are never commands.

use crate::harness::Db;
use ferrodis::server::clients::Closing;
use std::cell::RefCell;

thread_local! {
    static WARNINGS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what a test's own thread logs.
struct Keeper;

impl log::Log for Keeper {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        WARNINGS.with_borrow_mut(|lines| lines.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

#[test]
fn post_and_host_end_the_connection_before_anything_behind_them_runs() {
    for first in
        [&b"POST / HTTP/1.1\r\n"[..], b"pOsT\r\n", b"Host: 127.0.0.1:6379\r\n", b"*2\r\n$4\r\nPOST\r\n$1\r\n/\r\n"]
    {
        let mut db = Db::new();
        let client = db.connect();
        let input = [first, b"SET k v\r\n", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"].concat();
        db.dispatcher.run(client, &input, &mut Default::default());
        assert_eq!(db.dispatcher.server.clients.get(client).closing, Closing::Now, "{first:?}");
        assert!(db.output_of(client).is_empty(), "{first:?}");
        db.is("EXISTS k", ":0\r\n");
    }
}

#[test]
fn the_log_hears_of_it_once_a_minute() {
    log::set_logger(&Keeper).expect("the only logger of these tests");
    log::set_max_level(log::LevelFilter::Warn);
    let mut db = Db::new();
    for (wait_ms, lines) in [(0, 1), (59_999, 1), (1, 2)] {
        db.advance_ms(wait_ms);
        let client = db.connect();
        db.dispatcher.run(client, b"Host: a\r\n", &mut Default::default());
        let warnings = WARNINGS.with_borrow(|all| all.clone());
        assert_eq!(warnings.len(), lines, "{warnings:?}");
        assert!(warnings[0].starts_with("Possible SECURITY ATTACK detected. "), "{warnings:?}");
        assert!(warnings[0].contains("127.0.0.1:1001"), "{warnings:?}");
    }
}
