//! Reading ahead: the loader on a thread of its own, a few batches before whoever applies them.
//!
//! ```text
//! applies                                  thread
//! Ahead <------ bounded queue: filled ------ ReadAhead: Loader
//!    `--------- bounded queue: emptied -----------^
//! ```
//! Neither queue ever holds more than the batches that there are.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::{Batch, Failure, Loader, Thing};
use crate::base::sys::allocator;

/// Batches that there are: one is being filled, one applied, the others keep either from waiting.
const BATCHES: usize = 4;
/// Things in a batch: so many that it is worth waking whoever waits for it.
const THINGS_AHEAD: usize = 1024;
/// The same where nobody waits: so few that they stay in the cache.
const THINGS_HERE: usize = 128;

/// Where batches come from.
pub enum Batches {
    /// A loader that is run by whoever applies them.
    Here(Box<Loader>),
    /// One that reads ahead.
    Ahead(Ahead),
}

impl Batches {
    /// A loader that is to run on a thread of its own, and where its batches come out.
    pub fn ahead(loader: Loader) -> (Batches, ReadAhead) {
        let (filled_sender, filled) = bounded(BATCHES);
        let (emptied_sender, emptied) = bounded(BATCHES);
        for _ in 0..BATCHES {
            let _ = emptied_sender.try_send(Batch::default());
        }
        let reader = ReadAhead { loader, emptied, filled: filled_sender };
        (Batches::Ahead(Ahead { filled, emptied: Some(emptied_sender) }), reader)
    }

    /// Fills a batch that has been applied, or puts another one in its place; whether one came in time.
    pub fn next(&mut self, batch: &mut Batch, patience: Duration) -> bool {
        batch.clear();
        match self {
            Batches::Here(loader) => loader.fill(batch, THINGS_HERE),
            Batches::Ahead(ahead) => match ahead.filled.recv_timeout(patience) {
                Ok(filled) => {
                    let emptied = std::mem::replace(batch, filled);
                    if let Some(sender) = &ahead.emptied {
                        let _ = sender.try_send(emptied);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => {
                    batch.push(Thing::Failed(Failure::new("The thread that reads for loading has ended".into())));
                }
            },
        }
        true
    }
}

/// The end of the queues where batches are applied.
pub struct Ahead {
    filled: Receiver<Batch>,
    /// None when no more is wanted.
    emptied: Option<Sender<Batch>>,
}

impl Drop for Ahead {
    /// Returns when the reader has ended: it may be about to cut a torn end off, and has the files open.
    fn drop(&mut self) {
        self.emptied = None;
        while self.filled.recv().is_ok() {}
    }
}

/// A loader that reads ahead.
pub struct ReadAhead {
    loader: Loader,
    emptied: Receiver<Batch>,
    filled: Sender<Batch>,
}

impl ReadAhead {
    /// Reads until all has been read, or no more is wanted.
    pub fn run(mut self) {
        let mut is_done = false;
        while !is_done && let Ok(mut batch) = self.emptied.recv() {
            self.loader.fill(&mut batch, THINGS_AHEAD);
            allocator::settle();
            is_done = batch.is_last();
            if self.filled.send(batch).is_err() {
                return;
            }
        }
    }
}
