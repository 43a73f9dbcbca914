//! An answer: status, headers, body.

use super::request::{Method, Request};
use std::borrow::Cow;
use std::io::Write;

/// What most bodies are.
pub(super) const PLAIN: &str = "text/plain; charset=utf-8";

/// Status and reason (RFC 9110, section 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    BadRequest,
    Unauthorized,
    NotFound,
    MethodNotAllowed,
    HeadTooLarge,
    Unavailable,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Status::Ok => "200 OK",
            Status::BadRequest => "400 Bad Request",
            Status::Unauthorized => "401 Unauthorized",
            Status::NotFound => "404 Not Found",
            Status::MethodNotAllowed => "405 Method Not Allowed",
            Status::HeadTooLarge => "431 Request Header Fields Too Large",
            Status::Unavailable => "503 Service Unavailable",
        }
    }
}

/// An answer.
pub(super) struct Response<'a> {
    pub(super) status: Status,
    pub(super) content_type: &'static str,
    /// A header line that this status asks for, without its line end.
    pub(super) header: Option<&'static str>,
    pub(super) body: Cow<'a, str>,
}

impl<'a> Response<'a> {
    /// A line or more of text.
    pub(super) fn plain(status: Status, body: impl Into<Cow<'a, str>>) -> Response<'a> {
        Response { status, content_type: PLAIN, header: None, body: body.into() }
    }

    /// Writes it as the answer to `request`, at `now_ms` since 1970.
    pub(super) fn encode(&self, request: &Request, now_ms: u64, out: &mut Vec<u8>) {
        let connection = if request.keeps_alive { "keep-alive" } else { "close" };
        let mut head = format!(
            "HTTP/1.1 {}\r\nDate: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nConnection: {connection}\r\n",
            self.status.line(),
            date(now_ms),
            self.content_type,
            self.body.len(),
        );
        if let Some(line) = self.header {
            head.push_str(line);
            head.push_str("\r\n");
        }
        let body = if request.method == Method::Head { "" } else { &self.body };
        out.reserve_exact(head.len() + 2 + body.len());
        write!(out, "{head}\r\n{body}").expect("memory takes all");
    }
}

/// A time since 1970 as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
fn date(now_ms: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = now_ms / 1000;
    let days = seconds / 86_400;
    // Years are counted from March, so that the leap day is the last of its year; eras have 400 years, 146 097 days.
    let of_march = days + 719_468;
    let (era, day_of_era) = (of_march / 146_097, of_march % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_of_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_of_march + 2) / 5 + 1;
    let month = (month_of_march + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(month < 2);
    format!(
        "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
        DAYS[(days % 7) as usize],
        MONTHS[month as usize],
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_700_000_000, "Tue, 14 Nov 2023 22:13:20 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] {
            assert_eq!(date(seconds * 1000), text);
        }
    }
}
