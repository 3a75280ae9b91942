//! Attribute values: literals, `$(variables)`, JSON with variables (node spec 4.4), read when the job is, resolved when
//! the task runs.

use crate::dot::{Attribute, Node};
use crate::error::{Excerpt, TaskError};
use crate::graph::TaskId;
use crate::limits::{VALUE_DEPTH_MAX, VALUE_WEIGHT_MAX};
use crate::source::{Diagnostic, Source, nearest};
use crate::value::{ConversionError, TaskResult, Value, Variables, first_json};
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde_json::Value as Json;

/// `$(a.b.0)`: a task or variable, and the way into its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct KeyPath {
    text: String,
    root: String,
    rest: Vec<String>,
}

/// A parameter that is a literal, a variable, or left out.
#[derive(Clone, Debug)]
pub(crate) enum Parameter<T> {
    Absent,
    Literal(T),
    Variable(KeyPath),
}

/// JSON in which variables stand for values.
#[derive(Clone, Debug)]
pub(crate) enum Template {
    Literal(Value),
    Variable(KeyPath),
    List(Vec<Template>),
    Map(BTreeMap<String, Template>),
}

/// What a running task can see: variables, and the results of the tasks before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub variables: &'a Variables,
    pub tasks: &'a BTreeMap<String, TaskId>,
    pub results: &'a [Option<&'a TaskResult>],
    /// The results of the explicit predecessors, in the order of their `index`.
    pub inputs: &'a [&'a TaskResult],
}

impl<'a> Scope<'a> {
    pub fn get(&self, path: &KeyPath) -> Result<&'a Value, TaskError> {
        let nothing = |segment: &str| TaskError::KeyPath { path: path.text.clone(), segment: segment.to_owned() };
        let mut value = match self.tasks.get(&path.root) {
            Some(task) => match self.results.get(task.0).copied().flatten() {
                Some(Ok(value)) => value,
                Some(Err(_)) => return Err(TaskError::InputFailed { task: path.root.clone() }),
                None => return Err(nothing(&path.root)),
            },
            None => self.variables.get(&path.root).ok_or_else(|| nothing(&path.root))?,
        };
        for segment in &path.rest {
            let next = match value {
                Value::Map(fields) => fields.get(segment),
                Value::List(items) => segment.parse::<usize>().ok().and_then(|index| items.get(index)),
                Value::Null
                | Value::Bool(_)
                | Value::Integer(_)
                | Value::Decimal(_)
                | Value::JsonNumber(_)
                | Value::String(_)
                | Value::Bytes(_) => None,
            };
            value = next.ok_or_else(|| nothing(segment))?;
        }
        Ok(value)
    }

    /// The first input; an input that failed was refused before.
    pub fn first_input(&self) -> Option<&'a Value> {
        self.inputs.first().and_then(|input| input.as_ref().ok())
    }
}

/// What a parameter can be.
pub(crate) trait FromValue: Sized {
    /// In words, after "must be".
    const WANTED: &'static str;
    fn from_value(value: &Value) -> Result<Self, ConversionError>;
}

/// Converts a value for the parameter of this name.
pub(crate) fn convert<T: FromValue>(parameter: &'static str, value: &Value) -> Result<T, TaskError> {
    T::from_value(value).map_err(|error| match error {
        ConversionError::Kind => TaskError::BadValue { parameter, wanted: T::WANTED, got: value.excerpt() },
        ConversionError::Number(error) => error.into(),
    })
}

impl FromValue for crate::Decimal {
    const WANTED: &'static str = "a number";
    fn from_value(value: &Value) -> Result<Self, ConversionError> {
        value.to_decimal()
    }
}

impl FromValue for bool {
    const WANTED: &'static str = "true or false";
    fn from_value(value: &Value) -> Result<Self, ConversionError> {
        value.to_bool()
    }
}

impl FromValue for String {
    const WANTED: &'static str = "text";
    fn from_value(value: &Value) -> Result<Self, ConversionError> {
        value.to_string_value()
    }
}

impl FromValue for Vec<u8> {
    const WANTED: &'static str = "text or bytes";
    fn from_value(value: &Value) -> Result<Self, ConversionError> {
        value.to_bytes()
    }
}

impl FromValue for BTreeMap<String, Value> {
    const WANTED: &'static str = "a map";
    fn from_value(value: &Value) -> Result<Self, ConversionError> {
        value.to_map()
    }
}

impl FromValue for Vec<Value> {
    const WANTED: &'static str = "a list";
    fn from_value(value: &Value) -> Result<Self, ConversionError> {
        value.to_list()
    }
}

impl FromValue for Value {
    const WANTED: &'static str = "a value";
    fn from_value(value: &Value) -> Result<Self, ConversionError> {
        Ok(value.clone())
    }
}

/// Digits after the point.
impl FromValue for i32 {
    const WANTED: &'static str = "an integer of 32 bits";
    fn from_value(value: &Value) -> Result<Self, ConversionError> {
        let number = value.to_decimal()?;
        let integer = number.is_integer().then(|| i32::try_from(number.truncate()).ok()).flatten();
        integer.ok_or(ConversionError::Kind)
    }
}

impl<T: FromValue + Clone> Parameter<T> {
    /// Whole-value variable, literal: `V, L` of the catalogue.
    pub fn resolve(&self, parameter: &'static str, scope: &Scope) -> Result<Option<T>, TaskError> {
        match self {
            Parameter::Absent => Ok(None),
            Parameter::Literal(value) => Ok(Some(value.clone())),
            Parameter::Variable(path) => convert(parameter, scope.get(path)?).map(Some),
        }
    }

    /// As [`Parameter::resolve`], and then the first input: `V, L, I`. One of them is needed.
    pub fn or_input(&self, parameter: &'static str, scope: &Scope) -> Result<T, TaskError> {
        match self.resolve(parameter, scope)? {
            Some(value) => Ok(value),
            None => convert(parameter, scope.first_input().ok_or(TaskError::Missing { parameter })?),
        }
    }
}

impl Template {
    /// The value with every variable in its place.
    pub fn resolve(&self, scope: &Scope) -> Result<Value, TaskError> {
        self.fill(scope, 0, &mut { VALUE_WEIGHT_MAX })
    }

    /// Variables copy, and a graph of copies doubles with every task: what may still be copied is counted down.
    fn fill(&self, scope: &Scope, depth: usize, left: &mut usize) -> Result<Value, TaskError> {
        match self {
            Template::Literal(value) => copy(value, depth, left),
            Template::Variable(path) => copy(scope.get(path)?, depth, left),
            Template::List(items) => {
                let items = items.iter().map(|item| item.fill(scope, depth + 1, left));
                Ok(Value::List(items.collect::<Result<_, _>>()?))
            }
            Template::Map(fields) => {
                let fields = fields.iter().map(|(name, field)| Ok((name.clone(), field.fill(scope, depth + 1, left)?)));
                Ok(Value::Map(fields.collect::<Result<_, TaskError>>()?))
            }
        }
    }
}

fn copy(value: &Value, depth: usize, left: &mut usize) -> Result<Value, TaskError> {
    *left = left.checked_sub(value.weight()).ok_or(TaskError::TooLarge)?;
    if depth + value.depth() > VALUE_DEPTH_MAX { Err(TaskError::TooLarge) } else { Ok(value.clone()) }
}

/// The attributes of one task, taken out one by one; what is left at the end is unknown.
#[derive(Debug)]
pub(crate) struct Attributes<'a> {
    source: &'a Source<'a>,
    node: &'a Node,
    /// Explicit predecessors.
    pub inputs: usize,
    /// The names of all tasks.
    tasks: &'a BTreeSet<&'a str>,
    taken: BTreeSet<String>,
    /// Tasks that the attributes refer to.
    pub references: BTreeSet<String>,
    pub warnings: Vec<Diagnostic>,
}

/// Beside tasks, what `$(…)` can begin with.
const ROOTS: [&str; 3] = ["jobSpec", "jobRun", "jb"];

/// Marks the place of a variable while JSON is read; the reference's word, so that it is refused in the same texts.
const MARK: &str = "__chainlink_key_path__";

impl<'a> Attributes<'a> {
    pub fn new(source: &'a Source<'a>, node: &'a Node, inputs: usize, tasks: &'a BTreeSet<&'a str>) -> Self {
        let (taken, references, warnings) = Default::default();
        Attributes { source, node, inputs, tasks, taken, references, warnings }
    }

    pub fn task(&self) -> &'a str {
        &self.node.name
    }

    /// An error about the attribute, at its value if it is there, else at the task.
    pub fn error(&self, name: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Diagnostic {
        let at = self.find(name).map_or(self.node.at, |attribute| attribute.at);
        self.source.diagnostic(at, format!("{}.{name}", self.node.name), problem, remedy)
    }

    /// An error about the whole task.
    pub fn task_error(&self, problem: impl Into<String>, remedy: impl Into<String>) -> Diagnostic {
        self.source.diagnostic(self.node.at, self.node.name.clone(), problem, remedy)
    }

    /// The last attribute of this name in any case, as in the reference.
    fn find(&self, name: &str) -> Option<&'a Attribute> {
        self.node.attributes.iter().rev().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// The attribute's text; an empty one counts as absent.
    pub fn text(&mut self, name: &str) -> Option<&'a str> {
        self.taken.insert(name.to_ascii_lowercase());
        self.find(name).map(|attribute| attribute.value.as_str()).filter(|value| !value.is_empty())
    }

    /// The text, which must be there.
    pub fn required(&mut self, name: &str, example: &str) -> Result<&'a str, Diagnostic> {
        self.text(name).ok_or_else(|| self.missing(name, example))
    }

    pub fn missing(&self, name: &str, example: &str) -> Diagnostic {
        self.error(name, "is missing", format!("write {name}={example}"))
    }

    /// A literal that `parse` understands; the error of `parse` says what is wanted.
    pub fn literal<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Diagnostic> {
        let Some(text) = self.text(name) else { return Ok(None) };
        if text.contains("$(") {
            return Err(self.error(name, "a variable cannot stand here", "write the value itself"));
        }
        parse(text).map(Some).map_err(|wanted| self.wrong(name, text, &wanted))
    }

    fn wrong(&self, name: &str, text: &str, wanted: &str) -> Diagnostic {
        self.error(name, format!("`{}` is not allowed", Excerpt::of(text)), format!("write {wanted}"))
    }

    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Diagnostic> {
        self.literal(name, |text| crate::value::parse_bool(text).ok_or_else(|| "true or false".into()))
    }

    pub fn unsigned(&mut self, name: &str) -> Result<Option<u32>, Diagnostic> {
        self.literal(name, |text| text.parse().map_err(|_| "an integer from 0".into()))
    }

    /// `V, L`.
    pub fn parameter<T: FromValue>(&mut self, name: &'static str) -> Result<Parameter<T>, Diagnostic> {
        let Some(text) = self.text(name) else { return Ok(Parameter::Absent) };
        if let Some(path) = self.whole_variable(name, text)? {
            return Ok(Parameter::Variable(path));
        }
        if text.contains("$(") {
            let problem = "a variable inside other text is not replaced";
            let remedy = "let the variable be the whole value, or compute the text in a task before";
            self.warnings.push(self.error(name, problem, remedy));
        }
        let value = T::from_value(&Value::String(text.to_owned()));
        value.map(Parameter::Literal).map_err(|_| self.wrong(name, text, T::WANTED))
    }

    /// `V, L` of a parameter that the task cannot do without.
    pub fn required_parameter<T: FromValue>(
        &mut self,
        name: &'static str,
        example: &str,
    ) -> Result<Parameter<T>, Diagnostic> {
        self.required(name, example)?;
        self.parameter(name)
    }

    /// `V, L, I` (or `V, I`) without attribute needs an input.
    pub fn parameter_or_input<T: FromValue>(&mut self, name: &'static str) -> Result<Parameter<T>, Diagnostic> {
        let parameter = self.parameter(name)?;
        if matches!(parameter, Parameter::Absent) && self.inputs == 0 {
            return Err(self.error(
                name,
                "has no value: there is neither the attribute nor an input",
                format!("write {name}=… or an edge to this task"),
            ));
        }
        Ok(parameter)
    }

    /// `V, J`.
    pub fn template(&mut self, name: &'static str) -> Result<Option<Template>, Diagnostic> {
        let Some(text) = self.text(name) else { return Ok(None) };
        if let Some(path) = self.whole_variable(name, text)? {
            return Ok(Some(Template::Variable(path)));
        }
        if text.contains(MARK) {
            return Err(self.error(name, format!("`{MARK}` is reserved"), "use another key"));
        }
        let marked = self.mark_variables(name, text)?;
        let json = first_json(marked.as_bytes());
        let json =
            json.map_err(|error| self.error(name, error.to_string(), "write JSON, such as <{\"data\": $(task)}>"))?;
        self.template_of(name, &json).map(Some)
    }

    /// The JSON text with `$(a.b)` replaced by `{"<mark>":"a.b"}`.
    fn mark_variables(&self, name: &str, text: &str) -> Result<String, Diagnostic> {
        let mut marked = String::new();
        let (mut quoted, mut escaped) = (false, false);
        let mut rest = text;
        while let Some(char) = rest.chars().next() {
            if rest.starts_with("$(") {
                if quoted {
                    return Err(self.error(
                        name,
                        "a variable inside quotes is not replaced",
                        "remove the quotes around $(…)",
                    ));
                }
                let end =
                    rest.find(')').ok_or_else(|| self.error(name, "a variable is not closed", "close it with )"))?;
                marked.push_str(&format!("{{\"{MARK}\":{}}}", Value::from(rest[2..end].trim()).to_json()));
                rest = &rest[end + 1..];
                continue;
            }
            if char == '"' && !escaped {
                quoted = !quoted;
            }
            escaped = char == '\\' && !escaped;
            marked.push(char);
            rest = &rest[char.len_utf8()..];
        }
        Ok(marked)
    }

    fn template_of(&mut self, name: &'static str, json: &Json) -> Result<Template, Diagnostic> {
        if let Some(Json::String(path)) = json.get(MARK) {
            return self.path(name, path).map(Template::Variable);
        }
        match json {
            Json::Array(items) => {
                let items = items.iter().map(|item| self.template_of(name, item));
                Ok(Template::List(items.collect::<Result<_, _>>()?))
            }
            Json::Object(fields) => {
                let fields = fields.iter().map(|(key, field)| Ok((key.clone(), self.template_of(name, field)?)));
                Ok(Template::Map(fields.collect::<Result<_, Diagnostic>>()?))
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
                let value = Value::of_json(json)
                    .map_err(|error| self.error(name, error.to_string(), "write a smaller number"))?;
                Ok(Template::Literal(value))
            }
        }
    }

    /// The variable, if the text is exactly one.
    fn whole_variable(&mut self, name: &str, text: &str) -> Result<Option<KeyPath>, Diagnostic> {
        match text.trim().strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')) {
            Some(path) if !path.contains(['(', ')']) => self.path(name, path.trim()).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    fn path(&mut self, name: &str, text: &str) -> Result<KeyPath, Diagnostic> {
        let allowed = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '.';
        let mut segments = text.split('.').map(str::to_owned);
        let root = segments.next().unwrap_or_default();
        if root.is_empty() || !text.chars().all(allowed) {
            let remedy = "write $(task) or $(task.key.0), of letters, digits, _ and points";
            return Err(self.error(name, format!("$({}) is not a variable", Excerpt::of(text)), remedy));
        }
        if self.tasks.contains(root.as_str()) {
            self.references.insert(root.clone());
        } else if !ROOTS.contains(&root.as_str()) {
            let remedy = match nearest(&root, self.tasks.iter().copied().chain(ROOTS)) {
                Some(known) => format!("did you mean $({known})?"),
                None => "name a task of this graph, jobSpec, jobRun or jb".into(),
            };
            return Err(self.error(name, format!("$({text}): there is no task `{root}`"), remedy));
        }
        Ok(KeyPath { text: text.to_owned(), root, rest: segments.collect() })
    }

    /// The unknown attributes, as warnings with the nearest known name.
    pub fn finish(mut self) -> (BTreeSet<String>, Vec<Diagnostic>) {
        for attribute in &self.node.attributes {
            if self.taken.contains(&attribute.name.to_ascii_lowercase()) {
                continue;
            }
            let remedy = match nearest(&attribute.name, self.taken.iter().map(String::as_str)) {
                Some(known) => format!("did you mean {known}?"),
                None => "remove it".into(),
            };
            let key = format!("{}.{}", self.node.name, attribute.name);
            self.warnings.push(self.source.diagnostic(attribute.name_at, key, "is an unknown attribute", remedy));
        }
        (self.references, self.warnings)
    }
}
