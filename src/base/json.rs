//! JSON (RFC 8259), written.
//!
//! ```
//! use ferrodis::base::json::Json;
//!
//! let mut json = Json::default();
//! json.object(|json| {
//!     json.key("keys").number(3);
//!     json.key("names").array(|json| ["a", "b"].iter().for_each(|name| json.string(name)));
//! });
//! assert_eq!(json.text(), r#"{"keys":3,"names":["a","b"]}"#);
//! ```

use std::fmt::{Display, Write};

/// A text in the making. Commas come by themselves.
#[derive(Debug, Default)]
pub struct Json {
    text: String,
    /// Whether something stands before what comes next, in the same object or array.
    needs_comma: bool,
}

impl Json {
    /// The text.
    pub fn text(self) -> String {
        self.text
    }

    /// An object; `members` writes a key and a value at a time.
    pub fn object(&mut self, members: impl FnOnce(&mut Json)) {
        self.nest('{', members, '}');
    }

    /// An array.
    pub fn array(&mut self, elements: impl FnOnce(&mut Json)) {
        self.nest('[', elements, ']');
    }

    /// A member's key, whose value comes next.
    pub fn key(&mut self, key: &str) -> &mut Json {
        self.string(key);
        self.text.push(':');
        self.needs_comma = false;
        self
    }

    /// A string.
    pub fn string(&mut self, string: &str) {
        self.part();
        print_string(&mut self.text, string);
    }

    /// A number that is printed as JSON has it: any integer.
    pub fn number(&mut self, number: impl Display) {
        self.part();
        let _ = write!(self.text, "{number}");
    }

    /// A number with a point; `null` for what is none.
    pub fn float(&mut self, number: f64) {
        if number.is_finite() { self.number(number) } else { self.null() }
    }

    /// `null`.
    pub fn null(&mut self) {
        self.number("null");
    }

    fn part(&mut self) {
        if self.needs_comma {
            self.text.push(',');
        }
        self.needs_comma = true;
    }

    fn nest(&mut self, open: char, inside: impl FnOnce(&mut Json), close: char) {
        self.part();
        self.text.push(open);
        self.needs_comma = false;
        inside(self);
        self.text.push(close);
        self.needs_comma = true;
    }
}

/// A string with its quotes.
pub fn print_string(out: &mut String, string: &str) {
    out.push('"');
    for letter in string.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_arrays_are_parted_by_commas() {
        let mut json = Json::default();
        json.array(|json| {
            json.object(|_| ());
            json.object(|json| {
                json.key("a").number(-1);
                json.key("b").array(|json| {
                    json.float(0.5);
                    json.float(f64::NAN);
                });
            });
            json.string("x");
        });
        assert_eq!(json.text(), r#"[{},{"a":-1,"b":[0.5,null]},"x"]"#);
    }

    #[test]
    fn strings_are_escaped() {
        let mut json = Json::default();
        json.string("\"\\\n\u{1}é");
        assert_eq!(json.text(), "\"\\\"\\\\\\n\\u0001é\"");
    }
}
