//! What is wrong with something that a person wrote, where, and what to do about it.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

/// One thing wrong in a file, an option or an argument. The process that meets it ends with exit code 2.
///
/// Reads `file:line: key: problem; remedy`, without the parts that are unknown.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BadInput {
    /// The file, if it came from one.
    pub file: Option<PathBuf>,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// The key, option or field concerned, as the user spells it.
    pub key: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl BadInput {
    /// Something wrong, nowhere in particular yet.
    pub fn new(problem: impl Into<String>) -> Self {
        BadInput { problem: problem.into(), ..BadInput::default() }
    }

    /// In this file.
    pub fn in_file(self, file: &Path) -> Self {
        BadInput { file: Some(file.to_owned()), ..self }
    }

    /// On this line.
    pub fn on_line(self, line: usize) -> Self {
        BadInput { line: Some(line), ..self }
    }

    /// At this key, option or field.
    pub fn at(self, key: impl Into<String>) -> Self {
        BadInput { key: Some(key.into()), ..self }
    }

    /// With this remedy.
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        BadInput { remedy: Some(remedy.into()), ..self }
    }

    /// A file that could not be read or written.
    pub fn io(file: &Path, what: &str, error: &std::io::Error) -> Self {
        BadInput::new(format!("cannot {what}: {error}")).in_file(file)
    }
}

impl Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
            }
            write!(f, " ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        write!(f, "{}", self.problem)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BadInput {}

impl From<BadInput> for Vec<BadInput> {
    fn from(problem: BadInput) -> Self {
        vec![problem]
    }
}

/// The 1-based line of a byte offset.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_file_line_key_problem_remedy() {
        let error = BadInput::new("unknown key").in_file(Path::new("a.toml")).on_line(3).at("Log.Levle").remedy("do x");
        assert_eq!(error.to_string(), "a.toml:3: Log.Levle: unknown key; do x");
        assert_eq!(BadInput::new("no").to_string(), "no");
    }
}
