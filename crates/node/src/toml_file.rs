//! A TOML file, read key by key: every problem is gathered with its line, and what nobody asked for is one.
//! Here is no meaning of any key; see `config`.

use crate::bad_input::{BadInput, line_of};
use pipeline::nearest;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// The text of a file and all that was found wrong with it.
pub struct TomlFile<'a> {
    path: &'a Path,
    text: &'a str,
    problems: RefCell<Vec<BadInput>>,
    ignored: RefCell<Vec<String>>,
}

impl<'a> TomlFile<'a> {
    pub fn new(path: &'a Path, text: &'a str) -> Self {
        TomlFile { path, text, problems: RefCell::default(), ignored: RefCell::default() }
    }

    /// The top of the file, or what is wrong with its grammar.
    pub fn root(&self) -> Result<Section<'_>, BadInput> {
        match DeTable::parse(self.text) {
            Ok(table) => Ok(Section::new(self, String::new(), table.span(), table.into_inner())),
            Err(error) => {
                let problem = BadInput::new(error.message().replace('\n', ", ")).in_file(self.path);
                Err(match error.span() {
                    Some(span) => problem.on_line(line_of(self.text, span.start)),
                    None => problem,
                })
            }
        }
    }

    /// All problems, in the order of the file; or the keys that are known and have no effect here.
    pub fn finish(self) -> Result<Vec<String>, Vec<BadInput>> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        if problems.is_empty() { Ok(self.ignored.into_inner()) } else { Err(problems) }
    }

    fn problem(&self, span: &Range<usize>, key: &str, problem: impl Into<String>, remedy: Option<String>) {
        let line = line_of(self.text, span.start);
        let problem = BadInput { remedy, ..BadInput::new(problem).in_file(self.path).on_line(line).at(key) };
        self.problems.borrow_mut().push(problem);
    }
}

type Entries<'a> = BTreeMap<String, (Range<usize>, Range<usize>, DeValue<'a>)>;

/// One table. Keys are taken out by name; [`Section::finish`] says that what is left is unknown.
pub struct Section<'a> {
    file: &'a TomlFile<'a>,
    path: String,
    span: Range<usize>,
    entries: Entries<'a>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    fn new(file: &'a TomlFile<'a>, path: String, span: Range<usize>, table: DeTable<'a>) -> Self {
        let entries = table
            .into_iter()
            .map(|(key, value)| {
                let (key_span, value_span) = (key.span(), value.span());
                (key.into_inner().into_owned(), (key_span, value_span, value.into_inner()))
            })
            .collect();
        Section { file, path, span, entries, known: Vec::new() }
    }

    fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn take(&mut self, key: &'static str) -> Option<(Range<usize>, DeValue<'a>)> {
        self.known.push(key);
        self.entries.remove(key).map(|(_, span, value)| (span, value))
    }

    /// Whether the file says something of `key` that was not taken out yet.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// A problem with the value of `key`, or with its absence.
    pub fn problem(&self, span: &Range<usize>, key: &str, problem: impl Into<String>, remedy: &str) {
        self.file.problem(span, &self.name(key), problem, Some(remedy.into()));
    }

    /// A problem with this table as a whole.
    pub fn problem_here(&self, key: &str, problem: impl Into<String>, remedy: &str) {
        self.problem(&self.span.clone(), key, problem, remedy);
    }

    /// The value of `key` as `read` understands it; `read` gives the reason and an example when it does not.
    pub fn value<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'a>) -> Result<T, (String, &'static str)>,
    ) -> Option<T> {
        let (span, value) = self.take(key)?;
        match read(&value) {
            Ok(read) => Some(read),
            Err((problem, example)) => {
                self.problem(&span, key, problem, &format!("for example {key} = {example}"));
                None
            }
        }
    }

    /// A string that `parse` understands.
    pub fn parsed<T>(
        &mut self,
        key: &'static str,
        example: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.value(key, |value| match value.as_str() {
            Some(text) => parse(text).map_err(|problem| (problem, example)),
            None => Err((wanted("a string", value), example)),
        })
    }

    /// A list of strings that `parse` understands.
    pub fn parsed_list<T>(
        &mut self,
        key: &'static str,
        example: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        self.value(key, |value| {
            let items = value.as_array().ok_or_else(|| (wanted("a list of strings", value), example))?;
            items
                .iter()
                .map(|item| {
                    let text = item.get_ref().as_str().ok_or_else(|| (wanted("a string", item.get_ref()), example))?;
                    parse(text).map_err(|problem| (problem, example))
                })
                .collect()
        })
    }

    pub fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.value(key, |value| value.as_bool().ok_or_else(|| (wanted("true or false", value), "true")))
            .unwrap_or(default)
    }

    /// A duration in Go notation, from `range.0` to `range.1` inclusive.
    pub fn duration(&mut self, key: &'static str, default: Duration, range: (Duration, Duration)) -> Duration {
        self.parsed(key, "\"10s\"", |text| {
            let duration = pipeline::parse_duration(text)?;
            if range.0 <= duration && duration <= range.1 {
                return Ok(duration);
            }
            let [low, high] = [range.0, range.1].map(pipeline::format_duration);
            Err(format!("{text} is outside of {low} to {high}"))
        })
        .unwrap_or(default)
    }

    /// A whole number from `range.0` to `range.1` inclusive.
    pub fn number(&mut self, key: &'static str, default: u64, range: (u64, u64)) -> u64 {
        self.value(key, |value| whole(value, range)).unwrap_or(default)
    }

    /// The table under `key`, empty if there is none.
    pub fn section(&mut self, key: &'static str) -> Section<'a> {
        let path = self.name(key);
        match self.take(key) {
            Some((span, DeValue::Table(table))) => Section::new(self.file, path, span, table),
            Some((span, other)) => {
                self.problem(&span, key, wanted("a table", &other), &format!("write [{path}] above its keys"));
                Section::new(self.file, path, span, DeTable::new())
            }
            None => Section::new(self.file, path, self.span.clone(), DeTable::new()),
        }
    }

    /// The tables of the list under `key`.
    pub fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let path = self.name(key);
        let remedy = format!("write [[{path}]] above the keys of each");
        match self.take(key) {
            None => Vec::new(),
            Some((_, DeValue::Array(items))) => {
                let mut sections = Vec::new();
                for (index, item) in items.into_iter().enumerate() {
                    let span = item.span();
                    match item.into_inner() {
                        DeValue::Table(table) => {
                            sections.push(Section::new(self.file, format!("{path}[{index}]"), span, table));
                        }
                        other => self.problem(&span, key, wanted("a table", &other), &remedy),
                    }
                }
                sections
            }
            Some((span, other)) => {
                self.problem(&span, key, wanted("a list of tables", &other), &remedy);
                Vec::new()
            }
        }
    }

    /// Keys that other node software knows and that have no effect here: accepted, and listed for a warning.
    pub fn ignore(&mut self, keys: &[&'static str]) {
        for key in keys {
            if let Some((span, _)) = self.take(key) {
                let line = line_of(self.file.text, span.start);
                self.file.ignored.borrow_mut().push(format!("{} (line {line})", self.name(key)));
            }
        }
    }

    /// Everything has been asked for: what is left is unknown.
    pub fn finish(self) {
        for (key, (span, _, _)) in &self.entries {
            let remedy = match nearest(key, self.known.iter().copied()) {
                Some(name) => format!("did you mean {name}?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            self.file.problem(span, &self.name(key), "unknown key", Some(remedy));
        }
    }
}

/// A whole number in `range`, inclusive.
pub fn whole(value: &DeValue<'_>, range: (u64, u64)) -> Result<u64, (String, &'static str)> {
    let wrong = |got: &str| (format!("wanted a whole number from {} to {}, got {got}", range.0, range.1), "10");
    let number = value.as_integer().ok_or_else(|| wrong(value.type_str()))?;
    match u64::from_str_radix(number.as_str(), number.radix()) {
        Ok(read) if range.0 <= read && read <= range.1 => Ok(read),
        _ => Err(wrong(number.as_str())),
    }
}

fn wanted(what: &str, got: &DeValue<'_>) -> String {
    format!("wanted {what}, got {}", got.type_str())
}
