//! The whole outside world on one page: the traits a host must provide.
