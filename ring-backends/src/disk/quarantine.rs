//! Quarantine: damaged files are renamed, and the last few are kept.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::metadata::milliseconds;
use super::opening::{COMPANIONS, Opening, with_suffix};

/// The number of damaged files kept. The first always stays: it may be another program's file, mistaken for a storage.
const KEPT: usize = 4;

/// Renames the file and SQLite's other files.
pub(super) fn quarantine(path: &Path, _opening: &Opening) -> io::Result<()> {
    let mut stamp = milliseconds(SystemTime::now());
    let name = loop {
        let name = with_suffix(path, &format!(".damaged-{stamp}"));
        if fs::symlink_metadata(&name).is_err() {
            break name;
        }
        stamp += 1;
    };
    rename(path, &name)?;
    for companion in COMPANIONS {
        rename(&with_suffix(path, companion), &with_suffix(&name, companion))?;
    }
    remove_excess(path);
    Ok(())
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Files that cannot be removed are tried again the next time.
fn remove_excess(path: &Path) {
    let mut kept = quarantined(path);
    while kept.len() > KEPT {
        let name = kept.remove(1);
        for companion in COMPANIONS {
            let _ = fs::remove_file(with_suffix(&name, companion));
        }
        let _ = fs::remove_file(name);
    }
}

/// The damaged files, the oldest first.
fn quarantined(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Vec::new();
    };
    let start = format!("{}.damaged-", name.to_string_lossy());
    let Ok(found) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = found.flatten().map(|file| file.file_name());
    let mut stamps: Vec<i64> = names
        .filter_map(|name| name.to_str()?.strip_prefix(&start)?.parse().ok())
        .collect();
    stamps.sort_unstable();
    let name = |stamp| with_suffix(path, &format!(".damaged-{stamp}"));
    stamps.into_iter().map(name).collect()
}
