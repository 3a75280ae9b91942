//! Where in the file something stands, and what to do about it.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display};

/// A place in a text: lines and columns (in characters) count from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl Position {
    /// The place of the byte `offset` of `text`; beyond the end means the end.
    pub fn of(text: &str, offset: usize) -> Position {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        // The text is at most JOB_BYTES_MAX long wherever this is used; saturate for other callers.
        Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }
}

impl Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// What is wrong (or only odd) at one place of a job, and what to do about it. A caller that knows the file's name
/// prints `name:` before it, which gives the usual `name:line:column: …`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{at}: {key}: {problem}; {remedy}")]
pub struct Diagnostic {
    pub at: Position,
    /// The key, task or attribute concerned, as the job spells it: `contractID`, `ds1.url`.
    pub key: String,
    pub problem: String,
    pub remedy: String,
}

/// A text inside a file: the whole job, or the graph inside one of its strings, with the way back to places in the file.
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    /// The text as it reads.
    pub text: &'a str,
    file: &'a str,
    /// (offset in text, offset in file), ascending: where the distance between the two changes.
    steps: Vec<(usize, usize)>,
}

impl<'a> Source<'a> {
    /// A text that is the whole file.
    pub fn whole(text: &'a str) -> Self {
        Source { text, file: text, steps: Vec::new() }
    }

    /// The value `text` of a TOML string whose literal, quotes included, starts at `start` in `file`.
    pub fn toml_string(text: &'a str, file: &'a str, start: usize) -> Self {
        let steps = toml_string_steps(text, file.get(start..).unwrap_or(""), start);
        Source { text, file, steps }
    }

    pub fn position(&self, offset: usize) -> Position {
        let origin = match self.steps.iter().rev().find(|(text, _)| *text <= offset) {
            Some((text, file)) => file + (offset - text),
            None => offset,
        };
        Position::of(self.file, origin)
    }

    pub fn diagnostic(
        &self,
        offset: usize,
        key: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic { at: self.position(offset), key: key.into(), problem: problem.into(), remedy: remedy.into() }
    }
}

/// Walks a TOML string literal and its value side by side (TOML 1.0, "String"): quotes, a dropped first newline, escapes.
fn toml_string_steps(value: &str, literal: &str, start: usize) -> Vec<(usize, usize)> {
    let (quotes, escapes) = match literal.as_bytes() {
        [b'"', b'"', b'"', ..] => (3, true),
        [b'\'', b'\'', b'\'', ..] => (3, false),
        [b'"', ..] => (1, true),
        _ => (1, false),
    };
    let mut raw = quotes;
    if quotes == 3 {
        let rest = &literal[raw.min(literal.len())..];
        raw += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    }
    let mut steps = alloc::vec![(0, start + raw)];
    if !escapes {
        return steps;
    }
    let bytes = literal.as_bytes();
    let mut at = 0;
    while at < value.len() && raw < bytes.len() {
        if bytes[raw] != b'\\' {
            at += 1;
            raw += 1;
            continue;
        }
        match bytes.get(raw + 1) {
            Some(b'u' | b'U' | b'x') => {
                raw += match bytes[raw + 1] {
                    b'u' => 6,
                    b'U' => 10,
                    _ => 4,
                };
                at += value.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            }
            Some(b' ' | b'\t' | b'\r' | b'\n') => {
                raw += 1;
                while bytes.get(raw).is_some_and(u8::is_ascii_whitespace) {
                    raw += 1;
                }
            }
            _ => {
                raw += 2;
                at += 1;
            }
        }
        steps.push((at, start + raw));
    }
    steps
}

/// Of `known`, the name that a typing error may have turned into `got`: at most a third of its letters differ.
pub fn nearest<'k>(got: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Names are short; a long one is not a typing error, and the distance below is quadratic.
    if got.len() > 64 {
        return None;
    }
    let got = got.to_ascii_lowercase();
    known
        .into_iter()
        .map(|name| (distance(&got, &name.to_ascii_lowercase()), name))
        .filter(|(distance, name)| *distance <= name.len().div_ceil(3))
        .min()
        .map(|(_, name)| name)
}

/// Letters to insert, drop or change to make `a` of `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// `a`, `b` or `c`.
pub(crate) fn either(names: &[&str]) -> String {
    let mut text = String::new();
    for (i, name) in names.iter().enumerate() {
        let glue = match i {
            0 => "",
            _ if i + 1 == names.len() => " or ",
            _ => ", ",
        };
        text.push_str(&(glue.to_owned() + "`" + name + "`"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_finds_its_name_and_a_stranger_none() {
        let known = ["HTTPPort", "ListenIP", "Level"];
        assert_eq!(nearest("httpport", known), Some("HTTPPort"));
        assert_eq!(nearest("Levle", known), Some("Level"));
        assert_eq!(nearest("Wallet", known), None);
    }
}
