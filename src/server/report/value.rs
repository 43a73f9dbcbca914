//! What a statistic is: a number with its dimension, a text, or several of them.

use std::fmt::Write;

/// One labelled number of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Label and value.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: f64,
}

/// How often which durations came.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Label and value, if any.
    pub labels: Vec<(&'static str, String)>,
    /// Upper bounds in seconds, each with the number of durations up to it.
    pub buckets: Vec<(f64, u64)>,
    /// How many there were.
    pub count: u64,
    /// Their sum in seconds.
    pub sum_seconds: f64,
}

/// What a statistic is now. INFO and `/metrics` print the same thing in their own units.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Count(u64),
    /// A number that may be negative.
    Int(i64),
    /// A number with so many decimals.
    Fixed(f64, usize),
    /// A share, in percent, with two decimals and the sign.
    Percent(f64),
    /// Bytes for people: `1.50K`.
    Human(u64),
    /// 1 or 0.
    Flag(bool),
    /// `ok` or `err`; 1 or 0.
    Ok(bool),
    /// `yes` or `no`; 1 or 0.
    YesNo(bool),
    /// Microseconds; seconds in metrics.
    Micros(u64),
    /// Microseconds, shown as milliseconds with three decimals; seconds in metrics.
    MicrosAsMillis(u64),
    /// Text; no metric.
    Text(String),
    /// Lines of INFO, each with what follows the row's name and the text behind the colon; no metric.
    Lines(Vec<(String, String)>),
    /// Samples of a metric; no line of INFO.
    Samples(Vec<Sample>),
    /// A histogram; no line of INFO.
    Distributions(Vec<Distribution>),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// The text behind the colon in INFO; `None` for what has none, or several.
    pub fn info(&self) -> Option<String> {
        Some(match self {
            Value::Count(n) | Value::Micros(n) => n.to_string(),
            Value::Int(n) => n.to_string(),
            Value::Fixed(x, decimals) => format!("{x:.decimals$}"),
            Value::Percent(x) => format!("{x:.2}%"),
            Value::Human(bytes) => human(*bytes),
            Value::Flag(yes) => u8::from(*yes).to_string(),
            Value::Ok(ok) => if *ok { "ok" } else { "err" }.into(),
            Value::YesNo(yes) => if *yes { "yes" } else { "no" }.into(),
            Value::MicrosAsMillis(us) => format!("{}.{:03}", us / 1000, us % 1000),
            Value::Text(text) => text.clone(),
            Value::Lines(_) | Value::Samples(_) | Value::Distributions(_) => return None,
        })
    }

    /// The number that a metric without labels has; `None` for what has none, or several.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Count(n) | Value::Human(n) => Some(*n as f64),
            Value::Int(n) => Some(*n as f64),
            Value::Fixed(x, _) | Value::Percent(x) => Some(*x),
            Value::Flag(yes) | Value::Ok(yes) | Value::YesNo(yes) => Some(f64::from(u8::from(*yes))),
            Value::Micros(us) | Value::MicrosAsMillis(us) => Some(*us as f64 / 1e6),
            Value::Text(_) | Value::Lines(_) | Value::Samples(_) | Value::Distributions(_) => None,
        }
    }
}

/// Bytes as Redis prints them for people: `512B`, `1.50K`, `2.00G`.
pub fn human(bytes: u64) -> String {
    let mut text = String::new();
    let mut size = bytes as f64;
    for unit in ["B", "K", "M", "G", "T", "P"] {
        if size < 1024.0 || unit == "P" {
            let _ = if unit == "B" { write!(text, "{bytes}B") } else { write!(text, "{size:.2}{unit}") };
            break;
        }
        size /= 1024.0;
    }
    text
}
