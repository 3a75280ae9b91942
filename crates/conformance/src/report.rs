//! What running vector files found.

use std::{fmt, path::PathBuf};

use serde_json::Value;

use crate::{
    file::FileError,
    limits::{FAILURES_KEPT, SHOWN_CHARS_MAX},
};

/// The judgement of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// The first field in which we differ.
    Failed {
        field: String,
        wanted: String,
        got: String,
    },
    /// A field that we do not know, that is missing, or that has another form than the schema says: nothing was proved.
    Unknown {
        field: String,
    },
}

/// All files, in the order in which they were run.
#[derive(Debug)]
pub struct Report {
    pub files: Vec<FileReport>,
}

impl Report {
    /// 0: all passed. 1: a case failed. 2: no case failed, but a file or field is not known or cannot be read, or there
    /// was nothing to run.
    pub fn exit_code(&self) -> u8 {
        let counts = || {
            self.files.iter().filter_map(|file| match &file.outcome {
                FileOutcome::Run(counts) => Some(counts),
                FileOutcome::UnknownKind | FileOutcome::Unreadable(_) => None,
            })
        };
        if counts().any(|counts| counts.failed > 0) {
            1
        } else if self.files.is_empty()
            || counts().count() < self.files.len()
            || counts().any(|counts| counts.unknown > 0 || counts.passed == 0)
        {
            2
        } else {
            0
        }
    }
}

/// One line for each file, and below it one for each case that did not pass.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.files.is_empty() {
            writeln!(f, "no vector files")?;
        }
        self.files.iter().try_for_each(|file| write!(f, "{file}"))
    }
}

/// One file.
#[derive(Debug)]
pub struct FileReport {
    pub path: PathBuf,
    pub outcome: FileOutcome,
}

/// What became of a file.
#[derive(Debug)]
pub enum FileOutcome {
    Run(Counts),
    /// Folder and name say nothing to us.
    UnknownKind,
    Unreadable(FileError),
}

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.outcome {
            FileOutcome::UnknownKind => writeln!(f, "{path}: unknown kind of file"),
            FileOutcome::Unreadable(error) => writeln!(f, "{path}: {error}"),
            FileOutcome::Run(counts) => {
                write!(f, "{path}: {} passed, {} failed", counts.passed, counts.failed)?;
                if counts.unknown > 0 {
                    write!(f, ", {} unknown", counts.unknown)?;
                }
                writeln!(f)?;
                counts.failures.iter().try_for_each(|failure| writeln!(f, "  {failure}"))?;
                let more = counts.failed + counts.unknown - counts.failures.len();
                if more > 0 { writeln!(f, "  and {more} more") } else { Ok(()) }
            }
        }
    }
}

/// How many cases of a file did what, and the first that did not pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub unknown: usize,
    /// In the order of the file; at most [`FAILURES_KEPT`].
    pub failures: Vec<Failure>,
}

/// A case that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its position in the file, from 0.
    pub case: usize,
    /// Its `name`, or what else tells its kind; may be empty.
    pub name: String,
    pub verdict: Verdict,
}

impl Counts {
    pub(crate) fn count(&mut self, case: &Value, verdict: Verdict) {
        let index = self.passed + self.failed + self.unknown;
        match verdict {
            Verdict::Passed => {
                self.passed += 1;
                return;
            }
            Verdict::Failed { .. } => self.failed += 1,
            Verdict::Unknown { .. } => self.unknown += 1,
        }
        if self.failures.len() < FAILURES_KEPT {
            let name = ["name", "what", "type", "kind"].iter().find_map(|field| case.get(field)?.as_str());
            self.failures.push(Failure { case: index, name: shorten(name.unwrap_or_default()), verdict });
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "case {}", self.case)?;
        if !self.name.is_empty() {
            write!(f, " ({})", self.name)?;
        }
        match &self.verdict {
            Verdict::Passed => f.write_str(": passed"),
            Verdict::Failed { field, wanted, got } => write!(f, ": {field}: wanted {wanted}, got {got}"),
            Verdict::Unknown { field } => write!(f, ": unknown field {field}"),
        }
    }
}

pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        None => text.into(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}
