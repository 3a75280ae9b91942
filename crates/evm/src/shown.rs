//! What of an endpoint's URL may be shown. Paths, queries and user names carry API keys.

use reqwest::Url;

/// Of a URL what may stand in a log: scheme, host and port.
pub fn masked(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// The parts of a URL that must not be repeated when an endpoint quotes them.
#[derive(Clone)]
pub struct Secrets(Vec<String>);

impl Secrets {
    pub fn of(url: &Url) -> Self {
        let path = url.path_segments().into_iter().flatten();
        let query = url.query().into_iter().flat_map(|query| query.split(['&', '=']));
        let user = [url.username(), url.password().unwrap_or_default()];
        // Short words are no keys, and replacing them would garble every message ("v2", "eth").
        let parts = path.chain(query).chain(user).filter(|part| part.len() >= 6);
        Secrets(parts.map(str::to_owned).collect())
    }

    /// The text without them, and not longer than is worth reading.
    pub fn hide(&self, text: &str) -> String {
        let mut text = self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"));
        let max = crate::limits::MESSAGE_BYTES_MAX;
        if text.len() > max {
            let end = (0..=max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
            text.push('…');
        }
        // One line, whatever the endpoint sends: errors end up in logs.
        text.replace(|c: char| c.is_control(), " ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_host_and_port_are_shown() {
        let url = Url::parse("https://user:pass@node.example:8443/v3/0123456789abcdef?apikey=topsecret").unwrap();
        assert_eq!(masked(&url), "https://node.example:8443");
        assert_eq!(masked(&Url::parse("http://127.0.0.1:8545").unwrap()), "http://127.0.0.1:8545");
    }

    #[test]
    fn keys_that_an_endpoint_quotes_are_hidden_and_its_words_cut() {
        let url = Url::parse("https://someone:password@node.example/v3/0123456789abcdef?apikey=topsecret").unwrap();
        let secrets = Secrets::of(&url);
        let quoted = "project 0123456789abcdef of someone (password, topsecret)\nis over its limit";
        assert_eq!(secrets.hide(quoted), "project *** of *** (***, ***) is over its limit");
        assert_eq!(secrets.hide(&"é".repeat(1_000)).chars().count(), 151);
    }
}
