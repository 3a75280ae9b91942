//! Every command that CI runs, and `tidy`.
fn main() {}
