//! Runs vector files through the production code: what another implementation's author, and our own tests, check an
//! Offchain Reporting stack with. The files and their fields are described in `spec/vectors/README.md`.
//!
//! Not here: any protocol logic, or anything that would make a vector pass which the product would fail.

mod case;
mod file;
pub mod limits;
mod ocr2;
mod ocr2_protocol;
mod p2p;
mod report;
pub mod stage;

use std::path::Path;

use serde_json::Value;

pub use file::FileError;
pub use report::{Failure, FileOutcome, FileReport, Report, Verdict};

/// Runs a vector file, or every `.json` file below a folder in the order of their names. A file's kind follows from the
/// name of its folder and its own: `ocr2/leaders.json`.
pub fn run_path(path: &Path) -> Report {
    let mut files = Vec::new();
    match file::vector_files(path) {
        Ok(paths) => {
            for path in paths {
                let outcome = run_file(&path);
                files.push(FileReport { path, outcome });
            }
        }
        Err(error) => files.push(FileReport { path: path.into(), outcome: FileOutcome::Unreadable(error) }),
    }
    Report { files }
}

fn run_file(path: &Path) -> FileOutcome {
    let kind = match file::Kind::of(path) {
        Ok(Some(kind)) => kind,
        Ok(None) => return FileOutcome::UnknownKind,
        Err(error) => return FileOutcome::Unreadable(error),
    };
    let mut outcome = report::Counts::default();
    let read = file::for_each_case(path, kind.form, |case| {
        outcome.count(case, run_case(kind.folder, kind.name, case));
    });
    match read {
        Ok(()) => FileOutcome::Run(outcome),
        Err(error) => FileOutcome::Unreadable(error),
    }
}

/// Judges one case of a file that [`file::KINDS`] lists.
fn run_case(folder: &str, name: &str, case: &Value) -> Verdict {
    let unknown = || Verdict::Unknown { field: format!("{folder}/{name}.json") };
    match folder {
        "ocr2" => ocr2::run(name, case).or_else(|| ocr2_protocol::run(name, case)).unwrap_or_else(unknown),
        "p2p" => p2p::run(name, case),
        _ => unknown(),
    }
}
