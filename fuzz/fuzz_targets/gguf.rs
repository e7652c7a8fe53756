//! Model files: a damaged one is an error, never a panic nor a large allocation.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use yizhan_domain::ErrorCode;
use yizhan_encoder::Encoder;

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| yizhan_fuzz::folder());

fuzz_target!(|data: &[u8]| {
    let path = FOLDER.path().join("model.gguf");
    std::fs::write(&path, data).expect("a file in memory");
    match Encoder::open(&path) {
        Ok(encoder) => drop(encoder.token_ranges("驿站 is a station, 12!")),
        Err(error) => assert!(matches!(error.code(), ErrorCode::ModelUnavailable | ErrorCode::Io), "{error}"),
    }
});
