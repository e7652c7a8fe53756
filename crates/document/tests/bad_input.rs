//! Files that nobody can read: each is refused with its name and a reason, and none panics.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{check_lines, sample, testdata, tools};
use proptest::prelude::*;
use yizhan_document::{Bounds, Tools, parse};
use yizhan_domain::ErrorCode;

fn reason(name: &str, bytes: &[u8], tools: &Tools) -> String {
    let error = parse(name, bytes, tools).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnreadableDocument, "{error}");
    assert!(error.message().starts_with(name), "{error}");
    error.message().to_owned()
}

const SAMPLES: [&str; 7] = [
    "returns-policy.docx",
    "product-overview.pptx",
    "price-list.xlsx",
    "dosage-leaflet.html",
    "safety-notice.txt",
    "spare-parts.csv",
    "maintenance-manual.md",
];

#[test]
fn empty_files_are_refused() {
    for name in ["a.pdf", "a.docx", "a.txt", "a.png", "a.unknown"] {
        assert!(reason(name, b"", &Tools::default()).contains("empty"));
        assert!(reason(name, b" \n\t\0", &Tools::default()).contains("empty"));
    }
}

#[test]
fn truncated_office_files_are_refused() {
    for name in &SAMPLES[..3] {
        let bytes = sample(name);
        assert!(reason(name, &bytes[..bytes.len() / 2], &Tools::default()).contains("cut or broken"));
    }
}

#[test]
fn a_zip_bomb_is_refused() {
    assert!(reason("bomb.docx", &testdata("bomb.docx"), &Tools::default()).contains("zip bomb"));
    assert!(reason("bomb.xlsx", &testdata("bomb.xlsx"), &Tools::default()).contains("zip bomb"));
}

#[test]
fn an_entity_bomb_expands_to_nothing() {
    let error = parse("entities.docx", &testdata("entities.docx"), &Tools::default());
    let text = error.map(|parsed| common::text(&parsed)).unwrap_or_default();
    assert!(text.len() < 1000, "{} bytes", text.len());
}

#[test]
fn broken_pdfs_say_what_is_wrong() {
    let tools = tools();
    let good = sample("field-report.pdf");
    assert!(reason("cut.pdf", &good[..good.len() / 2], &tools).contains("cut off"));
    assert!(reason("locked.pdf", &testdata("encrypted.pdf"), &tools).contains("encrypted"));
    assert!(reason("junk.pdf", b"%PDF-1.7\nnothing\nstartxref\n0\n%%EOF", &tools).contains("damaged"));
    let few = Tools { bounds: Bounds { pages: 0, ..Bounds::default() }, ..tools };
    assert!(reason("long.pdf", &good, &few).contains("the limit is 0"));
}

#[test]
fn bounds_on_size_hold() {
    let small = |bounds| Tools { bounds, ..Tools::default() };
    let tools = small(Bounds { file_bytes: 10, ..Bounds::default() });
    assert!(reason("big.txt", b"more than ten bytes", &tools).contains("larger"));
    let tools = small(Bounds { text_bytes: 10, ..Bounds::default() });
    assert!(reason("long.txt", b"more than ten bytes", &tools).contains("longer"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Random bytes under any name are read or refused.
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), name in "[a-z]\\.(docx|pptx|xlsx|xls|csv|html|md|txt|png|jpg)") {
        if let Ok(parsed) = parse(&name, &bytes, &Tools::default()) {
            check_lines(&parsed);
        }
    }

    /// Random text under any textual name is read or refused.
    #[test]
    fn random_text_never_panics(text in "(\\PC|[<>|#*`\\-\n\"',;/=&{}] ?|<[a-z]{1,8}>|</[a-z]{1,8}>){0,300}", name in "[a-z]\\.(csv|html|md|txt)") {
        if let Ok(parsed) = parse(&name, text.as_bytes(), &Tools::default()) {
            check_lines(&parsed);
        }
    }

    /// A good file with some bytes changed, or cut, is read or refused.
    #[test]
    fn mutated_files_never_panic(which in 0..SAMPLES.len(), changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20), keep in 0.5f64..1.5) {
        let mut bytes = sample(SAMPLES[which]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate((bytes.len() as f64 * keep) as usize);
        if let Ok(parsed) = parse(SAMPLES[which], &bytes, &Tools::default()) {
            check_lines(&parsed);
        }
    }

    /// The parts inside a container, which its checksums guard against the mutations above.
    #[test]
    fn mutated_parts_never_panic(which in 0usize..3, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let bytes = repack(&sample(SAMPLES[which]), &changes);
        if let Ok(parsed) = parse(SAMPLES[which], &bytes, &Tools::default()) {
            check_lines(&parsed);
        }
    }
}

/// The container with bytes of its XML parts changed and its checksums made right again.
fn repack(bytes: &[u8], changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    use std::io::{Cursor, Read, Write};
    let mut old = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut new = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..old.len() {
        let mut part = old.by_index(index).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut data = Vec::new();
        part.read_to_end(&mut data).unwrap();
        if name.contains("document.xml") || name.contains("slide1.xml") || name.contains("sheet1.xml") {
            for (at, value) in changes {
                let at = at.index(data.len());
                data[at] = *value;
            }
        }
        new.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        new.write_all(&data).unwrap();
    }
    new.finish().unwrap().into_inner()
}
