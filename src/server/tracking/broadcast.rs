//! Who listens to keys with which prefixes, and what has changed of those in this round.

use crate::server::clients::ClientIndex;
use std::collections::{BTreeMap, BTreeSet};

/// Prefixes of keys.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    by_prefix: BTreeMap<Box<[u8]>, Listeners>,
    /// Bytes of the longest prefix there has been.
    longest: usize,
    /// Whether any key has changed that somebody listens to.
    has_changed: bool,
}

#[derive(Debug, Default)]
struct Listeners {
    clients: BTreeSet<ClientIndex>,
    /// Keys that have changed, and whose call changed them last.
    changed: BTreeMap<Box<[u8]>, Option<ClientIndex>>,
}

/// What has changed of one prefix.
pub(super) struct Changed {
    /// The keys in order, and whose calls changed them last.
    pub(super) keys: Vec<(Box<[u8]>, Option<ClientIndex>)>,
    /// Who is to hear of them.
    pub(super) listeners: Vec<ClientIndex>,
}

impl Prefixes {
    /// Prefixes that somebody listens to.
    pub(super) fn len(&self) -> usize {
        self.by_prefix.len()
    }

    pub(super) fn add(&mut self, prefix: &[u8], client: ClientIndex) {
        self.longest = self.longest.max(prefix.len());
        self.by_prefix.entry(prefix.into()).or_default().clients.insert(client);
    }

    pub(super) fn remove(&mut self, prefix: &[u8], client: ClientIndex) {
        let Some(listeners) = self.by_prefix.get_mut(prefix) else { return };
        listeners.clients.remove(&client);
        // What it changed is nobody's: its place may be another's by the end of the round.
        listeners.changed.values_mut().filter(|author| **author == Some(client)).for_each(|author| *author = None);
        if listeners.clients.is_empty() {
            self.by_prefix.remove(prefix);
        }
    }

    /// A key has changed.
    pub(super) fn note(&mut self, key: &[u8], author: Option<ClientIndex>) {
        if self.by_prefix.is_empty() {
            return;
        }
        for len in 0..=key.len().min(self.longest) {
            if let Some(listeners) = self.by_prefix.get_mut(&key[..len]) {
                listeners.changed.insert(key.into(), author);
                self.has_changed = true;
            }
        }
    }

    #[inline]
    pub(super) fn has_changed(&self) -> bool {
        self.has_changed
    }

    /// What has changed since the last time.
    pub(super) fn take_changed(&mut self) -> Vec<Changed> {
        self.has_changed = false;
        let some = self.by_prefix.values_mut().filter(|listeners| !listeners.changed.is_empty());
        some.map(|listeners| Changed {
            keys: std::mem::take(&mut listeners.changed).into_iter().collect(),
            listeners: listeners.clients.iter().copied().collect(),
        })
        .collect()
    }
}
