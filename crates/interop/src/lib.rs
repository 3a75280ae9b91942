//! Our oracles against foreign contracts, foreign vectors, foreign nodes.
