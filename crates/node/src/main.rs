//! Starts the node; everything else lives in the library.
fn main() {}
