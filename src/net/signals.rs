//! Signals, as events of the loop.

use mio::{Registry, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// To end; the signal's name.
    Terminate(&'static str),
    /// To read the configuration file again.
    Reload,
}

/// The signals of the process.
pub(super) struct Signals {
    source: signal_hook_mio::v1_0::Signals,
    ends: u32,
}

impl Signals {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Signals> {
        let mut source = signal_hook_mio::v1_0::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        registry.register(&mut source, token, mio::Interest::READABLE)?;
        Ok(Signals { source, ends: 0 })
    }

    /// What came since the last call. A second SIGINT does not wait for anything.
    pub(super) fn pending(&mut self) -> Vec<Signal> {
        let mut signals = Vec::new();
        for signal in self.source.pending() {
            match signal {
                SIGHUP => signals.push(Signal::Reload),
                _ => {
                    self.ends += 1;
                    if self.ends > 1 && signal == SIGINT {
                        std::process::exit(1);
                    }
                    signals.push(Signal::Terminate(if signal == SIGINT { "SIGINT" } else { "SIGTERM" }));
                }
            }
        }
        signals
    }
}
