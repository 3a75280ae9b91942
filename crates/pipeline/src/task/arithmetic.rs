//! divide, multiply.

use super::at_most_one_input;
use crate::decimal::Decimal;
use crate::error::TaskError;
use crate::parameter::{Attributes, Parameter, Scope};
use crate::source::Diagnostic;
use crate::value::Value;

/// Digits after the point of a quotient, if the job says nothing.
pub(super) const PRECISION: i32 = 16;

#[derive(Clone, Debug)]
pub(crate) struct Multiply {
    input: Parameter<Decimal>,
    times: Parameter<Decimal>,
}

impl Multiply {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        at_most_one_input(attributes)?;
        let input = attributes.parameter_or_input("input")?;
        Ok(Multiply { input, times: attributes.required_parameter("times", "100")? })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        let input = self.input.or_input("input", scope)?;
        let times = self.times.resolve("times", scope)?.ok_or(TaskError::Missing { parameter: "times" })?;
        Ok(input.multiply(&times)?.into())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Divide {
    input: Parameter<Decimal>,
    divisor: Parameter<Decimal>,
    precision: Parameter<i32>,
}

impl Divide {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        let input = attributes.parameter_or_input("input")?;
        let divisor = attributes.required_parameter("divisor", "100")?;
        Ok(Divide { input, divisor, precision: attributes.parameter("precision")? })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        let input = self.input.or_input("input", scope)?;
        let divisor = self.divisor.resolve("divisor", scope)?.ok_or(TaskError::Missing { parameter: "divisor" })?;
        let precision = self.precision.resolve("precision", scope)?.unwrap_or(PRECISION);
        Ok(input.divide(&divisor, precision.into())?.into())
    }
}
