//! TCP and TLS for p2p-proto: moves bytes between named peers and knows no oracle.
