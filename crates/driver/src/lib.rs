//! Runs a machine against ports; the only place with a select loop.
