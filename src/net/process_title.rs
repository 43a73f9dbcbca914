//! The title of the process: `proc-title-template` filled in.

use crate::base::sys::title::Title;
use crate::server::config::Config;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The directives that a title may show, or that say how.
pub(super) const TITLE_DIRECTIVES: [&str; 3] = ["proc-title-template", "port", "bind"];

/// The title, and what it shows that no directive says.
pub struct ProcessTitle {
    place: Title,
    program: String,
}

impl ProcessTitle {
    /// The title of a process that was called by this name; `None` where titles cannot be had. From then on nobody may ask for the
    /// program's arguments. To be called while there is one thread.
    pub fn take(name: Option<&OsStr>) -> Option<ProcessTitle> {
        let name = PathBuf::from(name.unwrap_or_default());
        let name = if name.components().count() > 1 { std::path::absolute(&name).unwrap_or(name) } else { name };
        Some(ProcessTitle { place: Title::take()?, program: name.display().to_string() })
    }

    /// Shows what the configuration says.
    pub fn show(&mut self, config: &Config, file: Option<&Path>) {
        self.place.show(&title(config, &self.program, file));
    }
}

/// A template filled in; its variables were checked when it was set.
fn title(config: &Config, program: &str, file: Option<&Path>) -> String {
    let mut text = String::new();
    let mut rest = config.proc_title_template.as_str();
    while let Some((before, behind)) = rest.split_once('{') {
        text.push_str(before);
        if let Some(behind) = behind.strip_prefix('{') {
            text.push('{');
            rest = behind;
            continue;
        }
        let (variable, behind) = behind.split_once('}').unwrap_or((behind, ""));
        text.push_str(&value(variable, config, program, file));
        rest = behind;
    }
    text.push_str(rest);
    text.trim().to_string()
}

fn value(variable: &str, config: &Config, program: &str, file: Option<&Path>) -> String {
    match variable {
        "title" => program.to_string(),
        "listen-addr" if config.port == 0 => format!("unixsocket:{}", config.unixsocket),
        "listen-addr" => format!("{}:{}", config.bind.first().map_or("*", String::as_str), config.port),
        "port" => config.port.to_string(),
        "tls-port" => config.tls_port.to_string(),
        "unixsocket" => config.unixsocket.clone(),
        "config-file" => file.map_or_else(String::new, |file| file.display().to_string()),
        _ => String::new(), // the mode of a server that is neither cluster nor sentinel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_in() {
        let mut config = Config { port: 7, bind: vec!["127.0.0.1".into(), "::1".into()], ..Config::default() };
        let is =
            |config: &Config, expected: &str| assert_eq!(title(config, "/bin/x", Some(Path::new("/a.conf"))), expected);
        is(&config, "/bin/x 127.0.0.1:7");
        config.proc_title_template = "{{a} {config-file} {port} {tls-port}".into();
        is(&config, "{a} /a.conf 7 0");
        config.proc_title_template = "{title} {listen-addr}".into();
        (config.port, config.unixsocket) = (0, "/s".into());
        is(&config, "/bin/x unixsocket:/s");
    }
}
