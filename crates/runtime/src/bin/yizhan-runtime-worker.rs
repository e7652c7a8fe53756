//! The worker as a program of its own, for this crate's tests and benchmarks. What is shipped is
//! `yizhan worker`, which calls the same function.

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let status = match arguments.as_slice() {
        [command, kind, limits] if command == yizhan_process::WORKER_COMMAND => {
            yizhan_runtime::worker_main(kind, limits)
        }
        _ => 2,
    };
    std::process::exit(status);
}
