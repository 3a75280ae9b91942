//! What was measured, as a page for people and as JSON.

use serde_json::{Value, json as value};
use std::fmt::Write;

/// The rows of one contract.
pub struct Section {
    pub title: &'static str,
    /// How its rows were measured, as far as the head of the page does not say it.
    pub method: &'static str,
    /// Whether the original was measured in this run.
    pub with_original: bool,
    pub rows: Vec<Row>,
}

/// One path through a contract.
pub struct Row {
    pub what: String,
    /// The reference's contract; `None` if it has no such path, or is not at hand.
    pub original: Option<u64>,
    pub ours: u64,
    pub goal: Option<u64>,
    /// Original and ours with 32 random bytes for the third word of the report context, if the path has one.
    pub extra_hash: Option<(Option<u64>, u64)>,
}

impl Row {
    pub fn new(what: impl Into<String>, original: Option<u64>, ours: u64) -> Self {
        Self { what: what.into(), original, ours, goal: None, extra_hash: None }
    }

    pub fn goal(self, goal: u64) -> Self {
        Self { goal: Some(goal), ..self }
    }

    pub fn extra_hash(self, original: Option<u64>, ours: u64) -> Self {
        Self { extra_hash: Some((original, ours)), ..self }
    }
}

const HEAD: &str = "# Gas

Whole transactions under Prague rules, in a steady state, median over rounds. Made and checked by
`cargo test -p dodona-bindings --test gas` (`GAS=write` writes it); `cargo xtask gas` prints it. \"Original\" is the
reference's bytecode in the same run.
";

pub fn markdown(sections: &[Section]) -> String {
    let mut page = HEAD.to_owned();
    for section in sections {
        let wide = section.rows.iter().any(|row| row.extra_hash.is_some());
        let (names, rule) =
            if wide { (" original, real extraHash | ours, real extraHash |", "---|---|") } else { ("", "") };
        let Section { title, method, .. } = section;
        write!(page, "\n## {title}\n\n{method}\n\n| | original | ours | goal |{names}\n|---|---|---|---|{rule}\n")
            .expect("a string");
        for row in &section.rows {
            let goal = row.goal.map_or_else(|| "-".into(), |goal| format!("≤ {}", number(Some(goal))));
            write!(page, "| {} | {} | {} | {goal} |", row.what, number(row.original), number(Some(row.ours)))
                .expect("a string");
            if wide {
                let (original, ours) = row.extra_hash.map_or((None, None), |(original, ours)| (original, Some(ours)));
                write!(page, " {} | {} |", number(original), number(ours)).expect("a string");
            }
            page.push('\n');
        }
    }
    page
}

/// Without the original at hand, its columns are those of the committed page.
pub fn take_over(mut section: Section, page: &str) -> Section {
    if section.with_original {
        return section;
    }
    let table = page.split("\n## ").find(|part| part.lines().next() == Some(section.title)).unwrap_or_default();
    for row in &mut section.rows {
        let line = table.lines().find(|line| line.starts_with(&format!("| {} |", row.what))).unwrap_or_default();
        let cell =
            |column| line.split('|').nth(column).and_then(|cell: &str| cell.trim().replace(',', "").parse().ok());
        row.original = cell(2);
        if let Some((original, _)) = &mut row.extra_hash {
            *original = cell(5);
        }
    }
    section
}

/// One line: `{"sections": [{"title", "method", "rows": [{"what", "original", "ours", "goal", "extra_hash"}]}]}`.
pub fn json(sections: &[Section]) -> Value {
    let row = |row: &Row| {
        let extra_hash = row.extra_hash.map(|(original, ours)| value!({ "original": original, "ours": ours }));
        value!({ "what": row.what, "original": row.original, "ours": row.ours, "goal": row.goal, "extra_hash": extra_hash })
    };
    let section = |section: &Section| {
        let rows: Vec<Value> = section.rows.iter().map(row).collect();
        value!({
            "title": section.title, "method": section.method, "original_measured_now": section.with_original, "rows": rows
        })
    };
    value!({ "sections": sections.iter().map(section).collect::<Vec<_>>() })
}

/// In groups of three digits.
fn number(value: Option<u64>) -> String {
    let Some(value) = value else { return "-".into() };
    let digits = value.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
