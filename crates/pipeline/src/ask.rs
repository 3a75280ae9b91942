//! What a run wants from the world, and the answers.

use crate::error::{Excerpt, TaskError};
use crate::limits::{REDIRECTS_MAX, RESPONSE_BYTES_MAX};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;
use serde_json::Value as Json;

/// What a run wants from the world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// An HTTP request; answered by [`Answer::Response`] or [`Answer::Failed`].
    Http(Request),
    /// A request to an external adapter; answered like an HTTP request.
    Bridge(BridgeRequest),
    /// A uniformly random number below `below` (at least 1), unpredictable to others; answered by [`Answer::Chosen`].
    Choose { below: usize },
}

/// An HTTP request (node spec 4.6). Time limits are the run's matter: it forgets the ticket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    pub method: Method,
    /// Absolute, `http` or `https`; not checked further.
    pub url: String,
    /// In order; a later one of the same name replaces an earlier one.
    pub headers: Vec<Header>,
    pub body: Option<Vec<u8>>,
    pub access: Access,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    pub(crate) const ALL: [Method; 7] =
        [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options];

    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
        }
    }
}

/// Where a request may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anywhere, the node's own machine and network included.
    Unrestricted,
    /// Only to public addresses: the URL, or a part of it, comes from outside.
    Public,
}

/// A request to the external adapter behind a bridge (node spec 5.2): a POST to the URL that the host knows by the name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BridgeRequest {
    /// In lower case.
    pub bridge: String,
    /// The task that asks; the last good response is kept per job and task.
    pub task: String,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
    /// If the call fails, the last good response of this task serves, when it is not older; zero: never. `None`: as the
    /// host is configured (`WebServer.BridgeCacheTTL`).
    pub cache_time: Option<Duration>,
}

/// What came of an [`Ask`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Response(Response),
    Failed(Failure),
    /// Below the `below` of the ask.
    Chosen(usize),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    pub status: u16,
    /// At most [`crate::limits::RESPONSE_BYTES_MAX`], or as the host is configured.
    pub body: Vec<u8>,
    /// The response is an earlier one, so old, because the call failed.
    pub age: Option<Duration>,
}

/// Why there is no response.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    #[error("the response is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("more than {limit} redirects")]
    Redirects { limit: usize },
    /// Refused before connecting: [`Access::Public`], and the address is not public.
    #[error(
        "{host} is at {address}, which is not a public address; set allowUnrestrictedNetworkAccess=\"true\" if it is meant"
    )]
    NotPublic { host: Excerpt, address: String },
    #[error("`{url}` cannot be requested: {reason}")]
    Url { url: Excerpt, reason: Excerpt },
    #[error("a header cannot be sent: `{name}`")]
    Header { name: Excerpt },
    #[error("no bridge is named `{name}`")]
    NoBridge { name: Excerpt },
    /// Name resolution, connection, TLS, a broken or malformed response.
    #[error("{0}")]
    Transport(Excerpt),
}

impl Failure {
    /// A body over the default limit.
    pub const TOO_LARGE: Failure = Failure::TooLarge { limit: RESPONSE_BYTES_MAX };
    /// A chain of redirects over the limit.
    pub const REDIRECTS: Failure = Failure::Redirects { limit: REDIRECTS_MAX };

    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Failure::Transport(_) => true,
            Failure::TooLarge { .. }
            | Failure::Redirects { .. }
            | Failure::NotPublic { .. }
            | Failure::Url { .. }
            | Failure::Header { .. }
            | Failure::NoBridge { .. } => false,
        }
    }
}

impl Response {
    /// The error that the status says (node spec 4.6): its text is the body's `error` or `errorMessage`, else the body.
    pub(crate) fn status_error(&self) -> Option<TaskError> {
        (self.status >= 400).then(|| {
            let body = String::from_utf8_lossy(&self.body);
            let json = serde_json::from_str::<Json>(&body).ok();
            let text = |name: &str| json.as_ref().and_then(|json| error_text(json.get(name)?));
            let named = text("error").or_else(|| text("errorMessage"));
            let message = named.map_or_else(|| Excerpt::of(&body), |text| Excerpt::of(&text));
            TaskError::Status { status: self.status, message }
        })
    }
}

/// Whether an external adapter's response is a failure (node spec 5.3), in the order given there. Hosts use it to tell
/// which responses are good enough to keep.
pub fn bridge_failure(response: &Response) -> Option<TaskError> {
    if let Some(error) = response.status_error() {
        return Some(error);
    }
    let json = serde_json::from_slice::<Json>(&response.body).ok();
    let field = |name: &str| json.as_ref().and_then(|json| json.get(name)).filter(|value| !value.is_null());
    let code = |name: &str| field(name).and_then(Json::as_i64);
    let message = || {
        field("error")
            .and_then(error_text)
            .map_or_else(|| Excerpt::of(&String::from_utf8_lossy(&response.body)), |text| Excerpt::of(&text))
    };
    for name in ["statusCode", "providerStatusCode"] {
        if let Some(code) = code(name).filter(|code| *code != 200) {
            return Some(TaskError::Adapter { code, message: message() });
        }
    }
    if field("error").is_some() {
        return Some(TaskError::Adapter { code: 500, message: message() });
    }
    // The reference yields null without an error here; a success that is not one must not pass silently.
    (response.status != 200).then(|| TaskError::Status { status: response.status, message: message() })
}

/// The text of an `error` field: itself, or the `name` and `message` of an adapter's error object.
fn error_text(error: &Json) -> Option<String> {
    match error {
        Json::String(text) => Some(text.clone()),
        Json::Object(fields) => {
            let part = |name: &str| fields.get(name).and_then(Json::as_str);
            match (part("name"), part("message")) {
                (Some(name), Some(message)) => Some([name, ": ", message].concat()),
                (None, Some(text)) | (Some(text), None) => Some(text.to_string()),
                (None, None) => None,
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => None,
    }
}
