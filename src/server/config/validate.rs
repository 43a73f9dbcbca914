//! Checks of single texts. Each says what is wrong in the words of Redis.

use crate::base::sys::affinity::CpuList;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest host name plus one, as in Redis (`NET_HOST_STR_LEN`).
const HOST_NAME_MAX: usize = 256;

/// `dbfilename`: a name, not a path.
pub(crate) fn snapshot_name(text: &str) -> Result<(), &'static str> {
    is_base_name(text).then_some(()).ok_or("dbfilename can't be a path, just a filename")
}

/// `appendfilename`: a name, not empty, not a path.
pub(crate) fn log_name(text: &str) -> Result<(), &'static str> {
    match text {
        "" => Err("appendfilename can't be empty"),
        _ => is_base_name(text).then_some(()).ok_or("appendfilename can't be a path, just a filename"),
    }
}

/// `appenddirname`: a name, not empty, not a path.
pub(crate) fn log_directory(text: &str) -> Result<(), &'static str> {
    match text {
        "" => Err("appenddirname can't be empty"),
        _ => is_base_name(text).then_some(()).ok_or("appenddirname can't be a path, just a dirname"),
    }
}

/// `proc-title-template`: variables in braces, of those that exist; not empty.
pub(crate) fn process_title(text: &str) -> Result<(), &'static str> {
    const ERROR: &str = "template format is invalid or contains unknown variables";
    const VARIABLES: [&str; 7] =
        ["title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"];
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('{') {
        rest = match behind.strip_prefix('{') {
            Some(behind) => behind,
            None => {
                let (variable, behind) = behind.split_once('}').ok_or(ERROR)?;
                VARIABLES.contains(&variable).then_some(()).ok_or(ERROR)?;
                behind
            }
        };
    }
    (!text.trim().is_empty()).then_some(()).ok_or(ERROR)
}

/// A list of CPUs; empty: wherever the system wants.
pub(crate) fn cpu_list(text: &str) -> Result<(), &'static str> {
    let is_valid = text.is_empty() || text.parse::<CpuList>().is_ok();
    is_valid.then_some(()).ok_or("CPU lists are numbers and ranges as taskset takes them: 0,2-5")
}

/// `cluster-announce-hostname`.
pub(crate) fn host_name(text: &str) -> Result<(), &'static str> {
    if text.len() >= HOST_NAME_MAX {
        return Err("Hostnames must be less than 256 characters");
    }
    let valid = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    valid.then_some(()).ok_or("Hostnames may only contain alphanumeric characters, hyphens or dots")
}

/// `cluster-announce-human-nodename`: nothing that would break the cluster's own file.
pub(crate) fn node_name(text: &str) -> Result<(), &'static str> {
    let valid = !text.contains(|character| "!#$%&()*+:;<>?@[]^{|}~".contains(character));
    valid.then_some(()).ok_or("Announced human node name contained invalid character")
}

/// An IPv4 address, or nothing.
pub(crate) fn ipv4(text: &str) -> Result<(), &'static str> {
    (text.is_empty() || text.parse::<Ipv4Addr>().is_ok()).then_some(()).ok_or("Invalid IPv4 address")
}

/// An IPv6 address, or nothing.
pub(crate) fn ipv6(text: &str) -> Result<(), &'static str> {
    (text.is_empty() || text.parse::<Ipv6Addr>().is_ok()).then_some(()).ok_or("Invalid IPv6 address")
}

fn is_base_name(text: &str) -> bool {
    !text.contains(['/', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_titles_take_only_known_variables() {
        assert!(process_title("{title} {listen-addr} {server-mode}").is_ok());
        assert!(process_title("plain {{ brace").is_ok());
        assert!(process_title("{foo}").is_err());
        assert!(process_title("{title").is_err());
        assert!(process_title("").is_err());
    }
}
