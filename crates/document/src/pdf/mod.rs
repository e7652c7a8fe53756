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
use crate::parsed::{Block, Parsed};
use crate::tools::Tools;
use crate::{ocr, picture};
use block::Builder;
use glyph::Styles;
use heading::Headings;
use hyphen::Hyphens;
use library::{Document, Page, with_pdfium};
use outline::Outline;
use yizhan_domain::{ErrorCode, Result};

pub(crate) use margin::PageItems;
pub(crate) use run::Run;

/// Where a PDF ends: its last bytes name the cross-reference table. Some append rubbish after it.
const TAIL: usize = 64 << 10;

/// Reads a PDF through PDFium; calls `progress` after each page.
pub(crate) fn parse(bytes: &[u8], tools: &Tools, progress: &dyn Fn()) -> Result<Parsed> {
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
    with_pdfium(path, |pdfium| read(&pdfium.open(bytes)?, tools, progress))
}

fn read(document: &Document<'_>, tools: &Tools, progress: &dyn Fn()) -> Result<Parsed> {
    let pages = document.page_count();
    if pages == 0 {
        return Err(unreadable("it has no pages: the file is damaged or cut off."));
    }
    if pages > tools.bounds.pages {
        return Err(unreadable(format!("it has {pages} pages; the limit is {}. Split it.", tools.bounds.pages)));
    }
    let mut parsed = Parsed {
        title: document.information(c"Title").filter(|title| title != "untitled"),
        pages: Some(pages),
        ..Parsed::default()
    };
    let mut reader = Reader { tools, styles: Styles::default(), blank: Vec::new(), scanned: 0 };
    let mut texts: Vec<PageItems> = Vec::new();
    for index in 0..pages {
        progress();
        match document.page(index).and_then(|mut page| reader.page(&mut page, index + 1)) {
            Ok(items) => texts.extend(items),
            Err(error) if error.code() == ErrorCode::ModelUnavailable => return Err(error),
            Err(error) => parsed.warnings.push(format!("page {}: {}", index + 1, error.message())),
        }
    }
    parsed.warnings.extend(reader.warning());
    parsed.blocks = blocks_of(texts, document.outline());
    Ok(parsed)
}

/// Reads page after page, by OCR where there is no text.
struct Reader<'a> {
    tools: &'a Tools,
    styles: Styles,
    /// Pages without text that were not read.
    blank: Vec<u32>,
    scanned: u32,
}

impl Reader<'_> {
    fn page(&mut self, page: &mut Page<'_>, number: u32) -> Result<Option<PageItems>> {
        if let Some(items) = page::items(page, number, &mut self.styles) {
            return Ok(Some(items));
        }
        if page.is_empty() {
            return Ok(None);
        }
        let Some(models) = self.tools.ocr.as_ref().filter(|_| self.scanned < self.tools.bounds.ocr_pages) else {
            self.blank.push(number);
            return Ok(None);
        };
        self.scanned += 1;
        let (image, scale) = page.picture()?;
        picture::items(&*ocr::engine(models)?, &image, number, scale).map(Some)
    }

    fn warning(&self) -> Option<String> {
        let first = self.blank.first()?;
        let reason = match self.tools.ocr {
            None => "the OCR models are not installed; pull them with `yizhan model pull ocr`".to_owned(),
            Some(_) => format!("at most {} pages are read by OCR", self.tools.bounds.ocr_pages),
        };
        Some(format!("{} pages from page {first} on have no text and were not read: {reason}", self.blank.len()))
    }
}

/// Blocks of pages that no bookmarks describe.
pub(crate) fn blocks(pages: Vec<PageItems>) -> Vec<Block> {
    blocks_of(pages, Outline::default())
}

/// Runs of a page that is no PDF's, in reading order.
pub(crate) fn layout(runs: Vec<Run>, tables: Vec<layout::Ruled>, page: u32) -> Vec<layout::Item> {
    layout::layout(runs, tables, page)
}

fn blocks_of(mut pages: Vec<PageItems>, outline: Outline) -> Vec<Block> {
    margin::mark(&mut pages);
    let headings = Headings::new(&pages, outline);
    let hyphens = Hyphens::new(&pages);
    let mut builder = Builder::new(&headings, &hyphens);
    pages.into_iter().for_each(|page| builder.page(page));
    builder.finish()
}
