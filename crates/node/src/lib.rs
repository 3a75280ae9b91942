//! The binary: jobs, keystore, API, dashboard, and the wiring.
