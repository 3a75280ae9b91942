//! bridge, http: the tasks that ask the world.

use super::text_of;
use crate::ask::{Access, Ask, BridgeRequest, Header, Method, Request, Response, bridge_failure};
use crate::duration::parse_duration;
use crate::error::TaskError;
use crate::limits::CACHE_TIME_MAX;
use crate::parameter::{Attributes, Parameter, Scope, Template, convert};
use crate::source::Diagnostic;
use crate::value::{TaskResult, Value};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;
use serde_json::Value as Json;

/// A request to a URL; the result is the response's body as text.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    method: Method,
    url: Parameter<String>,
    request_data: Option<Template>,
    headers: Vec<Header>,
    access: Access,
}

impl Http {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        let method = attributes.literal("method", |text| {
            let method = Method::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(text));
            method.ok_or_else(|| format!("one of {}", Method::ALL.map(Method::as_str).join(", ")))
        })?;
        let url: Parameter<String> = attributes.required_parameter("url", "\"https://…\"")?;
        if let Parameter::Literal(url) = &url {
            check_url(url).map_err(|problem| {
                attributes.error("url", problem, "write the whole URL, such as \"https://host/path\"")
            })?;
        }
        let request_data = request_data(attributes)?;
        let headers = headers(attributes)?;
        // A URL that comes from outside must not reach into the operator's network.
        let unrestricted =
            attributes.flag("allowUnrestrictedNetworkAccess")?.unwrap_or(matches!(url, Parameter::Literal(_)));
        let access = if unrestricted { Access::Unrestricted } else { Access::Public };
        Ok(Http { method: method.unwrap_or(Method::Get), url, request_data, headers, access })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Ask, TaskError> {
        let url = self.url.resolve("url", scope)?.ok_or(TaskError::Missing { parameter: "url" })?;
        let body = match &self.request_data {
            None => None,
            Some(template) => {
                let fields: BTreeMap<String, Value> = convert("requestData", &template.resolve(scope)?)?;
                Some(Value::Map(fields).to_json().into_bytes())
            }
        };
        let headers = with_content_type(&self.headers);
        Ok(Ask::Http(Request { method: self.method, url, headers, body, access: self.access }))
    }
}

pub(super) fn http_result(response: &Response) -> TaskResult {
    match response.status_error() {
        Some(error) => Err(error),
        None => Ok(Value::String(text_of(&response.body))),
    }
}

/// A request to an external adapter; the result is the response's body as text.
#[derive(Clone, Debug)]
pub(crate) struct Bridge {
    pub name: String,
    task: String,
    request_data: Option<Template>,
    include_input_at_key: Option<String>,
    headers: Vec<Header>,
    cache_time: Option<Duration>,
}

impl Bridge {
    pub fn read(attributes: &mut Attributes) -> Result<Self, Diagnostic> {
        let name = attributes.required("name", "\"…\"")?.to_ascii_lowercase();
        if !name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_' || char == '-') {
            return Err(attributes.error("name", "is not the name of a bridge", "use letters, digits, _ and -"));
        }
        if attributes.flag("async")?.unwrap_or(false) {
            let problem = "an asynchronous bridge has no place in this job: an observation cannot wait for it";
            return Err(attributes.error("async", problem, "remove async"));
        }
        let request_data = request_data(attributes)?;
        let include_input_at_key = attributes.text("includeInputAtKey").map(str::to_owned);
        let headers = headers(attributes)?;
        let cache_time = attributes.literal("cacheTTL", |text| {
            let time = parse_duration(text).map_err(String::from)?;
            Ok(Duration::from_secs(time.as_secs()).min(CACHE_TIME_MAX))
        })?;
        Ok(Bridge { name, task: attributes.task().to_owned(), request_data, include_input_at_key, headers, cache_time })
    }

    pub fn evaluate(&self, scope: &Scope) -> Result<Ask, TaskError> {
        let mut fields: BTreeMap<String, Value> = match &self.request_data {
            None => BTreeMap::new(),
            Some(template) => convert("requestData", &template.resolve(scope)?)?,
        };
        if let (Some(key), Some(input)) = (&self.include_input_at_key, scope.first_input()) {
            fields.insert(key.clone(), input.clone());
        }
        if let Some(Value::Map(run)) = scope.variables.get("jobRun")
            && let Some(meta @ Value::Map(_)) = run.get("meta")
        {
            fields.insert("meta".into(), meta.clone());
        }
        Ok(Ask::Bridge(BridgeRequest {
            bridge: self.name.clone(),
            task: self.task.clone(),
            headers: with_content_type(&self.headers),
            body: Value::Map(fields).to_json().into_bytes(),
            cache_time: self.cache_time,
        }))
    }
}

pub(super) fn bridge_result(response: &Response) -> TaskResult {
    match bridge_failure(response) {
        Some(error) => Err(error),
        None => Ok(Value::String(text_of(&response.body))),
    }
}

fn request_data(attributes: &mut Attributes) -> Result<Option<Template>, Diagnostic> {
    let template = attributes.template("requestData")?;
    if let Some(Template::Literal(_) | Template::List(_)) = template {
        return Err(attributes.error("requestData", "is not a map", "write <{\"key\": …}>"));
    }
    Ok(template)
}

/// A JSON list of names and values in turn.
fn headers(attributes: &mut Attributes) -> Result<Vec<Header>, Diagnostic> {
    let headers = attributes.literal("headers", |text| {
        let wrong = || "<[\"name\", \"value\", …]>: names and values in turn, of printable characters".to_string();
        let list: Vec<Json> = serde_json::from_str(text).map_err(|_| wrong())?;
        let texts: Vec<&str> = list.iter().map(Json::as_str).collect::<Option<_>>().ok_or_else(wrong)?;
        let (pairs, []) = texts.as_chunks::<2>() else { return Err(wrong()) };
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
        };
        let is_value = |value: &str| !value.chars().any(|char| char.is_control() && char != '\t');
        let header = |[name, value]: &[&str; 2]| {
            (is_name(name) && is_value(value)).then(|| Header { name: (*name).to_owned(), value: (*value).to_owned() })
        };
        pairs.iter().map(header).collect::<Option<_>>().ok_or_else(wrong)
    })?;
    Ok(headers.unwrap_or_default())
}

fn with_content_type(headers: &[Header]) -> Vec<Header> {
    let content_type = Header { name: "Content-Type".into(), value: "application/json".into() };
    core::iter::once(content_type).chain(headers.iter().cloned()).collect()
}

fn check_url(url: &str) -> Result<(), String> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest {
        None => Err(format!("`{}` does not begin with http:// or https://", crate::Excerpt::of(url))),
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#', ':']) => Err("the URL names no host".into()),
        Some(rest) if rest.contains(char::is_whitespace) => Err("the URL contains a space".into()),
        Some(_) => Ok(()),
    }
}
