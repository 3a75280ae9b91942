//! Runs vector files of the reference through the production code.
