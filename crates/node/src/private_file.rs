//! Files with secrets in them: for their owner alone, whole or not there.

use crate::bad_input::BadInput;
use rand::RngCore;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest file with secrets that is read; a seat with many sources stays far below.
const BYTES_MAX: u64 = 1 << 20;

/// Writes a file of mode 0600 so that a reader, or a crash, finds the old contents or the new ones, never a part.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let temporary = folder.join(temporary_name(path));
    let written = write_and_rename(&temporary, path, bytes).and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        // The error that is returned tells more than a failure to clean up after it.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_and_rename(temporary: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(temporary, path)
}

/// A name that no other writer of this path uses at the same time, hidden from whoever lists `*.json`.
fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.{:016x}.tmp", rand::rngs::OsRng.next_u64()).into()
}

/// The text of a file that nobody but its owner may read; wiped from memory when it is dropped.
pub fn read(path: &Path) -> Result<Zeroizing<String>, BadInput> {
    let file = File::open(path).map_err(|error| BadInput::io(path, "read", &error))?;
    let metadata = file.metadata().map_err(|error| BadInput::io(path, "read", &error))?;
    if !metadata.is_file() {
        return Err(BadInput::new("not a regular file").in_file(path));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(BadInput::new(format!("holds a secret, but its mode {mode:04o} lets others use it"))
            .in_file(path)
            .remedy(format!("run: chmod 600 {}", path.display())));
    }
    if metadata.len() > BYTES_MAX {
        return Err(BadInput::new(format!("larger than {BYTES_MAX} bytes")).in_file(path));
    }
    // Sized beforehand, so that no copy of the secret is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(BYTES_MAX).unwrap_or_default()));
    file.take(BYTES_MAX).read_to_string(&mut text).map_err(|error| BadInput::io(path, "read", &error))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_for_the_owner_and_leaves_nothing_else_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(*read(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        write(&path, b"x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("{0}: holds a secret, but its mode 0640 lets others use it; run: chmod 600 {0}", path.display())
        );
    }
}
