//! The file behind a storage: opened again if it was deleted, replaced if it is damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use ring_cache_core::Cause;
use rusqlite::Connection;

use super::connections::Connections;
use super::fault::{Fault, contained};
use super::opening::Opening;
use super::quarantine::quarantine;
use super::schema::FOREIGN;
use super::wait_limit::WaitLimit;
use crate::pending_deletes::PendingDeletes;
use crate::process::PerProcess;

/// The most keys of [`Files::pending_deletes`].
const MAX_PENDING_DELETES: usize = 1024;

const FORKED: &str = "the process has forked since the storage was opened: open another one in the child";

fn current(connections: &RwLock<Option<Arc<Connections>>>) -> Option<Arc<Connections>> {
    let connections = connections.read().clone();
    connections.filter(|connections| connections.are_current())
}

/// The file behind a storage.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    /// The connections of this process. A child cannot have any: SQLite would take the parent's locks for its own.
    connections: PerProcess<RwLock<Option<Arc<Connections>>>>,
    /// Deleted by the next successful write, and not found until then.
    pub(super) pending_deletes: PendingDeletes<Box<str>>,
    pub(super) evictions: AtomicU64,
    pub(super) expirations: AtomicU64,
    pub(super) damaged_entries: AtomicU64,
    pub(super) damaged_files: AtomicU64,
}

impl Files {
    /// Opens the file. Creates it and its parent folders if absent.
    pub(super) fn open(path: &Path, wait_limit: WaitLimit) -> Result<Self, Cause> {
        let path = std::path::absolute(path)?;
        let folder = path.parent().ok_or("the path names no file")?;
        if path.is_dir() {
            return Err("this is a folder: name a file, which need not exist".into());
        }
        if path.is_symlink() && matches!(path.try_exists(), Ok(false)) {
            return Err("this is a link to a file that does not exist: name that file".into());
        }
        let missing: Vec<_> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        fs::create_dir_all(folder)?;
        let opened = Files::open_in(folder, &path, wait_limit);
        if opened.is_err() {
            // Undo. Folders that others use meanwhile stay.
            for folder in &missing {
                let _ = fs::remove_dir(folder);
            }
        }
        opened
    }

    fn open_in(folder: &Path, path: &Path, wait_limit: WaitLimit) -> Result<Self, Cause> {
        // SQLite's other files are in the folder of the file itself, not of a link to it.
        let path = fs::canonicalize(path).or_else(|_| {
            let name = path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
            fs::canonicalize(folder).map(|folder| folder.join(name))
        })?;
        let files = Files {
            path,
            connections: PerProcess::new(RwLock::new(None)),
            pending_deletes: PendingDeletes::new(MAX_PENDING_DELETES),
            evictions: AtomicU64::new(0),
            expirations: AtomicU64::new(0),
            damaged_entries: AtomicU64::new(0),
            damaged_files: AtomicU64::new(0),
        };
        files.connections(wait_limit).map_err(Fault::into_cause)?;
        Ok(files)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads in one transaction. Repeats `work` if the file had to be replaced.
    pub(super) fn read<R>(
        &self,
        wait_limit: WaitLimit,
        work: impl Fn(&Connection) -> Result<R, Fault>,
    ) -> Result<R, Cause> {
        self.with(wait_limit, |connections| connections.read(wait_limit, &work))
            .map_err(Fault::into_cause)
    }

    /// Writes in one transaction. Repeats `work` if the file had to be replaced.
    pub(super) fn write<R>(
        &self,
        wait_limit: WaitLimit,
        work: impl Fn(&Connection) -> Result<R, Fault>,
    ) -> Result<R, Cause> {
        self.with(wait_limit, |connections| connections.write(wait_limit, &work))
            .map_err(Fault::into_cause)
    }

    fn with<R>(
        &self,
        wait_limit: WaitLimit,
        work: impl Fn(&Connections) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let connections = self.connections(wait_limit)?;
        match contained(|| work(&connections)) {
            Err(Fault::Damaged(_)) => {
                self.replace(&connections, wait_limit)?;
                let connections = self.connections(wait_limit)?;
                contained(|| work(&connections))
            }
            done => done,
        }
    }

    /// The connections to the current file at the path.
    fn connections(&self, wait_limit: WaitLimit) -> Result<Arc<Connections>, Fault> {
        let own = self.connections.own().ok_or_else(|| Fault::failed(FORKED))?;
        if let Some(connections) = current(own) {
            return Ok(connections);
        }
        if let Some(folder) = self.path.parent() {
            // The folder may have been removed. If this fails, opening reports why.
            let _ = fs::create_dir_all(folder);
        }
        let opening = Opening::of(&self.path, wait_limit)?;
        match current(own) {
            Some(connections) => Ok(connections),
            None => {
                let opened = self.reopen(&opening, wait_limit)?;
                let before = own.write().replace(Arc::clone(&opened));
                drop(before);
                Ok(opened)
            }
        }
    }

    fn reopen(&self, opening: &Opening, wait_limit: WaitLimit) -> Result<Arc<Connections>, Fault> {
        opening.create(&self.path)?;
        let opened = match contained(|| Connections::open(&self.path, opening, wait_limit)) {
            Err(Fault::Damaged(_)) if opening.is_of_storage(&self.path) => {
                self.put_aside(opening)?;
                opening.create(&self.path)?;
                Connections::open(&self.path, opening, wait_limit)
            }
            Err(Fault::Damaged(_)) => Err(Fault::foreign(FOREIGN)),
            opened => opened,
        };
        let opened = Arc::new(opened?);
        opening.succeeded();
        Ok(opened)
    }

    /// Replaces a file that was found damaged.
    fn replace(&self, damaged: &Arc<Connections>, wait_limit: WaitLimit) -> Result<(), Fault> {
        let opening = Opening::of(&self.path, wait_limit)?;
        if damaged.are_current() {
            self.put_aside(&opening)?;
        }
        Ok(())
    }

    fn put_aside(&self, opening: &Opening) -> Result<(), Fault> {
        quarantine(&self.path, opening)?;
        self.damaged_files.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
