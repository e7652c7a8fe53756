use super::*;
use std::io::Write;
use zip::write::{SimpleFileOptions, ZipWriter};

fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn parts_are_read_by_name_in_natural_order() {
    let bytes = archive(&[("slide10.xml", b"ten"), ("slide2.xml", b"two")]);
    let mut archive = Archive::open(&bytes, &Bounds::default()).unwrap();
    assert_eq!(archive.names(), ["slide2.xml", "slide10.xml"]);
    assert_eq!(archive.text("slide2.xml").unwrap().as_deref(), Some("two"));
    assert_eq!(archive.text("other").unwrap(), None);
}

#[test]
fn bombs_are_stopped_by_ratio_and_by_size() {
    let bytes = archive(&[("bomb.xml", &vec![b' '; 8 << 20])]);
    assert!(bytes.len() < 20_000);
    let mut small = Archive::open(&bytes, &Bounds::default()).unwrap();
    assert!(small.text("bomb.xml").unwrap_err().message().contains("zip bomb"));
    let bounds = Bounds { expansion_ratio: u64::MAX, expanded_bytes: 1 << 20, ..Bounds::default() };
    assert!(Archive::open(&bytes, &bounds).unwrap().check().unwrap_err().message().contains("far too large"));
    let bounds = Bounds { expansion_ratio: u64::MAX, ..Bounds::default() };
    assert!(Archive::open(&bytes, &bounds).unwrap().check().is_ok());
}
