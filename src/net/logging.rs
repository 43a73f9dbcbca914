//! The log: lines through `log` and `env_logger`, written by a thread so that a slow disk or pipe does not stall the loop.
//!
//! ```text
//! log::info!(..) -> env_logger (filter, format) -> bounded queue -> thread "log" -> file or standard output
//! ```
//!
//! Levels by their names in Redis: warning = error and warn, notice = info, verbose = debug, debug = trace. A full queue loses
//! lines and says how many; nothing else waits for it.

use crate::base::json::print_string;
use crate::base::sys::crash;
use crate::base::sys::local_time::local_time;
use crate::base::sys::syslog::{self, Facility, Severity};
use crate::server::config::{Config, LogFormat, LogLevel, LogTimestampFormat, SyslogFacility};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use log::kv::{Key, Value, VisitSource};
use log::{Level, LevelFilter, Record};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Lines that may wait to be written.
const QUEUE_LINES: usize = 8192;
/// How long the end of the process waits for the last lines.
const FLUSH_PATIENCE: Duration = Duration::from_secs(2);
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The process's log; clones are the same log.
#[derive(Clone)]
pub struct Logging {
    queue: Sender<Message>,
    style: Arc<Style>,
}

enum Message {
    Line(Vec<u8>),
    /// For the system's log.
    Syslog(Severity, String),
    /// The file is opened again: the old one was renamed.
    Reopen,
    /// All lines before it are written; then the sender hears of it.
    Flush(Sender<()>),
}

/// How lines look; may change while they are written.
#[derive(Default)]
struct Style {
    format: AtomicU8,
    timestamps: AtomicU8,
    lost_lines: AtomicU64,
}

impl Logging {
    /// Starts the process's log as the configuration says. To be called once, after any fork.
    ///
    /// # Errors
    /// The file cannot be opened, the thread not started, or the process has a logger already.
    pub fn start(config: &Config) -> io::Result<Logging> {
        let path = (!config.logfile.is_empty()).then(|| std::path::absolute(&config.logfile)).transpose()?;
        let sink = Sink::open(path)?;
        let (queue, messages) = bounded(QUEUE_LINES);
        let logging = Logging { queue, style: Arc::new(Style::default()) };
        logging.follow(config);
        if config.syslog_enabled {
            syslog::open(&config.syslog_ident, facility(config.syslog_facility));
        }
        let (style, front) = (logging.style.clone(), logging.clone());
        let system = config.syslog_enabled.then(|| logging.queue.clone());
        std::thread::Builder::new().name("log".into()).spawn(move || sink.run(&messages))?;
        env_logger::Builder::new()
            .filter_level(LevelFilter::Off)
            .filter_module("ferrodis", LevelFilter::Trace)
            .write_style(env_logger::WriteStyle::Never)
            .format(move |out, record| {
                if let Some(queue) = &system {
                    // It goes without what the line's head says: the system's log has that already.
                    let _ = queue.try_send(Message::Syslog(severity(record.level()), print_message(record)));
                }
                out.write_all(style.print(record, SystemTime::now()).as_bytes())
            })
            .target(env_logger::Target::Pipe(Box::new(front)))
            .try_init()
            .map_err(io::Error::other)?;
        log::set_max_level(filter(config.loglevel));
        logging.note_panics();
        Ok(logging)
    }

    /// Takes over level and format from the configuration.
    pub fn follow(&self, config: &Config) {
        self.style.format.store(config.log_format as u8, Relaxed);
        self.style.timestamps.store(config.log_timestamp_format as u8, Relaxed);
        log::set_max_level(filter(config.loglevel));
    }

    /// Opens the file again, after it was renamed.
    pub fn reopen(&self) {
        let _ = self.queue.try_send(Message::Reopen);
    }

    /// Waits until what was logged is written, but not for ever.
    pub fn flush(&self) {
        let (done, is_done) = bounded(1);
        if self.queue.send_timeout(Message::Flush(done), FLUSH_PATIENCE).is_ok() {
            let _ = is_done.recv_timeout(FLUSH_PATIENCE);
        }
    }

    /// A panic is logged before the process ends by it.
    fn note_panics(&self) {
        let logging = self.clone();
        std::panic::set_hook(Box::new(move |panic| {
            log::error!("=== FERRODIS BUG REPORT: {panic}");
            log::error!("{}", std::backtrace::Backtrace::force_capture());
            logging.flush();
        }));
    }
}

impl Write for Logging {
    /// Queues one line; `env_logger` gives each as a whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let lost = self.style.lost_lines.swap(0, Relaxed);
        if lost > 0 {
            let text = format!("({lost} log lines were lost: the log is written too slowly)\n");
            if self.queue.try_send(Message::Line(text.into_bytes())).is_err() {
                self.style.lost_lines.fetch_add(lost, Relaxed);
            }
        }
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Message::Line(line.to_vec())) {
            self.style.lost_lines.fetch_add(1, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where lines go.
struct Sink {
    path: Option<PathBuf>,
    file: Option<File>,
}

impl Sink {
    fn open(path: Option<PathBuf>) -> io::Result<Sink> {
        let file = path.as_ref().map(|path| OpenOptions::new().append(true).create(true).open(path)).transpose()?;
        if let Some(file) = &file {
            crash::report_to(file.as_raw_fd());
        }
        Ok(Sink { path, file })
    }

    fn run(mut self, messages: &Receiver<Message>) {
        for message in messages {
            match message {
                // A log that cannot be written has nowhere to say so.
                Message::Line(line) => drop(self.write(&line)),
                Message::Syslog(severity, line) => syslog::write(severity, &line),
                Message::Reopen => self = Sink::open(self.path.clone()).unwrap_or(self),
                Message::Flush(done) => drop(done.send(())),
            }
        }
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(line),
            None => {
                let mut out = io::stdout().lock();
                out.write_all(line)?;
                out.flush()
            }
        }
    }
}

/// The least important level that is written.
fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::Trace,
        LogLevel::Verbose => LevelFilter::Debug,
        LogLevel::Notice => LevelFilter::Info,
        LogLevel::Warning => LevelFilter::Warn,
        LogLevel::Nothing => LevelFilter::Off,
    }
}

/// Redis's name of a level, and its sign in a line.
fn level_of(level: Level) -> (&'static str, char) {
    match level {
        Level::Error | Level::Warn => ("warning", '#'),
        Level::Info => ("notice", '*'),
        Level::Debug => ("verbose", '-'),
        Level::Trace => ("debug", '.'),
    }
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Error | Level::Warn => Severity::Warning,
        Level::Info => Severity::Notice,
        Level::Debug => Severity::Info,
        Level::Trace => Severity::Debug,
    }
}

fn facility(facility: SyslogFacility) -> Facility {
    match facility {
        SyslogFacility::User => Facility::User,
        SyslogFacility::Local0 => Facility::Local(0),
        SyslogFacility::Local1 => Facility::Local(1),
        SyslogFacility::Local2 => Facility::Local(2),
        SyslogFacility::Local3 => Facility::Local(3),
        SyslogFacility::Local4 => Facility::Local(4),
        SyslogFacility::Local5 => Facility::Local(5),
        SyslogFacility::Local6 => Facility::Local(6),
        SyslogFacility::Local7 => Facility::Local(7),
    }
}

/// What a record says and carries, as a line of text has it behind its head.
fn print_message(record: &Record<'_>) -> String {
    let mut pairs = Pairs::default();
    let _ = record.key_values().visit(&mut pairs);
    let mut line = String::new();
    print_text(&mut line, &record.args().to_string());
    for (key, value) in &pairs.0 {
        let _ = write!(line, " {key}=");
        print_logfmt(&mut line, value);
    }
    line
}

impl Style {
    /// One line, with its end.
    fn print(&self, record: &Record<'_>, now: SystemTime) -> String {
        let mut pairs = Pairs::default();
        let _ = record.key_values().visit(&mut pairs);
        let message = record.args().to_string();
        let (level, sign) = level_of(record.level());
        let pid = std::process::id();
        let format = self.format.load(Relaxed);
        let mut line = String::with_capacity(message.len() + 64);
        if format == LogFormat::Json as u8 {
            let _ = write!(line, "{{\"ts\":\"{}\",\"level\":\"{level}\",\"pid\":{pid},\"msg\":", iso8601(now));
            print_string(&mut line, &message);
            for (key, value) in &pairs.0 {
                line.push(',');
                print_string(&mut line, key);
                line.push(':');
                print_string(&mut line, value);
            }
            line.push('}');
        } else if format == LogFormat::Logfmt as u8 {
            let _ = write!(line, "ts={} level={level} pid={pid} msg=", iso8601(now));
            print_logfmt(&mut line, &message);
            for (key, value) in &pairs.0 {
                let _ = write!(line, " {key}=");
                print_logfmt(&mut line, value);
            }
        } else {
            let _ = write!(line, "{pid}:M {} {sign} ", self.timestamp(now));
            line.push_str(&print_message(record));
        }
        line.push('\n');
        line
    }

    fn timestamp(&self, now: SystemTime) -> String {
        let timestamps = self.timestamps.load(Relaxed);
        if timestamps == LogTimestampFormat::Iso8601 as u8 {
            return iso8601(now);
        }
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        if timestamps == LogTimestampFormat::Milliseconds as u8 {
            return since.as_millis().to_string();
        }
        let t = local_time(since.as_secs() as i64);
        let month = MONTHS[t.month as usize - 1];
        let ms = since.subsec_millis();
        format!("{:02} {month} {} {:02}:{:02}:{:02}.{ms:03}", t.day, t.year, t.hour, t.minute, t.second)
    }
}

/// `2026-01-02T03:04:05.678+01:00`.
fn iso8601(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let t = local_time(since.as_secs() as i64);
    let sign = if t.offset_seconds < 0 { '-' } else { '+' };
    let zone_minutes = t.offset_seconds.abs() / 60;
    format!(
        "{}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{sign}{:02}:{:02}",
        t.year,
        t.month,
        t.day,
        t.hour,
        t.minute,
        t.second,
        since.subsec_millis(),
        zone_minutes / 60,
        zone_minutes % 60
    )
}

/// What a record carries beside its message.
#[derive(Default)]
struct Pairs(Vec<(String, String)>);

impl<'kvs> VisitSource<'kvs> for Pairs {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        self.0.push((key.to_string(), value.to_string()));
        Ok(())
    }
}

/// One line stays one line, whatever was put into it.
fn print_text(line: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\n' | '\t' => line.push(c),
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
}

fn print_logfmt(line: &mut String, text: &str) {
    let is_plain =
        !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"\"=\\".contains(c));
    if is_plain { line.push_str(text) } else { print_string(line, text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: LogFormat, message: &str) -> String {
        let style = Style::default();
        style.format.store(format as u8, Relaxed);
        style.timestamps.store(LogTimestampFormat::Milliseconds as u8, Relaxed);
        let pairs = [("keys", 7)];
        let now = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        style.print(
            &Record::builder().level(Level::Info).args(format_args!("{message}")).key_values(&pairs).build(),
            now,
        )
    }

    #[test]
    fn text_lines_are_those_of_redis() {
        let pid = std::process::id();
        assert_eq!(line(LogFormat::Text, "a\u{7}b"), format!("{pid}:M 1700000000123 * a\\u{{7}}b keys=7\n"));
    }

    #[test]
    fn json_and_logfmt_carry_the_same_fields() {
        let pid = std::process::id();
        let json = line(LogFormat::Json, "say \"x\"\n");
        assert!(json.starts_with("{\"ts\":\"2023-11-1"), "{json}");
        assert!(
            json.ends_with(&format!(
                "\"level\":\"notice\",\"pid\":{pid},\"msg\":\"say \\\"x\\\"\\n\",\"keys\":\"7\"}}\n"
            )),
            "{json}"
        );
        let logfmt = line(LogFormat::Logfmt, "two words");
        assert!(logfmt.ends_with(&format!(" level=notice pid={pid} msg=\"two words\" keys=7\n")), "{logfmt}");
    }

    #[test]
    fn levels_have_the_names_and_signs_of_redis() {
        assert_eq!(level_of(Level::Error), ("warning", '#'));
        assert_eq!(level_of(Level::Trace), ("debug", '.'));
        assert_eq!(filter(LogLevel::Notice), LevelFilter::Info);
        assert_eq!(filter(LogLevel::Nothing), LevelFilter::Off);
    }

    #[test]
    fn what_was_logged_before_a_flush_is_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        let (queue, messages) = bounded(4);
        let mut logging = Logging { queue, style: Arc::default() };
        let sink = Sink::open(Some(path.clone())).unwrap();
        let thread = std::thread::spawn(move || sink.run(&messages));
        logging.write_all(b"one\n").unwrap();
        Logging::flush(&logging);
        assert_eq!(std::fs::read(&path).unwrap(), b"one\n");
        std::fs::rename(&path, directory.path().join("old.log")).unwrap();
        logging.reopen();
        logging.write_all(b"two\n").unwrap();
        Logging::flush(&logging);
        assert_eq!(std::fs::read(&path).unwrap(), b"two\n");
        drop(logging);
        thread.join().unwrap();
    }

    #[test]
    fn a_full_queue_loses_lines_and_says_so() {
        let (queue, messages) = bounded(2);
        let mut logging = Logging { queue, style: Arc::default() };
        for _ in 0..5 {
            logging.write_all(b"x\n").unwrap();
        }
        assert_eq!(messages.try_iter().count(), 2);
        logging.write_all(b"y\n").unwrap();
        let Ok(Message::Line(text)) = messages.try_recv() else { panic!("no line") };
        assert!(text.starts_with(b"(3 log lines were lost"));
    }
}
