//! Reading the fields of a case so that none is overlooked: whatever was not asked for by the end is unknown.

use std::{cell::RefCell, collections::BTreeSet, fmt::Display, str::FromStr};

use serde_json::{Map, Value};

use crate::{Verdict, report::shorten};

/// `Err` holds the verdict that ends the case: failed or unknown.
pub type Checked<T = ()> = Result<T, Verdict>;

/// The verdict of a case whose checks all went well or ended early.
pub fn verdict(checked: Checked) -> Verdict {
    checked.err().unwrap_or(Verdict::Passed)
}

/// Fails the case unless both show the same text.
pub fn same(field: &str, wanted: impl Display, got: impl Display) -> Checked {
    let (wanted, got) = (wanted.to_string(), got.to_string());
    if wanted == got { Ok(()) } else { Err(failed(field, wanted, got)) }
}

/// Fails the case unless the bytes are equal.
pub fn same_bytes(field: &str, wanted: impl AsRef<[u8]>, got: impl AsRef<[u8]>) -> Checked {
    same(field, hex::encode(wanted), hex::encode(got))
}

/// Fails the case.
pub fn failed(field: &str, wanted: impl Display, got: impl Display) -> Verdict {
    Verdict::Failed { field: field.into(), wanted: shorten(&wanted.to_string()), got: shorten(&got.to_string()) }
}

/// Ends the case because of a field that is not as the schema says.
pub fn unknown(field: impl Into<String>) -> Verdict {
    Verdict::Unknown { field: field.into() }
}

/// The fields of one object of a case.
pub struct Fields<'a> {
    /// Where the object stands in the case: empty, or `input.`.
    place: String,
    map: &'a Map<String, Value>,
    read: RefCell<BTreeSet<&'a str>>,
}

impl<'a> Fields<'a> {
    /// The fields of a case.
    pub fn new(case: &'a Value) -> Checked<Self> {
        Self::at(String::new(), case)
    }

    /// The fields of an object that stands at `place`, which is empty or ends with a dot.
    pub fn at(place: String, object: &'a Value) -> Checked<Self> {
        let map = object.as_object().ok_or_else(|| unknown(format!("{place} (not an object)")))?;
        Ok(Self { place, map, read: RefCell::default() })
    }

    /// Ends the case if a field was not read.
    pub fn end(self) -> Checked {
        let read = self.read.borrow();
        match self.map.keys().find(|name| !read.contains(name.as_str())) {
            None => Ok(()),
            Some(name) => Err(unknown(format!("{}{name}", self.place))),
        }
    }

    /// Marks a field that is information only, if it is there.
    pub fn note(&self, name: &str) {
        let _ = self.optional(name);
    }

    /// The field, unless it is missing or null.
    pub fn optional(&self, name: &str) -> Option<&'a Value> {
        let (key, value) = self.map.get_key_value(name)?;
        self.read.borrow_mut().insert(key);
        (!value.is_null()).then_some(value)
    }

    /// The field, which must be there and not null.
    pub fn value(&self, name: &str) -> Checked<&'a Value> {
        self.optional(name).ok_or_else(|| self.wrong(name, "missing"))
    }

    pub fn text(&self, name: &str) -> Checked<&'a str> {
        self.value(name)?.as_str().ok_or_else(|| self.wrong(name, "not a text"))
    }

    pub fn flag(&self, name: &str) -> Checked<bool> {
        self.value(name)?.as_bool().ok_or_else(|| self.wrong(name, "not true or false"))
    }

    /// A list, with the place of each entry.
    pub fn list(&self, name: &str) -> Checked<&'a Vec<Value>> {
        self.value(name)?.as_array().ok_or_else(|| self.wrong(name, "not a list"))
    }

    pub fn object(&self, name: &str) -> Checked<Fields<'a>> {
        Fields::at(format!("{}{name}.", self.place), self.value(name)?)
    }

    /// A number of at most 32 bits, or a decimal text of a larger one.
    pub fn number<T: FromStr>(&self, name: &str) -> Checked<T> {
        number(self.value(name)?).ok_or_else(|| self.wrong(name, "not a number in range"))
    }

    /// Hex without `0x`.
    pub fn bytes(&self, name: &str) -> Checked<Vec<u8>> {
        hex::decode(self.text(name)?).map_err(|error| self.wrong(name, error))
    }

    /// Hex without `0x`, of exactly `N` bytes.
    pub fn array<const N: usize>(&self, name: &str) -> Checked<[u8; N]> {
        self.bytes(name)?.try_into().map_err(|_| self.wrong(name, format!("not {N} bytes")))
    }

    /// Every entry of a list, converted.
    pub fn each<T>(&self, name: &str, of: impl Fn(&'a Value) -> Option<T>) -> Checked<Vec<T>> {
        (self.list(name)?.iter().enumerate())
            .map(|(index, entry)| of(entry).ok_or_else(|| self.wrong(&format!("{name}[{index}]"), "of another form")))
            .collect()
    }

    /// The objects of a list.
    pub fn objects(&self, name: &str) -> Checked<Vec<Fields<'a>>> {
        (self.list(name)?.iter().enumerate())
            .map(|(index, entry)| Fields::at(format!("{}{name}[{index}].", self.place), entry))
            .collect()
    }

    /// Ends the case because this field is not as the schema says.
    pub fn wrong(&self, name: &str, reason: impl Display) -> Verdict {
        unknown(format!("{}{name} ({reason})", self.place))
    }
}

/// A number, be it a JSON number or a decimal text.
pub fn number<T: FromStr>(value: &Value) -> Option<T> {
    match value {
        Value::Number(number) => number.as_str().parse().ok(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Hex, without `0x`.
pub fn hex_bytes(value: &Value) -> Option<Vec<u8>> {
    hex::decode(value.as_str()?).ok()
}

/// Hex after `0x`.
pub fn prefixed_hex(value: &Value) -> Option<Vec<u8>> {
    hex::decode(value.as_str()?.strip_prefix("0x")?).ok()
}
