//! A whole network in one thread and one seed: faults, liars, checks, replay.
