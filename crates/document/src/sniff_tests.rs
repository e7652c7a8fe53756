use super::*;

fn format(name: &str, bytes: &[u8]) -> Format {
    sniff(name, bytes).unwrap().0
}

fn reason(name: &str, bytes: &[u8]) -> String {
    sniff(name, bytes).unwrap_err().message().to_owned()
}

#[test]
fn content_wins_over_the_name() {
    let (format, warning) = sniff("notes.txt", b"%PDF-1.7\n").unwrap();
    assert_eq!(format, Format::Pdf);
    assert!(warning.unwrap().contains("is a PDF"));
    assert_eq!(sniff("a.pdf", b"%PDF-1.7\n").unwrap().1, None);
}

#[test]
fn the_name_chooses_among_texts() {
    assert_eq!(format("a.md", b"# x"), Format::Markdown);
    assert_eq!(format("a.csv", b"a,b"), Format::Csv);
    assert_eq!(format("README", b"hello"), Format::Text);
    assert_eq!(format("page", b"\n<!DOCTYPE html><p>"), Format::Html);
    assert_eq!(format("page.htm", b"<p>x"), Format::Html);
}

#[test]
fn wrong_names_and_foreign_files_say_so() {
    assert!(reason("a.pdf", b"just words").contains("plain text"));
    assert!(reason("a.docx", b"\x01\x02\x00\x03").contains("something else"));
    assert!(reason("a.txt", b"\x7fELF\x02\x01").contains("program"));
    assert!(reason("a.txt", b"").contains("empty"));
    assert!(reason("a.docx", b"PK\x03\x04 cut").contains("cut or broken"));
}
