//! Parses one file and prints it as JSON, or acts as the parser worker. For benchmarks and this
//! crate's own tests; users have `yizhan`.
//!
//! ```text
//! yizhan-parse FILE TOOLS_JSON     in this process
//! yizhan-parse worker parse LIMITS the worker that `yizhan_document::Parser` starts
//! ```

#![allow(clippy::print_stdout, reason = "printing is its purpose")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["worker", yizhan_document::WORKER_KIND, limits] => {
            ExitCode::from(u8::try_from(yizhan_document::worker_main(limits)).unwrap_or(1))
        }
        [file, tools] => match parse(file, tools) {
            Ok(json) => {
                println!("{json}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("usage: yizhan-parse FILE TOOLS_JSON");
            ExitCode::from(2)
        }
    }
}

fn parse(file: &str, tools: &str) -> Result<String, Box<dyn std::error::Error>> {
    let bytes = std::fs::read(file)?;
    let name = std::path::Path::new(file).file_name().unwrap_or_default().to_string_lossy();
    let parsed = yizhan_document::parse(&name, &bytes, &serde_json::from_str(tools)?)?;
    Ok(serde_json::to_string(&parsed)?)
}
