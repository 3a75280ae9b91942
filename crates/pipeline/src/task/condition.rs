//! conditional, lessthan.

use super::at_most_one_input;
use crate::decimal::Decimal;
use crate::error::TaskError;
use crate::parameter::{Attributes, Parameter, Scope};
use crate::source::Diagnostic;
use crate::value::Value;

/// Lets true pass and fails on false.
#[derive(Clone, Debug)]
pub(crate) struct Conditional {
    data: Parameter<bool>,
}

impl Conditional {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        at_most_one_input(attributes)?;
        Ok(Conditional { data: attributes.parameter_or_input("data")? })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        if self.data.or_input("data", scope)? { Ok(Value::Bool(true)) } else { Err(TaskError::NotSatisfied) }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct LessThan {
    left: Parameter<Decimal>,
    right: Parameter<Decimal>,
}

impl LessThan {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        at_most_one_input(attributes)?;
        let left = attributes.parameter_or_input("left")?;
        Ok(LessThan { left, right: attributes.required_parameter("right", "100")? })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        let left = self.left.or_input("left", scope)?;
        let right = self.right.resolve("right", scope)?.ok_or(TaskError::Missing { parameter: "right" })?;
        Ok(Value::Bool(left < right))
    }
}
