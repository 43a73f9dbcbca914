//! An increment that is open for appending, and how one block goes into it.

use std::io::{self, IoSlice};

use crate::base::disk::{DiskFile, OpenMode, write_all};
use crate::formats::aof_manifest::FileInfo;
use crate::persistence::Trouble;
use crate::persistence::aof::block::{Head, Place};
use crate::persistence::aof::job::Block;
use crate::persistence::aof::store::Store;

/// An open increment. What lies beyond `len` was left behind by a write that failed.
pub struct Increment {
    pub(in crate::persistence::aof) file: Box<dyn DiskFile>,
    pub(in crate::persistence::aof) info: FileInfo,
    /// Bytes of whole blocks.
    pub(in crate::persistence::aof) len: u64,
    /// Whether bytes have been written since the last sync.
    pub(in crate::persistence::aof) unsynced: bool,
    last_timestamp_s: Option<u64>,
}

impl Increment {
    /// One that holds `len` durable bytes already.
    pub(in crate::persistence::aof) fn new(file: Box<dyn DiskFile>, info: FileInfo, len: u64) -> Increment {
        Increment { file, info, len, unsynced: false, last_timestamp_s: None }
    }

    /// Makes the file. Its name is not durable yet, nor in any manifest.
    pub(in crate::persistence::aof) fn create(store: &Store, info: FileInfo) -> Result<Increment, Trouble> {
        let path = store.location().path(&info.name);
        let file = store.disk().open(&path, OpenMode::Create).map_err(Trouble::at("create", &path))?;
        Ok(Increment::new(file, info, 0))
    }

    /// Appends a block with one call. `synced` is the log offset up to which all is durable, `scratch` any buffer.
    pub(super) fn append(&mut self, block: &Block, synced: u64, scratch: &mut Vec<u8>) -> io::Result<()> {
        scratch.clear();
        if let Some(db) = block.db.filter(|_| self.len == 0) {
            let select = select_call(db);
            Head::of(&select, None).print(scratch);
            scratch.extend_from_slice(&select);
        }
        if block.timestamp_s.is_some() && block.timestamp_s != self.last_timestamp_s {
            scratch.extend_from_slice(format!("#TS:{}\r\n", block.timestamp_s.unwrap_or(0)).as_bytes());
        }
        Head::of(&block.body, Some(Place { at: block.at, synced })).print(scratch);
        self.unsynced = true;
        write_all(&mut *self.file, &mut [IoSlice::new(scratch), IoSlice::new(&block.body)])?;
        self.len += (scratch.len() + block.body.len()) as u64;
        self.last_timestamp_s = block.timestamp_s;
        Ok(())
    }

    /// Makes all of it durable. After a failure the file must not be used any more.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.unsynced = false;
        Ok(())
    }

    /// Cuts off what a failed write left behind, durably. After a failure the file must not be used any more.
    pub(super) fn cut_back(&mut self) -> io::Result<()> {
        self.file.truncate(self.len)?;
        self.sync()
    }
}

fn select_call(db: u32) -> Vec<u8> {
    let digits = db.to_string();
    format!("*2\r\n$6\r\nSELECT\r\n${}\r\n{digits}\r\n", digits.len()).into_bytes()
}
