//! What follows from a call that changed something: the dirty count, who watches, the log.

use super::Dispatcher;
use crate::commands::args::Args;
use crate::server::clients::ClientIndex;

impl Dispatcher {
    /// Reads the call's effects once.
    #[inline]
    pub(super) fn settle(&mut self, _client: ClientIndex, _args: &Args<'_>) {
        self.effects.clear();
    }
}
