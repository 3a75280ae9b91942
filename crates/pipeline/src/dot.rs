//! The text of a graph (node spec 4.1): the body of a DOT digraph, with the place of everything in it.

use crate::limits::{EDGES_MAX, GROUP_DEPTH_MAX, TASKS_MAX};
use crate::source::{Diagnostic, Source};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a graph's text says, not yet understood. Nodes stand in the order of their first mention.
#[derive(Default, Debug)]
pub(crate) struct Document {
    pub nodes: Vec<Node>,
    /// Pairs of indexes into `nodes`, without repetition, in order of mention.
    pub edges: Vec<(usize, usize)>,
    by_name: BTreeMap<String, usize>,
    known_edges: BTreeSet<(usize, usize)>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub name: String,
    /// Where it is first mentioned.
    pub at: usize,
    pub attributes: Vec<Attribute>,
}

#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub name: String,
    pub value: String,
    /// Where the value stands.
    pub at: usize,
    /// Where the name stands.
    pub name_at: usize,
}

pub(crate) fn parse(source: &Source) -> Result<Document, Diagnostic> {
    let tokens = lex(source)?;
    let mut parser = Parser { source, tokens, next: 0, document: Document::default() };
    while parser.peek().is_some() {
        parser.statement(0)?;
    }
    Ok(parser.document)
}

#[derive(Clone, PartialEq, Debug)]
enum Word {
    /// A name or value, with whether it stood bare (only bare words can be keywords).
    Text {
        text: String,
        bare: bool,
    },
    Arrow,
    Punctuation(char),
}

#[derive(Clone, Debug)]
struct Token {
    word: Word,
    at: usize,
}

fn lex(source: &Source) -> Result<Vec<Token>, Diagnostic> {
    let text = source.text;
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(char) = text[at..].chars().next() {
        let rest = &text[at..];
        if char.is_whitespace() {
            at += char.len_utf8();
        } else if rest.starts_with("//") || (char == '#' && is_first_in_line(text, at)) {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            let end = rest
                .find("*/")
                .ok_or_else(|| source.diagnostic(at, "graph", "a comment is not closed", "close it with */"))?;
            at += end + 2;
        } else if rest.starts_with("->") {
            tokens.push(Token { word: Word::Arrow, at });
            at += 2;
        } else if rest.starts_with("--") {
            return Err(source.diagnostic(at, "graph", "`--` is an edge without direction", "write ->"));
        } else if char == '"' {
            let (value, length) = quoted(rest)
                .ok_or_else(|| source.diagnostic(at, "graph", "a quoted text is not closed", "close it with \""))?;
            tokens.push(Token { word: Word::Text { text: value, bare: false }, at });
            at += length;
        } else if char == '<' {
            let (value, length) = angled(rest).ok_or_else(|| {
                source.diagnostic(at, "graph", "a text in angle brackets is not closed", "close it with >")
            })?;
            tokens.push(Token { word: Word::Text { text: value.into(), bare: false }, at });
            at += length;
        } else if "{}[]=;,:".contains(char) {
            tokens.push(Token { word: Word::Punctuation(char), at });
            at += 1;
        } else if is_word(char) || char == '-' {
            // A minus can only begin a number.
            let length = rest.char_indices().skip(1).find(|(_, c)| !is_word(*c)).map_or(rest.len(), |(end, _)| end);
            let word = &rest[..length];
            if char == '-' && word.parse::<crate::Decimal>().is_err() {
                return Err(source.diagnostic(
                    at,
                    "graph",
                    "`-` begins neither an edge nor a number",
                    "write ->, or quote the text",
                ));
            }
            tokens.push(Token { word: Word::Text { text: word.into(), bare: true }, at });
            at += length;
        } else {
            let remedy =
                if char == '$' { "write the variable in quotes: \"$(name)\"" } else { "put the text in quotes" };
            return Err(source.diagnostic(at, "graph", format!("unexpected `{}`", char.escape_default()), remedy));
        }
    }
    Ok(tokens)
}

/// Whether only blanks stand before it in its line.
fn is_first_in_line(text: &str, at: usize) -> bool {
    text[..at].rsplit('\n').next().unwrap_or("").trim().is_empty()
}

/// Letters, digits, underscore and everything beyond ASCII, as in DOT; and the point, for numbers.
fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_' || char == '.' || !char.is_ascii()
}

/// The value of the quoted text at the beginning, and its length with quotes. Escapes are Go's, as the reference reads
/// them; a backslash before anything else stays.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, at + 1)),
            '\\' => {
                let (_, escaped) = chars.next()?;
                match escaped {
                    '"' | '\\' => value.push(escaped),
                    'n' => value.push('\n'),
                    't' => value.push('\t'),
                    'r' => value.push('\r'),
                    'u' => {
                        let code = text.get(at + 2..at + 6).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                        match code.and_then(char::from_u32) {
                            Some(char) => {
                                value.push(char);
                                chars.nth(3);
                            }
                            None => value.push_str("\\u"),
                        }
                    }
                    _ => value.extend(['\\', escaped]),
                }
            }
            _ => value.push(char),
        }
    }
    None
}

/// The value of the angle-quoted text at the beginning, and its length with brackets, which must balance. The brackets
/// fall away when there are none inside.
fn angled(text: &str) -> Option<(&str, usize)> {
    let mut depth = 0usize;
    for (at, char) in text.char_indices() {
        match char {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let inner = &text[1..at];
            return Some((if inner.contains(['<', '>']) { &text[..=at] } else { inner }, at + 1));
        }
    }
    None
}

struct Parser<'a> {
    source: &'a Source<'a>,
    tokens: Vec<Token>,
    next: usize,
    document: Document,
}

impl Parser<'_> {
    /// One statement and the semicolon after it. Returns the nodes it mentions, for the group that it may stand in.
    fn statement(&mut self, depth: usize) -> Result<Vec<usize>, Diagnostic> {
        if self.take(';') {
            return Ok(Vec::new());
        }
        let nodes = match self.keyword() {
            Some("graph" | "node" | "edge") => {
                self.next += 1;
                self.attributes()?;
                Vec::new()
            }
            Some("digraph" | "strict") => {
                let at = self.here();
                let remedy = "write only what would stand between its braces";
                return Err(self.source.diagnostic(at, "graph", "the text is already inside a digraph", remedy));
            }
            _ if self.is_punctuation(1, '=') && matches!(self.peek(), Some(Token { word: Word::Text { .. }, .. })) => {
                // An attribute of the whole graph, such as rankdir=LR, has no meaning here.
                self.next += 2;
                self.text("a value")?;
                Vec::new()
            }
            _ => self.chain(depth)?,
        };
        self.take(';');
        Ok(nodes)
    }

    /// A node with attributes, or a chain of edges.
    fn chain(&mut self, depth: usize) -> Result<Vec<usize>, Diagnostic> {
        let is_node =
            matches!(self.peek(), Some(Token { word: Word::Text { .. }, .. })) && self.keyword() != Some("subgraph");
        let mut last = self.vertex(depth)?;
        let mut mentioned = last.clone();
        let mut is_chain = false;
        while matches!(self.peek(), Some(Token { word: Word::Arrow, .. })) {
            let at = self.here();
            self.next += 1;
            let next = self.vertex(depth)?;
            for from in &last {
                for to in &next {
                    self.edge(*from, *to, at)?;
                }
            }
            mentioned.extend(&next);
            last = next;
            is_chain = true;
        }
        let attributes = self.attributes()?;
        if is_node && !is_chain {
            for node in &last {
                self.document.nodes[*node].attributes.extend(attributes.iter().cloned());
            }
        }
        Ok(mentioned)
    }

    /// A node, with a port that has no meaning here, or a group of nodes.
    fn vertex(&mut self, depth: usize) -> Result<Vec<usize>, Diagnostic> {
        let named_group = self.keyword() == Some("subgraph");
        if named_group {
            self.next += 1;
            if !self.is_punctuation(0, '{') {
                self.text("a name or {")?;
            }
        }
        let at = self.here();
        if self.take('{') {
            if depth == GROUP_DEPTH_MAX {
                return Err(self.source.diagnostic(
                    at,
                    "graph",
                    "groups are nested too deep",
                    "name the edges one by one",
                ));
            }
            let mut nodes = Vec::new();
            while !self.take('}') {
                if self.peek().is_none() {
                    return Err(self.source.diagnostic(at, "graph", "a group is not closed", "close it with }"));
                }
                self.take(',');
                nodes.extend(self.statement(depth + 1)?);
            }
            nodes.sort_unstable();
            nodes.dedup();
            return Ok(nodes);
        }
        let name = self.text("the name of a task")?;
        while self.take(':') {
            self.text("a port")?;
        }
        Ok(alloc::vec![self.node(name, at)?])
    }

    fn node(&mut self, name: String, at: usize) -> Result<usize, Diagnostic> {
        if let Some(known) = self.document.by_name.get(&name) {
            return Ok(*known);
        }
        let index = self.document.nodes.len();
        if index == TASKS_MAX {
            return Err(self.source.diagnostic(at, name, format!("more than {TASKS_MAX} tasks"), "split the job"));
        }
        self.document.by_name.insert(name.clone(), index);
        self.document.nodes.push(Node { name, at, attributes: Vec::new() });
        Ok(index)
    }

    fn edge(&mut self, from: usize, to: usize, at: usize) -> Result<(), Diagnostic> {
        if !self.document.known_edges.insert((from, to)) {
            return Ok(());
        }
        if self.document.edges.len() == EDGES_MAX {
            return Err(self.source.diagnostic(at, "graph", format!("more than {EDGES_MAX} edges"), "split the job"));
        }
        self.document.edges.push((from, to));
        Ok(())
    }

    /// Any number of attribute lists.
    fn attributes(&mut self) -> Result<Vec<Attribute>, Diagnostic> {
        let mut attributes = Vec::new();
        loop {
            let opened = self.here();
            if !self.take('[') {
                return Ok(attributes);
            }
            while !self.take(']') {
                if self.peek().is_none() {
                    return Err(self.source.diagnostic(
                        opened,
                        "graph",
                        "an attribute list is not closed",
                        "close it with ]",
                    ));
                }
                if self.take(',') || self.take(';') {
                    continue;
                }
                let name_at = self.here();
                let name = self.text("the name of an attribute")?;
                if !self.take('=') {
                    let at = self.here();
                    return Err(self.source.diagnostic(
                        at,
                        name.clone(),
                        "`=` is missing",
                        format!("write {name}=\"…\""),
                    ));
                }
                let at = self.here();
                let value = self.text("the attribute's value")?;
                attributes.push(Attribute { name, value, at, name_at });
            }
        }
    }

    fn text(&mut self, wanted: &str) -> Result<String, Diagnostic> {
        let at = self.here();
        match self.peek().map(|token| token.word.clone()) {
            Some(Word::Text { text, .. }) => {
                self.next += 1;
                Ok(text)
            }
            Some(Word::Arrow) => {
                Err(self.source.diagnostic(at, "graph", "unexpected `->`", format!("write {wanted} here")))
            }
            Some(Word::Punctuation(char)) => {
                Err(self.source.diagnostic(at, "graph", format!("unexpected `{char}`"), format!("write {wanted} here")))
            }
            None => Err(self.source.diagnostic(at, "graph", "the text ends too early", format!("write {wanted} here"))),
        }
    }

    fn keyword(&self) -> Option<&'static str> {
        let Some(Token { word: Word::Text { text, bare: true }, .. }) = self.peek() else { return None };
        ["graph", "node", "edge", "digraph", "strict", "subgraph"]
            .into_iter()
            .find(|word| text.eq_ignore_ascii_case(word))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    /// Where the next token stands, or the text ends.
    fn here(&self) -> usize {
        self.peek().map_or(self.source.text.len(), |token| token.at)
    }

    fn is_punctuation(&self, ahead: usize, char: char) -> bool {
        self.tokens.get(self.next + ahead).is_some_and(|token| token.word == Word::Punctuation(char))
    }

    fn take(&mut self, char: char) -> bool {
        let is = self.is_punctuation(0, char);
        self.next += usize::from(is);
        is
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;
    use proptest::prelude::*;

    fn names(text: &str) -> (Vec<String>, Vec<(String, String)>) {
        let document = parse(&Source::whole(text)).unwrap();
        let name = |index: usize| document.nodes[index].name.clone();
        (
            document.nodes.iter().map(|node| node.name.clone()).collect(),
            document.edges.iter().map(|(from, to)| (name(*from), name(*to))).collect(),
        )
    }

    fn edges(text: &str) -> String {
        names(text).1.iter().map(|(from, to)| format!("{from}>{to} ")).collect()
    }

    fn attributes(text: &str) -> Vec<(String, String)> {
        let document = parse(&Source::whole(text)).unwrap();
        document.nodes[0].attributes.iter().map(|a| (a.name.clone(), a.value.clone())).collect()
    }

    #[test]
    fn chains_and_groups_are_edges() {
        assert_eq!(edges("a -> b -> c; b -> d"), "a>b b>c b>d ");
        assert_eq!(edges("{a b} -> c"), "a>c b>c ");
        assert_eq!(edges("{a, b} -> {c; d}"), "a>c a>d b>c b>d ");
        assert_eq!(edges("a -> subgraph x { b -> c } -> d"), "b>c a>b a>c b>d c>d ");
        assert_eq!(edges("a:p -> b:q:n [label=x]\n a -> b"), "a>b ");
    }

    #[test]
    fn all_three_kinds_of_values_are_read() {
        let text =
            r#"ds [type=http method=GET; url="https://x/?a=\"b\"", requestData=<{"a": [1, -2]}> n=-1.5][retries=3]"#;
        let wanted = [
            ("type", "http"),
            ("method", "GET"),
            ("url", "https://x/?a=\"b\""),
            ("requestData", "{\"a\": [1, -2]}"),
            ("n", "-1.5"),
            ("retries", "3"),
        ];
        assert_eq!(attributes(text), wanted.map(|(a, b)| (a.to_string(), b.to_string())));
        assert_eq!(attributes("a [x=<b <i>> y=<>]"), vec![("x".into(), "<b <i>>".into()), ("y".into(), "".into())]);
        assert_eq!(attributes("a [x=<{}>]"), vec![("x".into(), "{}".into())]);
        assert_eq!(attributes(r#"a [x="\d\\\u00e9\uzz"]"#), vec![("x".into(), "\\d\\é\\uzz".into())]);
    }

    #[test]
    fn comments_and_settings_of_the_drawing_have_no_meaning() {
        let text = "// c\n/* a -> b */ rankdir=LR\n# note\nnode [shape=box]; graph [a=b] edge []\n x [type=any]";
        assert_eq!(names(text), (vec!["x".to_string()], vec![]));
    }

    #[test]
    fn an_error_names_its_place_and_the_way_out() {
        for (text, wanted) in [
            ("a [type=http\n", "1:3: graph: an attribute list is not closed; close it with ]"),
            ("a ->", "1:5: graph: the text ends too early; write the name of a task here"),
            ("a\n -- b", "2:2: graph: `--` is an edge without direction; write ->"),
            ("a [times=$(x)]", "1:10: graph: unexpected `$`; write the variable in quotes: \"$(name)\""),
            ("é [x=\"]", "1:6: graph: a quoted text is not closed; close it with \""),
            ("a [x=<{]", "1:6: graph: a text in angle brackets is not closed; close it with >"),
            ("a [url]", "1:7: url: `=` is missing; write url=\"…\""),
            (
                "digraph { a }",
                "1:1: graph: the text is already inside a digraph; write only what would stand between its braces",
            ),
            ("{ a -> b", "1:1: graph: a group is not closed; close it with }"),
            ("a ] b", "1:3: graph: unexpected `]`; write the name of a task here"),
            ("/* x", "1:1: graph: a comment is not closed; close it with */"),
        ] {
            assert_eq!(parse(&Source::whole(text)).unwrap_err().to_string(), wanted);
        }
    }

    #[test]
    fn deep_and_wide_texts_are_refused() {
        assert!(parse(&Source::whole(&"{".repeat(100_000))).is_err());
        let group: String = (0..200).map(|i| format!("n{i} ")).collect();
        assert!(parse(&Source::whole(&format!("{{{group}}} -> {{{group}}}"))).is_err());
        let many: String = (0..600).map(|i| format!("n{i};")).collect();
        assert!(parse(&Source::whole(&many)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[ab{}\[\]=;,:<>"\\\-/*#$(). \n\u{e9}]{0,60}"#) {
            let _ = parse(&Source::whole(&text));
        }
    }
}
