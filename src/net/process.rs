//! The server as a process: from a command line to an exit code.

use super::config_files::{ConfigFiles, plain};
use super::doors::enter;
use super::instance::{Instance, Parts};
use super::logging::Logging;
use super::process_title::ProcessTitle;
use super::service_manager::ServiceManager;
use super::threads::pin;
use crate::base::sys::affinity::CpuList;
use crate::base::sys::crash::{self, OnPanic};
use crate::base::sys::{daemon, limits};
use crate::server::REDIS_VERSION;
use crate::server::config::{Config, Finding, Invocation, Supervised};
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where the process id goes when the process is in the background and nothing else is said.
const DEFAULT_PID_FILE: &str = "/var/run/ferrodis.pid";

/// What `--version` prints.
pub fn version() -> String {
    let bits = usize::BITS;
    format!("Ferrodis server v={} bits={bits} (compatible with Redis {REDIS_VERSION})", env!("CARGO_PKG_VERSION"))
}

/// Is a server until something ends it; gives the exit code.
pub fn serve(invocation: Invocation) -> i32 {
    let words: Vec<OsString> = std::env::args_os().collect();
    match begin(invocation, &words) {
        Ok((config, warnings, parts)) => run(config, &warnings, parts, &words),
        Err(text) => {
            eprintln!("{text}");
            1
        }
    }
}

/// What comes before there is a log: problems are told on standard error.
fn begin(invocation: Invocation, words: &[OsString]) -> Result<(Config, Vec<Finding>, Parts), String> {
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
    let title = config.set_proc_title.then(|| ProcessTitle::take(words.first().map(OsString::as_os_str))).flatten();
    let logging =
        Logging::start(&config).map_err(|e| format!("Can't open the log file '{}': {}", config.logfile, plain(&e)))?;
    crash::report_crashes(config.crash_log_enabled);
    crash::show_stack_on_alarm();
    crash::report_context(&config.debug_context);
    crash::end_on_panic(on_panic(&config));
    let parts = Parts { files: Some(files), logging: Some(logging), title, ..Parts::default() };
    Ok((config, loaded.warnings, parts))
}

/// `use-exit-on-panic`.
pub(super) fn on_panic(config: &Config) -> OnPanic {
    if config.use_exit_on_panic { OnPanic::Exit } else { OnPanic::Abort }
}

fn run(mut config: Config, warnings: &[Finding], mut parts: Parts, words: &[OsString]) -> i32 {
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
    let start_directory = parts.files.as_ref().map(|files| files.start_directory.clone());
    let end = serve_until_end(config, parts).unwrap_or_else(|text| {
        log::error!("{text}");
        End::Exit(1)
    });
    if let Some(path) = pid_file {
        log::info!("Removing the pid file.");
        let _ = fs::remove_file(path);
    }
    if let Some(logging) = logging {
        logging.flush();
    }
    match end {
        End::Exit(code) => code,
        End::Restart(delay) => {
            std::thread::sleep(delay);
            start_anew(start_directory.unwrap_or_default(), &words[1..])
        }
    }
}

/// How a server has ended.
enum End {
    /// With this code.
    Exit(i32),
    /// To be started anew after so long.
    Restart(Duration),
}

/// Runs this program with these arguments, which it was given, in place of itself; gives the exit code if that cannot be. Files and
/// sockets are closed by it.
fn start_anew(directory: PathBuf, arguments: &[OsString]) -> i32 {
    let reason = match std::env::current_exe() {
        Ok(program) => Command::new(program).args(arguments).current_dir(directory).stdin(Stdio::null()).exec(),
        Err(e) => e,
    };
    eprintln!("Can't start the server anew: {}", plain(&reason));
    1
}

fn serve_until_end(config: Config, parts: Parts) -> Result<End, String> {
    let (port, cpus) = (config.port, config.server_cpulist.parse::<CpuList>());
    let mut instance = Instance::new(config, parts)?;
    instance.event_loop.take_signals().map_err(|e| format!("Signals cannot be taken: {}", plain(&e)))?;
    instance.event_loop.dispatcher.allow_restart();
    instance.event_loop.show_title();
    log::info!("Running mode=standalone, port={port}.");
    log::info!("PID: {}", std::process::id());
    log::info!("Server initialized");
    if let Ok(cpus) = cpus {
        pin(&cpus);
    }
    let code = instance.run();
    instance.event_loop.close_listeners(|_| true);
    let restart = instance.event_loop.dispatcher.restart_delay();
    // The kernel frees the data faster than we would, key by key; but what looks for leaks is to see what nobody would have freed.
    match cfg!(debug_assertions) {
        true => drop(instance),
        false => std::mem::forget(instance),
    }
    code.map(|code| restart.map_or(End::Exit(code), End::Restart))
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
