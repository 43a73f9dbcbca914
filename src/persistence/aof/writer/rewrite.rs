//! The writer's part of a rewrite: a new increment at its beginning, the new base at its end, and what it made superfluous.

use std::io::ErrorKind;

use crate::base::disk::exists;
use crate::formats::aof_manifest::FileInfo;
use crate::persistence::Trouble;
use crate::persistence::aof::job::{Event, RewriteId};
use crate::persistence::aof::store::{BaseFormat, SaveError};

use super::{Increment, State, Writer};

/// A rewrite under way.
#[derive(Clone, Copy)]
pub(super) struct Rewrite {
    id: RewriteId,
    /// Increments below this number are covered by the base.
    first_seq: u64,
    /// The log offset at which it began.
    at: u64,
    /// Whether the base is in force and history is being removed.
    installed: bool,
}

impl Writer {
    pub(super) fn begin_rewrite(&mut self, id: RewriteId, at: u64, increment: bool) {
        assert_eq!(at, self.written, "a rewrite begins where the last block ended");
        self.drop_rewrite();
        if let Err(trouble) = self.open_rewrite(id, increment) {
            self.report.events.push(Event::RewriteFailed(id, trouble));
        }
    }

    fn open_rewrite(&mut self, id: RewriteId, increment: bool) -> Result<(), Trouble> {
        if self.has_unsynced() {
            // If this breaks the log, the rewrite is the very one that mends it.
            self.sync();
        }
        let next = self.store.next_increment();
        let first_seq = next.seq;
        match &mut self.state {
            State::Appending(_) => match self.open_increment() {
                Ok(()) => {}
                Err(SaveError::Kept(trouble)) => return Err(trouble),
                Err(SaveError::Unsure(trouble)) => {
                    self.break_off(trouble.clone());
                    return Err(trouble);
                }
            },
            State::Unbased(trouble) => {
                let trouble = trouble.take();
                self.store.create_dir().inspect_err(|_| self.state = State::Unbased(trouble.clone()))?;
                if increment {
                    let opened = Increment::create(&self.store, next);
                    let opened = opened.inspect_err(|_| self.state = State::Unbased(trouble.clone()))?;
                    self.state = State::Unlisted(opened, trouble);
                    self.synced = self.written;
                }
            }
            State::Unlisted(..) => unreachable!("it belongs to a rewrite, and there is none"),
        }
        self.rewrite = Some(Rewrite { id, first_seq, at: self.written, installed: false });
        Ok(())
    }

    /// Ends the rewrite of that number, if it is under way.
    pub(super) fn abort_rewrite(&mut self, id: RewriteId) {
        if self.rewrite.is_some_and(|rewrite| rewrite.id == id) {
            self.drop_rewrite();
        }
    }

    /// Ends a rewrite that will bring no base; gives its number. Its increment stays in use if it is listed.
    pub(super) fn drop_rewrite(&mut self) -> Option<RewriteId> {
        let id = self.rewrite.take_if(|rewrite| !rewrite.installed)?.id;
        // The temporary base is the walk's to remove: the next one may be writing there by now.
        if let State::Unlisted(increment, trouble) = &mut self.state {
            // It is in no manifest; if it stays, the next one of that name replaces it.
            let _ = self.store.disk().remove(&self.store.location().path(&increment.info.name));
            self.state = State::Unbased(trouble.take());
        }
        Some(id)
    }

    pub(super) fn install_base(&mut self, id: RewriteId, format: BaseFormat) {
        if self.has_unsynced() {
            self.sync();
        }
        // If it is another one, it failed on the way, and the loop has been told.
        let Some(rewrite) = self.rewrite.filter(|rewrite| rewrite.id == id && !rewrite.installed) else { return };
        let base = self.store.next_base(format);
        match self.put_in_force(base.clone(), &rewrite) {
            Ok(()) => {
                self.report.events.push(Event::BaseInstalled { name: base.name });
                self.rewrite = Some(Rewrite { installed: true, ..rewrite });
                self.doomed = self.store.removable();
                self.finish_rewrite();
                self.measure();
            }
            Err(SaveError::Kept(trouble)) => {
                let _ = self.store.disk().remove(&self.store.location().path(&base.name));
                self.drop_rewrite();
                self.report.events.push(Event::RewriteFailed(id, trouble));
            }
            Err(SaveError::Unsure(trouble)) => {
                // After a crash either manifest may stand, so every file of both has to, until one is known to.
                self.rewrite = None;
                self.doomed = self.store.removable();
                self.report.events.push(Event::RewriteFailed(id, trouble.clone()));
                self.break_off(trouble);
            }
        }
    }

    fn put_in_force(&mut self, base: FileInfo, rewrite: &Rewrite) -> Result<(), SaveError> {
        let (temp, path) = (self.store.location().temp_base_path(), self.store.location().path(&base.name));
        self.store
            .disk()
            .rename(&temp, &path)
            .map_err(|error| SaveError::Kept(Trouble::new("install", &path, &error)))?;
        let mut manifest = self.store.manifest().clone();
        let log_is_off = matches!(self.state, State::Unbased(_));
        manifest.replace_base(base, |increment| log_is_off || increment.seq < rewrite.first_seq);
        if let State::Unlisted(increment, _) = &self.state {
            manifest.increments.push(increment.info.clone());
            manifest.last_begins_at = Some(rewrite.at);
        }
        self.store.save(manifest)?;
        self.state = match std::mem::replace(&mut self.state, State::Unbased(None)) {
            State::Unlisted(increment, _) => {
                self.report.events.push(Event::IncrementOpened { name: increment.info.name.clone() });
                State::Appending(increment)
            }
            other => other,
        };
        Ok(())
    }

    /// Removes one file that nothing needs; after the last, takes them off the manifest.
    pub(super) fn remove_history_file(&mut self) {
        if !self.removes_history {
            return self.finish_rewrite();
        }
        let Some(file) = self.doomed.pop_front() else { return };
        self.report_changed = true;
        let path = self.store.location().path(&file.name);
        if let Err(error) = self.store.disk().remove(&path)
            && error.kind() != ErrorKind::NotFound
        {
            self.report.events.push(Event::HistoryKept(Trouble::new("remove", &path, &error)));
        }
        if self.doomed.is_empty() {
            self.forget_history();
            self.finish_rewrite();
        }
    }

    fn forget_history(&mut self) {
        let mut manifest = self.store.manifest().clone();
        let (disk, location) = (self.store.disk(), self.store.location());
        manifest.history.retain(|file| exists(&**disk, &location.path(&file.name)));
        // Files that are gone may stay listed as history: they are looked for again at the next start.
        if let Err(error) = self.store.save(manifest) {
            let trouble = error.trouble();
            // A name that a failed sync was to make durable may be lost for good, though it is still seen and the next sync succeeds.
            if matches!(self.state, State::Unlisted(..))
                && let Some(rewrite) = self.drop_rewrite()
            {
                self.report.events.push(Event::RewriteFailed(rewrite, trouble.clone()));
            }
            self.report.events.push(Event::HistoryKept(trouble));
        }
    }

    /// Says that the rewrite is over once nothing is left to be removed.
    fn finish_rewrite(&mut self) {
        let nothing_left = self.doomed.is_empty() || !self.removes_history;
        if let Some(rewrite) = self.rewrite.take_if(|rewrite| rewrite.installed && nothing_left) {
            self.report_changed = true;
            self.report.events.push(Event::RewriteDone(rewrite.id));
        }
    }

    /// Looks up the sizes of the files that are not at hand.
    pub(super) fn measure(&mut self) {
        let len = |file: &FileInfo| self.store.disk().len(&self.store.location().path(&file.name)).unwrap_or(0);
        let manifest = self.store.manifest();
        let at_hand = match &self.state {
            State::Appending(increment) => Some(&increment.info),
            State::Unlisted(..) | State::Unbased(_) => None,
        };
        self.report.base_bytes = manifest.base.as_ref().map_or(0, len);
        self.sealed_bytes = manifest.increments.iter().filter(|file| Some(*file) != at_hand).map(len).sum();
    }
}
