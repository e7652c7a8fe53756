//! What a file really is: by its content first, by its name where the content leaves a choice.
//!
//! It does not parse anything beyond the first bytes and a zip's directory.

use crate::fault::{damaged, unreadable};
use std::io::Cursor;
use yizhan_domain::Result;

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Pdf,
    Docx,
    Pptx,
    Workbook,
    Image,
    Html,
    Markdown,
    Csv,
    Text,
}

/// The format of `bytes`, with a warning where the name promises something else.
pub(crate) fn sniff(name: &str, bytes: &[u8]) -> Result<(Format, Option<String>)> {
    if bytes.iter().all(|&byte| matches!(byte, 0 | b' ' | b'\t' | b'\r' | b'\n')) {
        return Err(unreadable("the file is empty."));
    }
    let promised = by_extension(name);
    let found = by_content(bytes)?;
    let format = match (found, promised) {
        (Some(found), _) => found,
        (None, Some(format @ (Format::Html | Format::Markdown | Format::Csv | Format::Text))) => format,
        (None, None) => Format::Text,
        (None, Some(format)) => {
            let what = describe(format);
            let reason = if is_probably_text(bytes) {
                format!("it is named like {what} but holds plain text; give it its right name.")
            } else {
                format!("it is named like {what} but its content is something else or damaged from its start.")
            };
            return Err(unreadable(reason));
        }
    };
    let warning = promised
        .filter(|&promised| promised != format && !(promised == Format::Text && format == Format::Html))
        .map(|promised| format!("named like {} but is {}; read as that", describe(promised), describe(format)));
    Ok((format, warning))
}

fn by_extension(name: &str) -> Option<Format> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "pdf" => Format::Pdf,
        "docx" | "docm" | "dotx" | "doc" => Format::Docx,
        "pptx" | "pptm" | "ppsx" | "ppt" => Format::Pptx,
        "xlsx" | "xlsm" | "xlsb" | "xls" | "ods" => Format::Workbook,
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "bmp" | "tif" | "tiff" => Format::Image,
        "html" | "htm" | "xhtml" => Format::Html,
        "md" | "markdown" | "mdx" => Format::Markdown,
        "csv" | "tsv" => Format::Csv,
        "txt" | "text" | "log" => Format::Text,
        _ => return None,
    })
}

fn by_content(bytes: &[u8]) -> Result<Option<Format>> {
    const IMAGES: [&[u8]; 8] =
        [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"RIFF"];
    let head = &bytes[..bytes.len().min(1024)];
    if find(head, b"%PDF-").is_some() {
        return Ok(Some(Format::Pdf));
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return office(bytes).map(Some);
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return compound(bytes).map(Some);
    }
    if let Some(magic) = IMAGES.iter().find(|magic| head.starts_with(magic)) {
        let real = match *magic {
            b"RIFF" => head.get(8..12) == Some(b"WEBP"),
            // Two letters are a weak sign: the header's reserved bytes must be zero too.
            b"BM" => head.get(6..10) == Some(&[0; 4]),
            _ => true,
        };
        if real {
            return Ok(Some(Format::Image));
        }
    }
    if let Some(kind) = foreign(head) {
        return Err(unreadable(format!("it is {kind}, which is not a document.")));
    }
    Ok(is_html(head).then_some(Format::Html))
}

/// Containers and programs that are never documents.
fn foreign(head: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 8] = [
        (b"\x7fELF", "a program"),
        (b"MZ\x90", "a program"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"Rar!", "a RAR archive"),
        (b"7z\xbc\xaf", "a 7z archive"),
        (b"\xfd7zXZ", "an xz archive"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive"),
        (b"SQLite format 3", "a database"),
    ];
    KINDS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind)
}

fn is_html(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let text =
        if text.starts_with("<?xml") { text.split_once("?>").map_or("", |(_, rest)| rest).trim_start() } else { text };
    ["<!doctype html", "<html"].iter().any(|start| text.starts_with(start))
}

/// Which office format a zip is, by the names of its parts.
fn office(bytes: &[u8]) -> Result<Format> {
    let archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| damaged("its zip container is cut or broken", error))?;
    let has = |prefix: &str| archive.file_names().flatten().any(|name| name.starts_with(prefix));
    if has("word/document") {
        Ok(Format::Docx)
    } else if has("ppt/presentation") {
        Ok(Format::Pptx)
    } else if has("xl/workbook") || (has("content.xml") && has("mimetype") && !has("word/")) {
        Ok(Format::Workbook)
    } else {
        Err(unreadable("it is a zip archive, not an office document; unpack it and add the files in it."))
    }
}

/// Old binary office files, and new ones under a password, share one container.
fn compound(bytes: &[u8]) -> Result<Format> {
    let has = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        find(bytes, &wide).is_some()
    };
    if has("EncryptedPackage") {
        Err(unreadable("it is encrypted; save it without a password and add it again."))
    } else if has("Workbook") || has("Book") {
        Ok(Format::Workbook)
    } else if has("WordDocument") {
        Err(unreadable("it is in Word's old binary format; save it as .docx and add that."))
    } else if has("PowerPoint Document") {
        Err(unreadable("it is in PowerPoint's old binary format; save it as .pptx and add that."))
    } else {
        Err(unreadable("it is an old binary container of an unknown kind."))
    }
}

fn describe(format: Format) -> &'static str {
    match format {
        Format::Pdf => "a PDF",
        Format::Docx => "a Word document",
        Format::Pptx => "a PowerPoint presentation",
        Format::Workbook => "a spreadsheet",
        Format::Image => "an image",
        Format::Html => "a web page",
        Format::Markdown => "Markdown",
        Format::Csv => "a CSV table",
        Format::Text => "plain text",
    }
}

fn is_probably_text(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(64 << 10)];
    let controls = sample.iter().filter(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()).count();
    controls * 100 < sample.len() && crate::decode::decode(sample, None).is_ok()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
#[path = "sniff_tests.rs"]
mod tests;
