//! Starts `dodona`; everything else lives in the library.

fn main() -> std::process::ExitCode {
    node::cli::main()
}
