//! jsonparse, lookup, memo, merge.

use super::at_most_one_input;
use crate::error::{Excerpt, TaskError};
use crate::parameter::{Attributes, Parameter, Scope, Template, convert};
use crate::source::Diagnostic;
use crate::value::{Value, first_json};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde_json::Value as Json;

/// Finds a value in a JSON text.
#[derive(Clone, Debug)]
pub(crate) struct JsonParse {
    data: Parameter<Vec<u8>>,
    path: Parameter<Value>,
    separator: String,
    lax: bool,
}

impl JsonParse {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        at_most_one_input(attributes)?;
        let data = attributes.parameter_or_input("data")?;
        let path = attributes.parameter("path")?;
        let separator = attributes.text("separator").unwrap_or(",").to_owned();
        Ok(JsonParse { data, path, separator, lax: attributes.flag("lax")?.unwrap_or(false) })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        let data = self.data.or_input("data", scope)?;
        let path = self.path(scope)?;
        let document = first_json(&data)?;
        let mut found = &document;
        for segment in &path {
            // Only what is found is converted: a giant number elsewhere in the document is nobody's loss.
            match child(found, segment) {
                Some(child) => found = child,
                // Any missing segment is null with `lax`, not only the last as in the reference (node spec 4.8).
                None if self.lax => return Ok(Value::Null),
                None => {
                    let path = Excerpt::of(&path.join(&self.separator));
                    return Err(TaskError::Path { path, segment: Excerpt::of(segment) });
                }
            }
        }
        Value::of_json(found)
    }

    fn path(&self, scope: &Scope) -> Result<Vec<String>, TaskError> {
        let split = |text: &str| -> Vec<String> {
            if text.is_empty() { Vec::new() } else { text.split(&self.separator).map(str::to_owned).collect() }
        };
        match self.path.resolve("path", scope)? {
            None => Ok(Vec::new()),
            Some(Value::List(items)) => items
                .iter()
                .map(|item| match item {
                    Value::Integer(index) => Ok(index.to_string()),
                    other => convert("path", other),
                })
                .collect(),
            Some(other) => Ok(split(&convert::<String>("path", &other)?)),
        }
    }
}

/// The field, or the element of this number; a negative number counts from the end.
fn child<'j>(json: &'j Json, segment: &str) -> Option<&'j Json> {
    match json {
        Json::Object(fields) => fields.get(segment),
        Json::Array(items) => {
            let index: i64 = segment.parse().ok()?;
            let index = if index < 0 {
                items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
            } else {
                usize::try_from(index).ok()?
            };
            items.get(index)
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}

/// One field of a map; null if it is not there.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    key: String,
}

impl Lookup {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        at_most_one_input(attributes)?;
        if attributes.inputs == 0 {
            return Err(attributes.task_error("needs an input", "write an edge to this task"));
        }
        Ok(Lookup { key: attributes.required("key", "\"…\"")?.to_owned() })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        let input = scope.first_input().ok_or(TaskError::Missing { parameter: "input" })?;
        let mut fields: BTreeMap<String, Value> = convert("input", input)?;
        Ok(fields.remove(&self.key).unwrap_or(Value::Null))
    }
}

/// A constant, or the input as it is.
#[derive(Clone, Debug)]
pub(crate) struct Memo {
    value: Option<Template>,
}

impl Memo {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        at_most_one_input(attributes)?;
        let value = attributes.template("value")?;
        if value.is_none() && attributes.inputs == 0 {
            return Err(attributes.missing("value", "<…>, or an edge to this task"));
        }
        Ok(Memo { value })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        match &self.value {
            Some(template) => template.resolve(scope),
            None => scope.first_input().cloned().ok_or(TaskError::Missing { parameter: "value" }),
        }
    }
}

/// The fields of both maps; those of the right replace those of the left.
#[derive(Clone, Debug)]
pub(crate) struct Merge {
    left: Option<Template>,
    right: Template,
}

impl Merge {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        at_most_one_input(attributes)?;
        let left = attributes.template("left")?;
        if left.is_none() && attributes.inputs == 0 {
            return Err(attributes.missing("left", "<{…}>, or an edge to this task"));
        }
        let right = attributes.template("right")?;
        Ok(Merge { left, right: right.ok_or_else(|| attributes.missing("right", "<{…}>"))? })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        let left = match &self.left {
            Some(template) => template.resolve(scope)?,
            None => scope.first_input().cloned().ok_or(TaskError::Missing { parameter: "left" })?,
        };
        let mut fields: BTreeMap<String, Value> = convert("left", &left)?;
        let right: BTreeMap<String, Value> = convert("right", &self.right.resolve(scope)?)?;
        fields.extend(right);
        Ok(Value::Map(fields))
    }
}
