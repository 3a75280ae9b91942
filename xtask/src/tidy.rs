//! The shape of the tree, checked: who may name whom, which words are forbidden, which links lead nowhere.

use crate::run::{Failure, output, root, say};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Who may name whom (ARCHITECTURE.md, "Dependencies run one way"). `true`: stands above the line (no std).
const HOUSE: &[(&str, bool, &[&str])] = &[
    ("crypto", true, &[]),
    ("protobuf", true, &[]),
    ("machine", true, &["crypto"]),
    ("ocr", true, &["crypto", "machine", "protobuf"]),
    ("ocr2", true, &["crypto", "machine", "ocr", "protobuf"]),
    ("median", true, &["crypto", "machine", "ocr", "ocr2", "protobuf"]),
    ("p2p-proto", true, &["crypto", "machine", "protobuf"]),
    ("bindings", true, &[]),
    ("evm-proto", true, &["bindings", "crypto", "machine", "ocr"]),
    ("pipeline", true, &["crypto", "machine"]),
    ("liars", true, &["crypto", "machine", "ocr", "ocr2", "median"]),
    ("ports", false, &["machine"]),
    ("driver", false, &["machine", "ports"]),
    ("p2p", false, &["crypto", "machine", "p2p-proto", "protobuf"]),
    ("store", false, &["machine"]),
    ("devchain", false, &["crypto"]),
    ("evm", false, &["bindings", "crypto", "evm-proto", "machine", "ocr"]),
    ("fetch", false, &["machine", "pipeline"]),
    ("market", false, &["pipeline"]),
    ("conformance", false, &["crypto", "machine", "median", "ocr", "ocr2", "p2p", "p2p-proto", "protobuf"]),
    (
        "sim",
        false,
        &[
            "bindings",
            "crypto",
            "devchain",
            "evm-proto",
            "liars",
            "machine",
            "market",
            "median",
            "ocr",
            "ocr2",
            "p2p-proto",
        ],
    ),
    ("interop", false, &["*"]),
    ("bench", false, &["*"]),
    ("node", false, &["*"]),
];

/// Names that say nothing about what a file holds.
const VAGUE: &[&str] = &["common", "utils", "util", "helpers", "helper", "manager", "misc"];

/// Names of the crates above the line, for the bare-target build.
pub fn above_the_line() -> impl Iterator<Item = &'static str> {
    HOUSE.iter().filter(|(_, above, _)| *above).map(|(name, ..)| *name)
}

/// Checks everything and reports all faults at once.
pub fn run() -> Result<(), Failure> {
    let mut faults = Vec::new();
    edges(&mut faults)?;
    let files = output("git", &["ls-files", "--cached", "--others", "--exclude-standard"])?;
    let files: Vec<&str> = files.lines().filter(|file| root().join(file).is_file()).collect();
    names(&files, &mut faults);
    texts(&files, &mut faults);
    if faults.is_empty() {
        say(&format!("tidy: {} crates, {} files, nothing out of place\n", HOUSE.len(), files.len()));
        return Ok(());
    }
    Err(Failure(format!("tidy found {} faults:\n  {}", faults.len(), faults.join("\n  "))))
}

fn edges(faults: &mut Vec<String>) -> Result<(), Failure> {
    let metadata = output(env!("CARGO"), &["metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: Value =
        serde_json::from_str(&metadata).map_err(|error| Failure(format!("cargo metadata: {error}")))?;
    let allowed: BTreeMap<&str, &[&str]> = HOUSE.iter().map(|(name, _, edges)| (*name, *edges)).collect();
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let Some(name) = package["name"].as_str().and_then(|name| name.strip_prefix("dodona-")) else { continue };
        seen.insert(name.to_owned());
        let Some(edges) = allowed.get(name) else {
            faults.push(format!("crates/{name} is not in the table of the house (xtask/src/tidy.rs)"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            // A test may look at anything: only what ships must keep the order.
            if dependency["kind"] == "dev" {
                continue;
            }
            let Some(target) = dependency["name"].as_str().and_then(|name| name.strip_prefix("dodona-")) else {
                continue;
            };
            if !edges.contains(&"*") && !edges.contains(&target) {
                faults.push(format!("crates/{name} names {target}, which the table of the house does not allow"));
            }
        }
    }
    faults.extend(allowed.keys().filter(|name| !seen.contains(**name)).map(|name| format!("crates/{name} is missing")));
    for name in above_the_line() {
        let lib = fs::read_to_string(root().join(format!("crates/{name}/src/lib.rs"))).unwrap_or_default();
        if !lib.contains("#![no_std]") {
            faults.push(format!("crates/{name} stands above the line but does not say #![no_std]"));
        }
    }
    Ok(())
}

fn names(files: &[&str], faults: &mut Vec<String>) {
    for file in files {
        let vague = file.split(['/', '.']).find(|part| VAGUE.contains(part));
        if let Some(part) = vague {
            faults.push(format!("{file}: {part:?} does not say what is inside"));
        }
    }
}

fn texts(files: &[&str], faults: &mut Vec<String>) {
    // Spelled in pieces, so that this file is not its own fault.
    let private = [concat!("/wo", "rk/"), concat!("../sha", "red"), concat!(".lib", "rary/")];
    for file in files {
        let Ok(text) = fs::read_to_string(root().join(file)) else { continue };
        for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
            if let Some(word) = private.iter().find(|word| line.contains(**word)) {
                faults.push(format!("{file}:{number}: {word:?} exists on one machine only"));
            }
        }
        if file.ends_with(".md") {
            links(file, &text, faults);
        }
    }
}

fn links(file: &str, text: &str, faults: &mut Vec<String>) {
    let folder = root().join(file).parent().expect("a file lies in a folder").to_owned();
    for (index, line) in text.lines().enumerate() {
        for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains(':') && !folder.join(path).exists() {
                faults.push(format!("{file}:{}: link to {path}, which is not there", index + 1));
            }
        }
    }
}
