//! The server as a process: from a command line to an exit code.

use super::config_files::{ConfigFiles, plain};
use super::doors::enter;
use super::instance::{Instance, Parts};
use super::logging::Logging;
use super::service_manager::ServiceManager;
use crate::base::sys::{daemon, limits};
use crate::server::REDIS_VERSION;
use crate::server::config::{Config, Finding, Invocation, Supervised};
use std::fs;
use std::path::PathBuf;

/// Where the process id goes when the process is in the background and nothing else is said.
const DEFAULT_PID_FILE: &str = "/var/run/ferrodis.pid";

/// What `--version` prints.
pub fn version() -> String {
    let bits = usize::BITS;
    format!("Ferrodis server v={} bits={bits} (compatible with Redis {REDIS_VERSION})", env!("CARGO_PKG_VERSION"))
}

/// Is a server until something ends it; gives the exit code.
pub fn serve(invocation: Invocation) -> i32 {
    match begin(invocation) {
        Ok((config, warnings, parts)) => run(config, &warnings, parts),
        Err(text) => {
            eprintln!("{text}");
            1
        }
    }
}

/// What comes before there is a log: problems are told on standard error.
fn begin(invocation: Invocation) -> Result<(Config, Vec<Finding>, Parts), String> {
    let files = ConfigFiles::of(invocation).map_err(|e| format!("Can't read standard input: {e}"))?;
    let loaded = files.load().map_err(|refusal| refusal.to_string())?;
    let mut config = loaded.config;
    config.dir = enter(&config.dir).map_err(|e| format!("Can't chdir to '{}': {}", config.dir, plain(&e)))?;
    let is_supervised = match config.supervised {
        Supervised::No => false,
        Supervised::Auto => ["NOTIFY_SOCKET", "UPSTART_JOB"].iter().any(|name| std::env::var_os(name).is_some()),
        Supervised::Systemd | Supervised::Upstart => true,
    };
    if config.daemonize && !is_supervised {
        daemon::daemonize().map_err(|e| format!("Can't run in the background: {e}"))?;
    }
    let logging = Logging::start(&config).map_err(|e| format!("Can't open the log file: {}", plain(&e)))?;
    Ok((config, loaded.warnings, Parts { files: Some(files), logging: Some(logging), ..Parts::default() }))
}

fn run(mut config: Config, warnings: &[Finding], mut parts: Parts) -> i32 {
    log::info!("Ferrodis is starting");
    log::info!("{}, pid={}, just started", version(), std::process::id());
    match parts.files.as_ref().and_then(|files| files.path.as_ref()) {
        Some(path) => log::info!("Configuration loaded from {}", path.display()),
        None => log::info!("Configuration loaded; no configuration file"),
    }
    warnings.iter().for_each(|warning| log::warn!("{warning}"));
    lower_maxclients(&mut config);
    parts.manager = ServiceManager::find(config.supervised, |name| std::env::var_os(name));
    let logging = parts.logging.clone();
    let pid_file = write_pid_file(&config);
    let code = match serve_until_end(config, parts) {
        Ok(code) => code,
        Err(text) => {
            log::error!("{text}");
            1
        }
    };
    if let Some(path) = pid_file {
        log::info!("Removing the pid file.");
        let _ = fs::remove_file(path);
    }
    if let Some(logging) = logging {
        logging.flush();
    }
    code
}

fn serve_until_end(config: Config, parts: Parts) -> Result<i32, String> {
    let port = config.port;
    let mut instance = Instance::new(config, parts)?;
    instance.event_loop.take_signals().map_err(|e| format!("Signals cannot be taken: {}", plain(&e)))?;
    log::info!("Running mode=standalone, port={port}.");
    log::info!("PID: {}", std::process::id());
    log::info!("Server initialized");
    let code = instance.run();
    instance.event_loop.close_listeners(|_| true);
    // The kernel frees the data faster than we would, key by key.
    std::mem::forget(instance);
    code
}

/// Each client needs a descriptor: fewer clients when there are not enough.
fn lower_maxclients(config: &mut Config) {
    let possible = limits::raise_for_clients(config.maxclients);
    if possible < config.maxclients {
        log::warn!(
            "You requested maxclients of {} requiring at least {} max file descriptors.",
            config.maxclients,
            u64::from(config.maxclients) + limits::RESERVED_DESCRIPTORS
        );
        log::warn!("The limit on open files cannot be raised that far: maxclients has been reduced to {possible}.");
        config.maxclients = possible;
    }
}

fn write_pid_file(config: &Config) -> Option<PathBuf> {
    let path = match config.pidfile.as_str() {
        "" if !config.daemonize => return None,
        "" => PathBuf::from(DEFAULT_PID_FILE),
        path => PathBuf::from(&config.dir).join(path),
    };
    match fs::write(&path, format!("{}\n", std::process::id())) {
        Ok(()) => Some(path),
        Err(e) => {
            log::warn!("Failed to write PID file {}: {}", path.display(), plain(&e));
            None
        }
    }
}
