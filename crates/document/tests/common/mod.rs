//! What the tests share: the sample documents, and the tools where this machine has them.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::{Path, PathBuf};
use yizhan_document::{BlockKind, OcrModels, Parsed, Tools};

/// A sample document of the demo.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/samples");
    std::fs::read(folder.join(name)).unwrap()
}

/// A file of this crate's own test data.
pub(crate) fn testdata(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)).unwrap()
}

/// PDFium and the OCR models from the cache of models, where `make test` pulls them.
pub(crate) fn tools() -> Tools {
    let place = |path: &str| {
        let path = cache().join(path);
        assert!(path.exists(), "{} is missing: run `make test`, which pulls it", path.display());
        path
    };
    let ocr = OcrModels {
        detection: place("models/pp-ocrv6-small/detection.rten"),
        recognition: place("models/pp-ocrv6-small/recognition.rten"),
        alphabet: place("models/pp-ocrv6-small/dictionary.txt"),
    };
    Tools { pdfium: Some(place("lib/pdfium/libpdfium.so")), ocr: Some(ocr), ..Tools::default() }
}

#[allow(clippy::disallowed_methods, reason = "tests have no configuration")]
fn cache() -> PathBuf {
    let named = std::env::var_os("YIZHAN_CACHE").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/yizhan"))
}

/// All text, a block a line.
pub(crate) fn text(parsed: &Parsed) -> String {
    parsed.blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// The headings with their levels.
pub(crate) fn headings(parsed: &Parsed) -> Vec<(u8, String)> {
    let heading = |block: &yizhan_document::Block| match block.kind {
        BlockKind::Heading { level } => Some((level, block.text.clone())),
        _ => None,
    };
    parsed.blocks.iter().filter_map(heading).collect()
}

/// Every line's range must lie in its block's text, in order, on characters' boundaries.
pub(crate) fn check_lines(parsed: &Parsed) {
    for block in &parsed.blocks {
        let mut last = 0;
        assert!(!block.lines.is_empty(), "{block:?}");
        for line in &block.lines {
            assert!(line.start >= last && line.start < line.end, "{block:?}");
            assert!(block.text.get(line.start as usize..line.end as usize).is_some(), "{block:?}");
            last = line.end;
        }
    }
}
