//! Gas of whole transactions, as in a receipt: Prague rules, steady state, median over rounds, everything configured.
//!
//! The tables are committed as `contracts/docs/Gas.md`; this test fails when a number changes, so that a change is seen in
//! review, and when a goal is missed. `GAS=write` writes them anew, `GAS=json` prints them for `cargo xtask gas`. The columns
//! of the original are measured in the same run if `contracts/tools/reference.mjs` has fetched its bytecode, and then have to
//! be the committed ones too.
//!
//! A contract adds its rows with a file of its own here: a function that gives a [`Section`], and a line in [`SECTIONS`].
#![allow(clippy::print_stdout)]

#[path = "../chain/mod.rs"]
mod chain;
mod configuration_store;
mod feed;
mod feed_proxy;
mod ocr2_aggregator;
mod ocr3_verifier;
mod offchain_aggregator;
mod table;
mod threshold;

use std::{env, fs, path::PathBuf};
use table::{Section, json, markdown, take_over};

/// In the order of the page.
const SECTIONS: &[fn() -> Section] = &[
    ocr2_aggregator::section,
    offchain_aggregator::section,
    threshold::section,
    ocr3_verifier::section,
    configuration_store::section,
    feed_proxy::section,
];

#[test]
fn gas_is_what_the_committed_table_says_and_meets_the_goals() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/docs/Gas.md");
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let sections: Vec<Section> =
        SECTIONS.iter().map(|measure| measure()).map(|section| take_over(section, &committed)).collect();
    let table = markdown(&sections);
    match env::var("GAS").as_deref() {
        Ok("json") => println!("{}", json(&sections)),
        Ok("write") => fs::write(&path, &table).expect("the table can be written"),
        _ => {
            println!("{table}");
            assert_eq!(committed, table, "gas has changed: look at it, then run with GAS=write");
        }
    }
    for row in sections.iter().flat_map(|section| &section.rows) {
        assert!(row.goal.is_none_or(|goal| row.ours <= goal), "{}: {} is more than {:?}", row.what, row.ours, row.goal);
    }
}
