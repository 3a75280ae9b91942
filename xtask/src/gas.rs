//! What the contracts cost, ours beside the original, measured in one run.

use crate::run::{Failure, output, program, root, say};
use serde_json::Value;
use std::process::{Command, Stdio};

/// Prints the table, or with `--json` the measurements.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let json = match arguments {
        [] => false,
        [flag] if flag == "--json" => true,
        _ => return Err(Failure("usage: cargo xtask gas [--json]".into())),
    };
    reference()?;
    let mut command = Command::new(env!("CARGO"));
    // One test alone: the dots of others would stand in its line.
    command.args(["test", "-p", "dodona-bindings", "--test", "gas", "--"]);
    command.args(["gas_is_what_the_committed_table_says_and_meets_the_goals", "--exact", "--quiet", "--nocapture"]);
    let output = command.env("GAS", "json").current_dir(root()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| Failure(format!("cargo could not be started: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let measured = text.lines().find_map(|line| serde_json::from_str::<Value>(line.trim()).ok());
    let Some(measured) = measured.filter(Value::is_object) else {
        return Err(Failure(format!("nothing was measured:\n{text}")));
    };
    if json {
        say(&format!("{measured}\n"));
    } else {
        say(&table(&measured));
    }
    if output.status.success() { Ok(()) } else { Err(Failure("a goal is missed".into())) }
}

/// Fetches the reference's bytecode if it is not there yet and Go is; without Go its columns are the committed ones.
pub fn reference() -> Result<(), Failure> {
    let there = root().join("contracts/cache/reference/OCR2Aggregator.json").is_file();
    if !there && output("go", &["version"]).is_ok() {
        program("contracts", "node", &["tools/reference.mjs"])?;
    }
    Ok(())
}

fn table(measured: &Value) -> String {
    let number = |value: &Value| value.as_u64().map_or_else(|| "-".to_owned(), |gas| gas.to_string());
    let mut text = String::new();
    for section in measured["sections"].as_array().into_iter().flatten() {
        let taken_over = if section["original_measured_now"] == true { "" } else { " (original: as committed)" };
        text += &format!(
            "{}{taken_over}\n{:<52}{:>11}{:>11}{:>8}{:>11}{:>25}\n",
            section["title"].as_str().unwrap_or_default(),
            "",
            "original",
            "ours",
            "change",
            "goal",
            "with a real extraHash",
        );
        for row in section["rows"].as_array().into_iter().flatten() {
            let change = match (row["original"].as_f64(), row["ours"].as_f64()) {
                (Some(original), Some(ours)) => format!("{:+.1}%", 100.0 * (ours - original) / original),
                (None, _) | (_, None) => "-".to_owned(),
            };
            let extra = &row["extra_hash"];
            text += &format!(
                "  {:<50}{:>11}{:>11}{change:>8}{:>11}{:>13}{:>12}\n",
                row["what"].as_str().unwrap_or_default().replace('`', ""),
                number(&row["original"]),
                number(&row["ours"]),
                number(&row["goal"]),
                number(&extra["original"]),
                number(&extra["ours"]),
            );
        }
        text.push('\n');
    }
    text
}
