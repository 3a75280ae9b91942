//! Reading a log while it is written.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

/// The end of a file that grows.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    read: u64,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
}

impl Tail {
    /// Has read nothing yet; the file need not be there.
    pub fn of(path: PathBuf) -> Tail {
        Tail { path, read: 0, rest: Vec::new() }
    }

    /// The whole lines that were written since the last call.
    pub fn lines(&mut self) -> Result<Vec<String>, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.path.display());
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        file.seek(SeekFrom::Start(self.read)).map_err(failed)?;
        let got = file.read_to_end(&mut self.rest).map_err(failed)?;
        self.read += got as u64;
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(Vec::new()) };
        let later = self.rest.split_off(end + 1);
        let text = String::from_utf8_lossy(&self.rest).into_owned();
        self.rest = later;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_line_is_read_once_and_only_when_it_is_whole() {
        let path = std::env::temp_dir().join(format!("dodona-tail-{}", std::process::id()));
        let mut tail = Tail::of(path.clone());
        assert_eq!(tail.lines().unwrap(), [""; 0]);
        let mut file = File::create(&path).unwrap();
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(tail.lines().unwrap(), ["one"]);
        assert_eq!(tail.lines().unwrap(), [""; 0]);
        file.write_all(b"o\nthree\n").unwrap();
        assert_eq!(tail.lines().unwrap(), ["two", "three"]);
        std::fs::remove_file(path).unwrap();
    }
}
