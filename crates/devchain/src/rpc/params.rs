//! Parameters of a call, read one by one; every error says which one is wrong and why.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use serde_json::{Map, Value};

use super::error::RpcError;
use crate::{
    call::Call,
    limits::{LOG_FILTER_ALTERNATIVES_MAX, TRANSACTION_BYTES_MAX},
    logs::LogFilter,
    world::Override,
};

/// The parameters that are still to be read.
pub(super) struct Params {
    rest: std::vec::IntoIter<Value>,
    total: usize,
    read: usize,
}

/// One parameter, or a part of one, and what errors call it.
struct Part<'a> {
    value: &'a Value,
    name: String,
}

type Result<T> = std::result::Result<T, RpcError>;

impl Params {
    /// A list, or nothing.
    pub(super) fn new(params: Option<Value>) -> Result<Self> {
        let list = match params {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list,
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                return Err(RpcError::params("non-array args"));
            }
        };
        Ok(Params { total: list.len(), rest: list.into_iter(), read: 0 })
    }

    /// The next parameter; `None` if it is absent or null.
    fn next<T>(&mut self, name: &str, read: impl FnOnce(Part<'_>) -> Result<T>) -> Result<Option<T>> {
        let index = self.read;
        self.read += 1;
        match self.rest.next() {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(Part { value: &value, name: format!("{index} ({name})") }).map(Some),
        }
    }

    fn required<T>(&mut self, name: &str, read: impl FnOnce(Part<'_>) -> Result<T>) -> Result<T> {
        let index = self.read;
        self.next(name, read)?
            .ok_or_else(|| RpcError::params(format!("missing value for required argument {index} ({name})")))
    }

    /// Nothing may be left.
    pub(super) fn end(mut self) -> Result<()> {
        match self.rest.next() {
            None => Ok(()),
            Some(_) => {
                Err(RpcError::params(format!("too many arguments, want at most {}, got {}", self.read, self.total)))
            }
        }
    }

    pub(super) fn address(&mut self, name: &str) -> Result<Address> {
        self.required(name, |part| part.parse("an address of 20 bytes"))
    }

    pub(super) fn hash(&mut self, name: &str) -> Result<B256> {
        self.required(name, |part| part.parse("32 bytes"))
    }

    pub(super) fn bytes(&mut self, name: &str) -> Result<Bytes> {
        self.required(name, |part| part.bytes())
    }

    /// A storage slot: hexadecimal of up to 32 bytes, padded or not.
    pub(super) fn slot(&mut self, name: &str) -> Result<U256> {
        self.required(name, |part| part.slot())
    }

    pub(super) fn slots(&mut self, name: &str) -> Result<Vec<U256>> {
        self.required(name, |part| part.list()?.into_iter().map(|part| part.slot()).collect())
    }

    pub(super) fn quantity(&mut self, name: &str) -> Result<u64> {
        self.required(name, |part| part.quantity_u64())
    }

    /// A number, in hexadecimal or as JSON has it.
    pub(super) fn number(&mut self, name: &str) -> Result<u64> {
        self.required(name, |part| part.number())
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool> {
        let read = |part: Part<'_>| part.value.as_bool().ok_or_else(|| part.wrong("true or false"));
        Ok(self.next(name, read)?.unwrap_or(false))
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String> {
        self.required(name, |part| Ok(part.text()?.to_owned()))
    }

    pub(super) fn percentiles(&mut self, name: &str) -> Result<Vec<f64>> {
        let number = |part: Part<'_>| part.value.as_f64().ok_or_else(|| part.wrong("a number"));
        Ok(self.next(name, |part| part.list()?.into_iter().map(number).collect())?.unwrap_or_default())
    }

    /// Which block; the newest if nothing is said.
    pub(super) fn block(&mut self) -> Result<BlockId> {
        Ok(self.next("block", |part| part.block())?.unwrap_or(BlockId::Tag(Tag::Latest)))
    }

    pub(super) fn required_block(&mut self) -> Result<BlockId> {
        self.required("block", |part| part.block())
    }

    pub(super) fn transaction(&mut self) -> Result<Request> {
        self.required("transaction", |part| part.transaction())
    }

    /// State overrides: an object of accounts, or nothing.
    pub(super) fn overrides(&mut self) -> Result<BTreeMap<Address, Override>> {
        Ok(self.next("state overrides", |part| part.overrides())?.unwrap_or_default())
    }

    pub(super) fn log_query(&mut self) -> Result<LogQuery> {
        self.required("filter", |part| part.log_query())
    }

    /// The filter of a log subscription, which needs none.
    pub(super) fn log_query_or_all(&mut self) -> Result<LogQuery> {
        Ok(self.next("filter", |part| part.log_query())?.unwrap_or_default())
    }

    /// An argument that is an object, of which one field is a number: `evm_mine({"blocks": 3})`.
    pub(super) fn mine_options(&mut self) -> Result<(Option<u64>, u64)> {
        let read = |part: Part<'_>| match part.value {
            Value::Object(_) => {
                let fields = part.fields()?;
                let timestamp = fields.optional("timestamp", |part| part.number())?;
                Ok((timestamp, fields.optional("blocks", |part| part.number())?.unwrap_or(1)))
            }
            _ => Ok((Some(part.number()?), 1)),
        };
        Ok(self.next("options", read)?.unwrap_or((None, 1)))
    }
}

/// How a call names a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockId {
    Number(u64),
    Hash(B256),
    Tag(Tag),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Earliest,
    Finalized,
    Safe,
    Latest,
    Pending,
}

/// A transaction as a call describes it. What it leaves out, the node fills in.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub(super) from: Option<Address>,
    pub(super) to: Option<Address>,
    pub(super) gas: Option<u64>,
    pub(super) gas_price: Option<u128>,
    pub(super) fee_max: Option<u128>,
    pub(super) tip: Option<u128>,
    pub(super) value: U256,
    pub(super) input: Bytes,
    pub(super) nonce: Option<u64>,
    pub(super) chain_id: Option<u64>,
    pub(super) access_list: Option<AccessList>,
}

impl Request {
    pub(super) fn kind(&self) -> TxKind {
        self.to.map_or(TxKind::Create, TxKind::Call)
    }

    pub(super) fn call(&self) -> Call {
        Call {
            from: self.from.unwrap_or_default(),
            to: self.kind(),
            gas: self.gas,
            price: self.gas_price.or(self.fee_max),
            tip: self.tip,
            value: self.value,
            data: self.input.clone(),
            access_list: self.access_list.clone().unwrap_or_default(),
            overrides: BTreeMap::new(),
        }
    }
}

/// Logs of what, and from where.
#[derive(Clone, Debug, Default)]
pub(super) struct LogQuery {
    pub(super) from: Option<BlockId>,
    pub(super) to: Option<BlockId>,
    pub(super) block_hash: Option<B256>,
    pub(super) filter: LogFilter,
}

/// The fields of an object.
struct Fields<'a> {
    map: &'a Map<String, Value>,
    name: String,
}

impl<'a> Fields<'a> {
    fn optional<T>(&self, field: &str, read: impl FnOnce(Part<'a>) -> Result<T>) -> Result<Option<T>> {
        match self.map.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(Part { value, name: format!("{}.{field}", self.name) }).map(Some),
        }
    }
}

impl<'a> Part<'a> {
    fn wrong(&self, wanted: impl Display) -> RpcError {
        let mut got = self.value.to_string();
        if got.len() > 80 {
            let end = (0..=80).rev().find(|end| got.is_char_boundary(*end)).unwrap_or(0);
            got.truncate(end);
            got.push('…');
        }
        RpcError::params(format!("invalid argument {}: want {wanted}, got {got}", self.name))
    }

    fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.wrong("a string"))
    }

    fn list(&self) -> Result<Vec<Part<'a>>> {
        let list = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        let part = |(index, value)| Part { value, name: format!("{}[{index}]", self.name) };
        Ok(list.iter().enumerate().map(part).collect())
    }

    /// As with geth, fields that nobody asks for are not looked at.
    fn fields(&self) -> Result<Fields<'a>> {
        let map = self.value.as_object().ok_or_else(|| self.wrong("an object"))?;
        Ok(Fields { map, name: self.name.clone() })
    }

    /// Hexadecimal behind 0x that `T` understands.
    fn parse<T: FromStr>(&self, wanted: &str) -> Result<T> {
        let text = self.text()?;
        let wrong = || self.wrong(format_args!("{wanted} in hexadecimal behind 0x"));
        if text.starts_with("0x") { text.parse().map_err(|_| wrong()) } else { Err(wrong()) }
    }

    fn bytes(&self) -> Result<Bytes> {
        let text = self.text()?;
        if text.len() > 2 * (TRANSACTION_BYTES_MAX + 1) {
            let bytes = text.len() / 2 - 1;
            return Err(RpcError::params(format!("invalid argument {}: oversized data: {bytes} bytes", self.name)));
        }
        self.parse("bytes")
    }

    fn slot(&self) -> Result<U256> {
        let digits = self.text()?.strip_prefix("0x").unwrap_or(self.text()?);
        let fits = !digits.is_empty() && digits.len() <= 64;
        fits.then(|| U256::from_str_radix(digits, 16).ok())
            .flatten()
            .ok_or_else(|| self.wrong("up to 32 bytes in hexadecimal"))
    }

    fn quantity(&self) -> Result<U256> {
        let wrong = || self.wrong("a number in hexadecimal behind 0x, without leading zeros");
        let digits = self.text()?.strip_prefix("0x").ok_or_else(wrong)?;
        let canonical = digits == "0" || !digits.is_empty() && !digits.starts_with('0');
        canonical.then(|| U256::from_str_radix(digits, 16).ok()).flatten().ok_or_else(wrong)
    }

    fn quantity_u64(&self) -> Result<u64> {
        self.quantity()?.try_into().map_err(|_| self.wrong("a number of 64 bits"))
    }

    fn quantity_u128(&self) -> Result<u128> {
        self.quantity()?.try_into().map_err(|_| self.wrong("a number of 128 bits"))
    }

    fn number(&self) -> Result<u64> {
        match self.value {
            Value::Number(number) => number.as_u64().ok_or_else(|| self.wrong("a number of 64 bits")),
            _ => self.quantity_u64(),
        }
    }

    fn block(&self) -> Result<BlockId> {
        if self.value.is_object() {
            let fields = self.fields()?;
            let number = fields.optional("blockNumber", |part| part.block_number())?;
            let hash = fields.optional("blockHash", |part| part.parse("32 bytes"))?;
            return match (number, hash) {
                (Some(number), None) => Ok(number),
                (None, Some(hash)) => Ok(BlockId::Hash(hash)),
                (Some(_), Some(_)) | (None, None) => Err(self.wrong("either blockNumber or blockHash")),
            };
        }
        if self.text()?.len() == 66 { Ok(BlockId::Hash(self.parse("32 bytes")?)) } else { self.block_number() }
    }

    fn block_number(&self) -> Result<BlockId> {
        Ok(match self.text()? {
            "earliest" => BlockId::Tag(Tag::Earliest),
            "finalized" => BlockId::Tag(Tag::Finalized),
            "safe" => BlockId::Tag(Tag::Safe),
            "latest" => BlockId::Tag(Tag::Latest),
            "pending" => BlockId::Tag(Tag::Pending),
            number if number.starts_with("0x") => BlockId::Number(self.quantity_u64()?),
            _ => {
                return Err(self.wrong("a number in hexadecimal, or latest, earliest, pending, safe or finalized"));
            }
        })
    }

    fn transaction(&self) -> Result<Request> {
        let fields = self.fields()?;
        let address = |part: Part<'a>| part.parse("an address of 20 bytes");
        let (data, input) =
            (fields.optional("data", |part| part.bytes())?, fields.optional("input", |part| part.bytes())?);
        if let (Some(data), Some(input)) = (&data, &input)
            && data != input
        {
            return Err(RpcError::params(format!(
                "invalid argument {}: both \"data\" and \"input\" are set and not equal",
                self.name
            )));
        }
        let request = Request {
            from: fields.optional("from", address)?,
            to: fields.optional("to", address)?,
            gas: fields.optional("gas", |part| part.quantity_u64())?,
            gas_price: fields.optional("gasPrice", |part| part.quantity_u128())?,
            fee_max: fields.optional("maxFeePerGas", |part| part.quantity_u128())?,
            tip: fields.optional("maxPriorityFeePerGas", |part| part.quantity_u128())?,
            value: fields.optional("value", |part| part.quantity())?.unwrap_or_default(),
            input: input.or(data).unwrap_or_default(),
            nonce: fields.optional("nonce", |part| part.quantity_u64())?,
            chain_id: fields.optional("chainId", |part| part.quantity_u64())?,
            access_list: fields.optional("accessList", |part| part.access_list())?,
        };
        if request.gas_price.is_some() && (request.fee_max.is_some() || request.tip.is_some()) {
            return Err(RpcError::params(format!(
                "invalid argument {}: both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
                self.name
            )));
        }
        Ok(request)
    }

    fn access_list(&self) -> Result<AccessList> {
        let item = |part: Part<'a>| {
            let fields = part.fields()?;
            let address = fields.optional("address", |part| part.parse("an address of 20 bytes"))?;
            let keys = |part: Part<'a>| part.list()?.into_iter().map(|key| key.parse("32 bytes")).collect();
            Ok(AccessListItem {
                address: address.ok_or_else(|| part.wrong("an address"))?,
                storage_keys: fields.optional("storageKeys", keys)?.unwrap_or_default(),
            })
        };
        Ok(AccessList(self.list()?.into_iter().map(item).collect::<Result<_>>()?))
    }

    /// The entries of an object, by key.
    fn entries<K: FromStr + Ord, T>(&self, key: &str, read: impl Fn(Part<'a>) -> Result<T>) -> Result<BTreeMap<K, T>> {
        let map = self.value.as_object().ok_or_else(|| self.wrong("an object"))?;
        let entry = |(text, value): (&'a String, &'a Value)| {
            let part = Part { value, name: format!("{}.{text}", self.name) };
            let parsed = text.starts_with("0x").then(|| text.parse().ok()).flatten();
            let name = parsed
                .ok_or_else(|| RpcError::params(format!("invalid argument {}: the key is no {key}", part.name)))?;
            Ok((name, read(part)?))
        };
        map.iter().map(entry).collect()
    }

    fn overrides(&self) -> Result<BTreeMap<Address, Override>> {
        self.entries("address", |part| {
            let fields = part.fields()?;
            let slots = |part: Part<'a>| part.entries::<U256, U256>("slot", |part| part.slot());
            let (state, diff) = (fields.optional("state", slots)?, fields.optional("stateDiff", slots)?);
            if state.is_some() && diff.is_some() {
                return Err(part.wrong("either state or stateDiff"));
            }
            Ok(Override {
                balance: fields.optional("balance", |part| part.quantity())?,
                nonce: fields.optional("nonce", |part| part.quantity_u64())?,
                code: fields.optional("code", |part| part.bytes())?,
                replaces_storage: state.is_some(),
                slots: state.or(diff).unwrap_or_default(),
            })
        })
    }

    fn log_query(&self) -> Result<LogQuery> {
        let fields = self.fields()?;
        let mut filter = LogFilter::default();
        if let Some(addresses) = fields.optional("address", |part| part.one_or_many("an address of 20 bytes"))? {
            filter.addresses = addresses;
        }
        let topics = fields.optional("topics", |part| {
            let list = part.list()?;
            if list.len() > filter.topics.len() { Err(part.wrong("at most four topics")) } else { Ok(list) }
        })?;
        for (position, part) in topics.into_iter().flatten().enumerate() {
            if !part.value.is_null() {
                filter.topics[position] = part.one_or_many("32 bytes")?;
            }
        }
        let query = LogQuery {
            from: fields.optional("fromBlock", |part| part.block_number())?,
            to: fields.optional("toBlock", |part| part.block_number())?,
            block_hash: fields.optional("blockHash", |part| part.parse("32 bytes"))?,
            filter,
        };
        if query.block_hash.is_some() && (query.from.is_some() || query.to.is_some()) {
            return Err(RpcError::params(format!(
                "invalid argument {}: cannot specify both blockHash and fromBlock/toBlock, choose one or the other",
                self.name
            )));
        }
        Ok(query)
    }

    fn one_or_many<T: FromStr>(&self, wanted: &str) -> Result<Vec<T>> {
        if !self.value.is_array() {
            return Ok(vec![self.parse(wanted)?]);
        }
        let list = self.list()?;
        if list.len() > LOG_FILTER_ALTERNATIVES_MAX {
            return Err(self.wrong(format_args!("at most {LOG_FILTER_ALTERNATIVES_MAX} alternatives")));
        }
        list.iter().map(|part| part.parse(wanted)).collect()
    }
}
