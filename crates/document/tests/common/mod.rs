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

/// PDFium and the OCR models from `YIZHAN_TEST_PDFIUM` (the library) and `YIZHAN_TEST_OCR` (the
/// folder of the models), which `make test` sets. Without them the tests that need them say so.
pub(crate) fn tools() -> Tools {
    #[allow(clippy::disallowed_methods, reason = "tests have no configuration")]
    let place = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.exists());
    let ocr = place("YIZHAN_TEST_OCR").map(|folder| OcrModels {
        detection: folder.join("PP-OCRv6_det_small.rten"),
        recognition: folder.join("PP-OCRv6_rec_small.rten"),
        alphabet: folder.join("ppocrv6_dict.txt"),
    });
    Tools { pdfium: place("YIZHAN_TEST_PDFIUM"), ocr, ..Tools::default() }
}

/// Whether PDFium is there; says so when it is not.
pub(crate) fn has_pdfium(tools: &Tools) -> bool {
    if tools.pdfium.is_none() {
        eprintln!("skipped: set YIZHAN_TEST_PDFIUM to libpdfium.so");
    }
    tools.pdfium.is_some()
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
