//! The head of a request: which page is asked for, by whom, and whether the connection goes on.

/// The longest head, request line and empty line included.
pub(super) const HEAD_BYTES: usize = 8 * 1024;
/// The most header fields.
const HEADERS: usize = 64;

/// What is done with the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// It is shown.
    Get,
    /// Only its headers are.
    Head,
    /// Something that no page here takes.
    Other,
}

/// Why bytes are not a request that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// They are not HTTP/1.
    Malformed,
    /// HTTP/1.1 names the host, once.
    Host,
    /// A body is announced.
    Body,
    /// The head is longer than `HEAD_BYTES`, or has too many fields.
    TooLong,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    /// The path, without host and query.
    pub(super) path: String,
    /// Whether more requests may follow it.
    pub(super) keeps_alive: bool,
    /// The value of `Authorization`.
    pub(super) authorization: Option<Vec<u8>>,
    /// What is wrong with it.
    pub(super) fault: Option<Fault>,
}

impl Request {
    /// What stands for a request that cannot be read: the connection ends behind its answer.
    fn faulty(fault: Fault) -> Request {
        Request {
            method: Method::Other,
            path: String::new(),
            keeps_alive: false,
            authorization: None,
            fault: Some(fault),
        }
    }

    /// Reads the head at the start of `input`: the request and the byte behind its head, or `None` when the head is not
    /// whole yet. What cannot be read takes all of the input.
    pub(super) fn parse(input: &[u8]) -> Option<(Request, usize)> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let fault = match head.parse(input) {
            Ok(httparse::Status::Complete(end)) => return Some((Request::of(&head), end)),
            Ok(httparse::Status::Partial) if input.len() < HEAD_BYTES => return None,
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => Fault::TooLong,
            Err(_) => Fault::Malformed,
        };
        Some((Request::faulty(fault), input.len()))
    }

    fn of(head: &httparse::Request) -> Request {
        let all = |name: &'static str| {
            head.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
        };
        let is_1_1 = head.version == Some(1);
        let closes =
            all("connection").flat_map(|value| value.split(|&byte| byte == b',')).any(|word| is(word, "close"));
        let has_body =
            all("transfer-encoding").next().is_some() || all("content-length").any(|length| !is(length, "0"));
        let fault = match () {
            _ if is_1_1 && all("host").count() != 1 => Some(Fault::Host),
            _ if has_body => Some(Fault::Body),
            _ => None,
        };
        Request {
            method: match head.method {
                Some("GET") => Method::Get,
                Some("HEAD") => Method::Head,
                _ => Method::Other,
            },
            path: path(head.path.unwrap_or_default()).to_string(),
            keeps_alive: is_1_1 && !closes && fault.is_none(),
            authorization: all("authorization").next().map(<[u8]>::to_vec),
            fault,
        }
    }
}

fn is(word: &[u8], text: &str) -> bool {
    word.trim_ascii().eq_ignore_ascii_case(text.as_bytes())
}

/// The path of a target in origin form (`/metrics?x`) or absolute form (`http://host/metrics`).
fn path(target: &str) -> &str {
    let behind_scheme = target.strip_prefix("http://").map(|rest| rest.find('/').map_or("/", |slash| &rest[slash..]));
    let path = behind_scheme.unwrap_or(target);
    path.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(Request, usize)> {
        Request::parse(text.as_bytes())
    }

    fn fault(text: &str) -> Option<Fault> {
        parse(text).expect("whole").0.fault
    }

    #[test]
    fn heads_are_found_in_pieces_and_one_behind_the_other() {
        let one = "GET /metrics?a=b HTTP/1.1\r\nHost: a\r\n\r\n";
        for cut in 0..one.len() {
            assert_eq!(parse(&one[..cut]), None, "{cut}");
        }
        let (request, end) = parse(&format!("{one}HEAD / HTTP/1.1\r\n")).expect("whole");
        assert_eq!((request.method, request.path.as_str(), request.keeps_alive), (Method::Get, "/metrics", true));
        assert_eq!(end, one.len());
    }

    #[test]
    fn a_connection_ends_when_either_version_or_header_say_so() {
        assert!(!parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, Close\r\n\r\n").unwrap().0.keeps_alive);
        assert!(!parse("GET / HTTP/1.0\r\n\r\n").unwrap().0.keeps_alive);
        assert!(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n").unwrap().0.keeps_alive);
    }

    #[test]
    fn targets_may_name_the_host() {
        for (target, path) in [("http://a:1/x?y", "/x"), ("http://a", "/"), ("/", "/"), ("*", "*"), ("/a#b", "/a")] {
            let (request, _) = parse(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).unwrap();
            assert_eq!(request.path, path, "{target}");
        }
    }

    #[test]
    fn faults() {
        assert_eq!(fault("*1\r\n$4\r\nPING\r\n"), Some(Fault::Malformed));
        assert_eq!(fault("GET / HTTP/2.0\r\n\r\n"), Some(Fault::Malformed));
        assert_eq!(fault("GET / HTTP/1.1\r\n\r\n"), Some(Fault::Host));
        assert_eq!(fault("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), Some(Fault::Host));
        assert_eq!(fault("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"), Some(Fault::Body));
        assert_eq!(fault("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), Some(Fault::Body));
        assert_eq!(fault("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), None);
        assert_eq!(fault(&format!("GET / HTTP/1.1\r\nA: {}", "x".repeat(HEAD_BYTES))), Some(Fault::TooLong));
        let many = "A: b\r\n".repeat(HEADERS + 1);
        assert_eq!(fault(&format!("GET / HTTP/1.1\r\n{many}\r\n")), Some(Fault::TooLong));
    }
}
