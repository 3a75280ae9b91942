//! One request, with its limits.

use crate::address::is_public;
use crate::bridge::LastGood;
use pipeline::limits::{REDIRECTS_MAX, RESPONSE_BYTES_MAX};
use pipeline::{
    Access, Answer, Ask, BridgeRequest, Excerpt, Failure, Header, Method, Request, Response, bridge_failure,
};
use rand::Rng;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Url, redirect};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Display};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How a client is configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `JobPipeline.HTTPRequest.MaxSize`.
    pub response_bytes_max: usize,
    /// URLs of external adapters by the bridge's name (letters, digits, `_`, `-`; case has no meaning).
    pub bridges: BTreeMap<String, String>,
    /// `WebServer.BridgeCacheTTL`: for bridge tasks without `cacheTTL`; zero: a failed call is an error.
    pub bridge_cache_time: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { response_bytes_max: RESPONSE_BYTES_MAX, bridges: BTreeMap::new(), bridge_cache_time: Duration::ZERO }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("bridge `{name}`: {problem}")]
    Bridge { name: String, problem: &'static str },
    #[error("the HTTP client cannot be built: {0}")]
    Build(#[from] reqwest::Error),
    #[error("the TLS configuration cannot be built: {0}")]
    Tls(#[from] rustls::Error),
}

/// Performs what runs ask. Proxies of the environment are not used: a proxy would resolve and connect by itself, and no
/// address could be checked.
#[derive(Debug)]
pub struct Client {
    unrestricted: reqwest::Client,
    public: reqwest::Client,
    bridges: BTreeMap<String, Url>,
    settings: Settings,
    last_good: Mutex<LastGood>,
    /// Why no certificate can be verified: this machine has no certificate authorities.
    no_authorities: Option<rustls::Error>,
}

impl Client {
    pub fn new(settings: Settings) -> Result<Client, ClientError> {
        let (tls, no_authorities) = tls()?;
        let builder = |access| {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(concat!("dodona/", env!("CARGO_PKG_VERSION")))
                .no_proxy()
                .redirect(redirects(access))
        };
        let mut bridges = BTreeMap::new();
        for (name, url) in &settings.bridges {
            let error = |problem| ClientError::Bridge { name: name.clone(), problem };
            let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '-';
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(error("the name may have letters, digits, _ and -"));
            }
            let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            let url = url.ok_or_else(|| error("the URL must begin with http:// or https://"))?;
            if bridges.insert(name.to_ascii_lowercase(), url).is_some() {
                return Err(error("the name is given twice; case has no meaning"));
            }
        }
        Ok(Client {
            unrestricted: builder(Access::Unrestricted).build()?,
            public: builder(Access::Public).dns_resolver(PublicOnly).build()?,
            bridges,
            settings,
            last_good: Mutex::default(),
            no_authorities,
        })
    }

    /// Whether there is a bridge of this name; a job that names another is to be refused.
    pub fn has_bridge(&self, name: &str) -> bool {
        self.bridges.contains_key(&name.to_ascii_lowercase())
    }

    /// Performs one ask of a run of this job (any name that is the job's own). It takes as long as the world takes: the
    /// caller limits the time by dropping the future.
    pub async fn perform(&self, job: &str, ask: Ask) -> Answer {
        match ask {
            Ask::Http(request) => match self.request(request).await {
                Ok(response) => Answer::Response(response),
                Err(failure) => Answer::Failed(failure),
            },
            Ask::Bridge(request) => self.bridge(job, request).await,
            Ask::Choose { below } => Answer::Chosen(rand::rngs::OsRng.gen_range(0..below.max(1))),
        }
    }

    async fn request(&self, request: Request) -> Result<Response, Failure> {
        let url = parse_url(&request.url)?;
        check(&url, request.access)?;
        self.send(url, request.method, &request.headers, request.body, request.access).await
    }

    /// Calls the adapter; if that fails, its last good response may serve.
    async fn bridge(&self, job: &str, request: BridgeRequest) -> Answer {
        let Some(url) = self.bridges.get(&request.bridge) else {
            return Answer::Failed(Failure::NoBridge { name: Excerpt::of(&request.bridge) });
        };
        let called =
            self.send(url.clone(), Method::Post, &request.headers, Some(request.body), Access::Unrestricted).await;
        let mut last_good = self.last_good.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let failed = match called {
            Ok(response) if bridge_failure(&response).is_none() => {
                last_good.keep(job, &request.task, &response, now);
                return Answer::Response(response);
            }
            Ok(response) => Answer::Response(response),
            Err(failure) => Answer::Failed(failure),
        };
        let cache_time = request.cache_time.unwrap_or(self.settings.bridge_cache_time);
        if cache_time.is_zero() {
            return failed;
        }
        last_good.recall(job, &request.task, cache_time, now).map_or(failed, Answer::Response)
    }

    async fn send(
        &self,
        url: Url,
        method: Method,
        headers: &[Header],
        body: Option<Vec<u8>>,
        access: Access,
    ) -> Result<Response, Failure> {
        let client = match access {
            Access::Unrestricted => &self.unrestricted,
            Access::Public => &self.public,
        };
        let is_encrypted = url.scheme() == "https";
        let failure = |error: reqwest::Error| match (&self.no_authorities, failure(error)) {
            (Some(reason), Failure::Transport(text)) if is_encrypted => {
                Failure::Transport(Excerpt::of(&format!("{text} (this machine: {reason})")))
            }
            (_, failure) => failure,
        };
        let request = client.request(method_of(method), url).headers(header_map(headers)?);
        let request = match body {
            Some(body) => request.body(body),
            None => request,
        };
        let mut response = request.send().await.map_err(failure)?;
        let status = response.status().as_u16();
        // A redirect that is still here was not followed, because it leads to nothing that can be requested.
        if let (301 | 302 | 303 | 307 | 308, Some(location)) = (status, response.headers().get(LOCATION)) {
            let url = String::from_utf8_lossy(location.as_bytes());
            return Err(wrong_url(&url, "the server redirects there"));
        }
        let mut body = Vec::new();
        // The declared length may be a lie; what arrives counts.
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > self.settings.response_bytes_max {
                return Err(Failure::TooLarge { limit: self.settings.response_bytes_max });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, body, age: None })
    }
}

/// rustls with ring, whatever provider the process may have installed, and the machine's certificate authorities. On a
/// machine without any, everything but HTTPS still works.
fn tls() -> Result<(rustls::ClientConfig, Option<rustls::Error>), rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let (builder, no_authorities) = match rustls_platform_verifier::Verifier::new(provider) {
        Ok(verifier) => (builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)), None),
        Err(error) => (builder.with_root_certificates(rustls::RootCertStore::empty()), Some(error)),
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((config, no_authorities))
}

fn redirects(access: Access) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        // The first of `previous` is the request itself.
        if attempt.previous().len() > REDIRECTS_MAX {
            return attempt.error(Refused(Failure::REDIRECTS));
        }
        match check(attempt.url(), access) {
            Ok(()) => attempt.follow(),
            Err(failure) => attempt.error(Refused(failure)),
        }
    })
}

fn parse_url(url: &str) -> Result<Url, Failure> {
    Url::parse(url).map_err(|error| wrong_url(url, &error.to_string()))
}

/// Without the query, which often holds a key: errors end up in logs.
fn wrong_url(url: &str, reason: &str) -> Failure {
    let shown = url.split_once('?').map_or(url.to_owned(), |(before, _)| format!("{before}?..."));
    Failure::Url { url: Excerpt::of(&shown), reason: Excerpt::of(reason) }
}

/// Refuses what is not HTTP, and, with restricted access, an address in the URL that is not public. Names are checked
/// when they are resolved.
fn check(url: &Url, access: Access) -> Result<(), Failure> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong_url(url.as_str(), "the scheme is neither http nor https"));
    }
    let host = url.host_str().ok_or_else(|| wrong_url(url.as_str(), "there is no host"))?;
    let literal: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    match (access, literal) {
        (Access::Public, Some(address)) if !is_public(address) => Err(not_public(host, address)),
        (Access::Public | Access::Unrestricted, Some(_) | None) => Ok(()),
    }
}

fn not_public(host: &str, address: IpAddr) -> Failure {
    Failure::NotPublic { host: Excerpt::of(host), address: address.to_string() }
}

/// Resolves names to public addresses only; the connection goes to what was checked here, not to a second resolution.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let all: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = all.iter().copied().filter(|address| is_public(address.ip())).collect();
            match all.first() {
                Some(other) if public.is_empty() => Err(Refused(not_public(name.as_str(), other.ip())).into()),
                Some(_) | None => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

/// A failure of ours on its way through the layers of the HTTP library.
#[derive(Clone, Debug)]
struct Refused(Failure);

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

impl Error for Refused {}

/// What went wrong, in one line and without the URL, which may hold a key.
fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(Refused(failure)) = cause.downcast_ref() {
            return failure.clone();
        }
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    Failure::Transport(Excerpt::of(&text))
}

fn method_of(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
        Method::Options => reqwest::Method::OPTIONS,
    }
}

fn header_map(headers: &[Header]) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::new();
    for Header { name, value } in headers {
        let wrong = || Failure::Header { name: Excerpt::of(name) };
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        map.insert(header, HeaderValue::from_str(value).map_err(|_| wrong())?);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_requested_is_told_without_its_query() {
        let Err(failure) = check(&parse_url("ftp://example.org/price?key=secret").unwrap(), Access::Public) else {
            panic!("taken");
        };
        let told = "`ftp://example.org/price?...` cannot be requested: the scheme is neither http nor https";
        assert_eq!(failure.to_string(), told);
        assert!(!parse_url("http://:1/?key=secret").unwrap_err().to_string().contains("secret"));
    }

    #[test]
    fn an_address_that_is_not_public_is_refused_in_every_spelling() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://[::1]:80/",
            "http://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
        ] {
            let url = parse_url(url).unwrap();
            assert!(matches!(check(&url, Access::Public), Err(Failure::NotPublic { .. })), "{url}");
            assert_eq!(check(&url, Access::Unrestricted), Ok(()));
        }
        assert_eq!(check(&parse_url("http://8.8.8.8/").unwrap(), Access::Public), Ok(()));
        assert!(matches!(
            check(&parse_url("file:///etc/passwd").unwrap(), Access::Unrestricted),
            Err(Failure::Url { .. })
        ));
    }
}
