//! Signals, as events of the loop.

use mio::{Registry, Token};
use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

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
    /// Set by a second SIGINT, also while the loop is busy saving.
    interrupt: Arc<AtomicBool>,
    ends: u32,
    watch: Option<SigId>,
}

impl Signals {
    pub(super) fn new(registry: &Registry, token: Token, interrupt: Arc<AtomicBool>) -> io::Result<Signals> {
        let mut source = signal_hook_mio::v1_0::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        registry.register(&mut source, token, mio::Interest::READABLE)?;
        Ok(Signals { source, interrupt, ends: 0, watch: None })
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
                    if self.ends == 1 {
                        // Without it a second one is still seen when the loop comes round.
                        self.watch = signal_hook::flag::register(SIGINT, self.interrupt.clone()).ok();
                    }
                    signals.push(Signal::Terminate(if signal == SIGINT { "SIGINT" } else { "SIGTERM" }));
                }
            }
        }
        signals
    }

    /// The end that was asked for does not come, or was called off: the next signal is the first again.
    pub(super) fn forget(&mut self) {
        self.ends = 0;
        if let Some(watch) = self.watch.take() {
            signal_hook::low_level::unregister(watch);
        }
        self.interrupt.store(false, Relaxed);
    }
}
