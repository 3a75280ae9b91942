//! any, mean, median, mode, sum: one value out of many, some of which may be missing.

use super::Step;
use super::arithmetic::PRECISION;
use crate::ask::Ask;
use crate::decimal::Decimal;
use crate::error::TaskError;
use crate::parameter::{Attributes, Parameter, Scope, Template, convert};
use crate::source::Diagnostic;
use crate::value::{TaskResult, Value};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// The values to aggregate, and how many of them may be missing.
#[derive(Clone, Debug)]
struct Values {
    values: Option<Template>,
    allowed_faults: Option<u32>,
    count_unparsable_as_fault: bool,
}

impl Values {
    fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        let values = attributes.template("values")?;
        match values {
            None if attributes.inputs == 0 => {
                return Err(attributes.missing("values", "<[…]>, or edges to this task"));
            }
            Some(Template::Literal(_) | Template::Map(_)) => {
                return Err(attributes.error("values", "is not a list", "write <[$(a), $(b)]>"));
            }
            None | Some(Template::List(_) | Template::Variable(_)) => {}
        }
        let allowed_faults = attributes.unsigned("allowedFaults")?;
        let count_unparsable_as_fault = attributes.flag("countUnparsableAsFault")?.unwrap_or(false);
        Ok(Values { values, allowed_faults, count_unparsable_as_fault })
    }

    /// All values, with those that are missing.
    fn all(&self, scope: &Scope) -> Result<Vec<TaskResult>, TaskError> {
        let items = match &self.values {
            None => return Ok(scope.inputs.iter().map(|input| (*input).clone()).collect()),
            Some(Template::List(items)) => items,
            Some(whole @ (Template::Variable(_) | Template::Literal(_) | Template::Map(_))) => {
                let list: Vec<Value> = convert("values", &whole.resolve(scope)?)?;
                return Ok(list.into_iter().map(Ok).collect());
            }
        };
        let mut all = Vec::new();
        for item in items {
            match item.resolve(scope) {
                Ok(value) => all.push(Ok(value)),
                // A failed task is a missing value; a path that leads nowhere is a mistake in the job.
                Err(error @ TaskError::InputFailed { .. }) => all.push(Err(error)),
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// The values that are there: at least one, and no more missing than allowed.
    fn present(&self, scope: &Scope) -> Result<Vec<Value>, TaskError> {
        let all = self.all(scope)?;
        let values = all.len();
        let present: Vec<Value> = all.into_iter().flatten().collect();
        self.check_faults(values, present.len())?;
        Ok(present)
    }

    /// The numbers that are there, in ascending order.
    fn numbers(&self, scope: &Scope) -> Result<Vec<Decimal>, TaskError> {
        let all = self.all(scope)?;
        let mut numbers = Vec::new();
        for value in all.iter().flatten() {
            match convert::<Decimal>("values", value) {
                Ok(number) => numbers.push(number),
                Err(_) if self.count_unparsable_as_fault => {}
                Err(error) => return Err(error),
            }
        }
        self.check_faults(all.len(), numbers.len())?;
        numbers.sort();
        Ok(numbers)
    }

    fn check_faults(&self, values: usize, present: usize) -> Result<(), TaskError> {
        let allowed = self.allowed_faults.map_or(values.saturating_sub(1), |allowed| allowed as usize);
        let faults = values - present;
        if faults > allowed || present == 0 { Err(TaskError::Faults { faults, values, allowed }) } else { Ok(()) }
    }
}

fn sum(numbers: &[Decimal]) -> Result<Decimal, TaskError> {
    numbers.iter().try_fold(Decimal::from(0), |sum, number| Ok(sum.add(number)?))
}

#[derive(Clone, Debug)]
pub(crate) struct Sum(Values);

impl Sum {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        Values::read(attributes).map(Sum)
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        Ok(sum(&self.0.numbers(scope)?)?.into())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Mean {
    values: Values,
    precision: Parameter<i32>,
}

impl Mean {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        let values = Values::read(attributes)?;
        Ok(Mean { values, precision: attributes.parameter("precision")? })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        let numbers = self.values.numbers(scope)?;
        let precision = self.precision.resolve("precision", scope)?.unwrap_or(PRECISION);
        Ok(sum(&numbers)?.divide(&Decimal::from(numbers.len() as u64), precision.into())?.into())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Median(Values);

impl Median {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        Values::read(attributes).map(Median)
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        let numbers = self.0.numbers(scope)?;
        let middle = numbers.len() / 2;
        if numbers.len() % 2 == 1 {
            return Ok(numbers[middle].clone().into());
        }
        let pair = numbers[middle - 1].add(&numbers[middle])?;
        Ok(pair.divide(&Decimal::from(2), PRECISION.into())?.into())
    }
}

/// The most frequent values.
#[derive(Clone, Debug)]
pub(crate) struct Mode(Values);

impl Mode {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        Values::read(attributes).map(Mode)
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Value, TaskError> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let mut top = 0;
        let mut results = Vec::new();
        for value in self.0.present(scope)? {
            let count = counts.entry(value.to_text()).or_default();
            *count += 1;
            if *count > top {
                top = *count;
                results.clear();
            }
            if *count == top {
                results.push(value);
            }
        }
        let results = [("results".into(), Value::List(results)), ("occurrences".into(), top.into())];
        Ok(Value::Map(results.into_iter().collect()))
    }
}

/// One of the inputs that did not fail, at random.
#[derive(Clone, Debug)]
pub(crate) struct Any;

impl Any {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        if attributes.inputs == 0 {
            return Err(attributes.task_error("needs an input", "write edges to this task"));
        }
        Ok(Any)
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Step, TaskError> {
        let values = scope.inputs.len();
        match present_inputs(scope).count() {
            0 => Err(TaskError::Faults { faults: values, values, allowed: values - 1 }),
            1 => chosen(scope, 0).map(Step::Done),
            below => Ok(Step::Ask(Ask::Choose { below })),
        }
    }
}

fn present_inputs<'a>(scope: &'a Scope) -> impl Iterator<Item = &'a Value> {
    scope.inputs.iter().filter_map(|input| input.as_ref().ok())
}

/// The chosen one of the inputs that did not fail.
pub(super) fn chosen(scope: &Scope, index: usize) -> TaskResult {
    present_inputs(scope).nth(index).cloned().ok_or(TaskError::NoAnswer)
}
