//! Replies on one line, for tests with many of them.

use crate::harness::Db;

/// A reply of RESP2 on one line: `[a [b 1] nil]`; no array is `-`, an error `!text`.
pub(crate) fn line_of(reply: &str) -> String {
    fn read(rest: &mut &str) -> String {
        let (head, behind) = rest.split_once("\r\n").expect("a whole reply");
        *rest = behind;
        match (&head[..1], &head[1..]) {
            ("*", "-1") => "-".into(),
            ("$", "-1") => "nil".into(),
            ("*", count) => {
                let items: Vec<String> = (0..count.parse().unwrap()).map(|_| read(rest)).collect();
                format!("[{}]", items.join(" "))
            }
            ("$", len) => {
                let (text, behind) = rest.split_at(len.parse().unwrap());
                *rest = &behind[2..];
                text.into()
            }
            ("-", error) => format!("!{error}"),
            (_, value) => value.into(),
        }
    }
    let mut rest = reply;
    let line = read(&mut rest);
    assert_eq!(rest, "", "behind {line}");
    line
}

/// A call is answered so.
#[track_caller]
pub(crate) fn says(db: &mut Db, call: &str, expected: &str) {
    assert_eq!(line_of(&db.run(call)), expected, "{call}");
}

/// Calls are answered so, one after another.
#[track_caller]
pub(crate) fn all_say(db: &mut Db, calls: &[(&str, &str)]) {
    calls.iter().for_each(|(call, expected)| says(db, call, expected));
}
