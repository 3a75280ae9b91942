//! HTTP sources and bridges to external adapters.
