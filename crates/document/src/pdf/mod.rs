//! PDF to blocks: glyphs → runs → lines in reading order → paragraphs, headings, tables, code.
//!
//! It does not parse PDF itself: PDFium does, in the calling process. All places are in display
//! coordinates.

mod aligned;
mod block;
mod code;
mod column;
mod ffi;
mod frame;
mod glyph;
mod grid;
mod heading;
mod hyphen;
mod layout;
mod library;
mod line;
mod margin;
mod outline;
mod page;
mod ruling;
mod run;

use crate::fault::{missing_tool, unreadable};
use crate::parsed::Parsed;
use crate::tools::Tools;
use block::Builder;
use glyph::Styles;
use heading::Headings;
use hyphen::Hyphens;
use library::{Document, with_pdfium};
use margin::PageItems;
use yizhan_domain::Result;

/// Where a PDF ends: its last bytes name the cross-reference table. Some append rubbish after it.
const TAIL: usize = 64 << 10;

/// Reads a PDF through PDFium.
pub(crate) fn parse(bytes: &[u8], tools: &Tools) -> Result<Parsed> {
    let Some(path) = &tools.pdfium else {
        return Err(missing_tool(
            "PDFs are read through PDFium, which is not installed; pull it with `yizhan model pull pdfium`.",
        ));
    };
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    let ends = [&b"startxref"[..], b"%%EOF"].iter().any(|mark| tail.windows(mark.len()).any(|window| window == *mark));
    if !ends {
        return Err(unreadable("the file is cut off: the end of the PDF is missing."));
    }
    with_pdfium(path, |pdfium| read(&pdfium.open(bytes)?, tools))
}

fn read(document: &Document<'_>, tools: &Tools) -> Result<Parsed> {
    let pages = document.page_count();
    if pages == 0 {
        return Err(unreadable("it has no pages: the file is damaged or cut off."));
    }
    if pages > tools.bounds.pages {
        return Err(unreadable(format!("it has {pages} pages; the limit is {}. Split it.", tools.bounds.pages)));
    }
    let mut parsed = Parsed { title: document.information(c"Title"), pages: Some(pages), ..Parsed::default() };
    let mut styles = Styles::default();
    let mut texts: Vec<PageItems> = Vec::new();
    for index in 0..pages {
        match document.page(index) {
            Ok(mut page) => texts.extend(page::items(&mut page, index + 1, &mut styles)),
            Err(error) => parsed.warnings.push(error.message().to_owned()),
        }
    }
    margin::mark(&mut texts);
    let headings = Headings::new(&texts, document.outline());
    let hyphens = Hyphens::new(&texts);
    let mut builder = Builder::new(&headings, &hyphens);
    texts.into_iter().for_each(|page| builder.page(page));
    parsed.blocks = builder.finish();
    Ok(parsed)
}
