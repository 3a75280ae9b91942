//! A market server: replays recorded prices as exchange-like HTTP endpoints.
