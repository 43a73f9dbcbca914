//! What a database takes.

use super::Database;

impl Database {
    /// Bytes of record slots that are free but were used.
    pub fn idle_bytes(&self) -> usize {
        self.records.idle_bytes()
    }

    /// Bytes of pages beyond what records use: memory that no key takes.
    pub fn slack_bytes(&self) -> usize {
        self.records.slack_bytes()
    }

    /// Bytes of pages that come straight from the system.
    pub fn mapped_bytes(&self) -> usize {
        self.records.mapped_bytes() + self.table.mapped_bytes()
    }

    /// Bytes of the table that finds keys.
    pub fn table_bytes(&self) -> usize {
        self.table.bytes()
    }

    /// Whether it has keys, or pages that had some.
    pub fn holds_pages(&self) -> bool {
        self.records.page_bytes() > 0
    }

    /// Bytes of the LRU list's links.
    pub fn links_bytes(&self) -> usize {
        if self.recency.is_listed() { self.records.len() * 8 } else { 0 }
    }

    /// Buckets of the table.
    pub fn buckets(&self) -> usize {
        self.table.buckets()
    }
}
