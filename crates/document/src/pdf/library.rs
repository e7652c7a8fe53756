//! PDFium behind safe types: library, document, page.
//!
//! It does not know what text means; it hands out glyphs, rulings, bookmarks and pictures of
//! pages, in display coordinates: points, origin top left, y downwards, page rotation applied.

use super::ffi::{Functions, Handle, RectF};
use super::frame::Frame;
use crate::fault::{missing_tool, unreadable};
use image::RgbImage;
use parking_lot::Mutex;
use std::ffi::{CStr, c_int, c_ulong, c_void};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use yizhan_domain::Result;

/// The loaded library. PDFium is not thread-safe: whoever works with it holds this lock.
static PDFIUM: Mutex<Option<Pdfium>> = Mutex::new(None);

/// An initialised PDFium.
pub(super) struct Pdfium {
    path: PathBuf,
    functions: Functions,
}

/// Runs `work` with the library at `path`, alone in this process.
pub(super) fn with_pdfium<T>(path: &Path, work: impl FnOnce(&Pdfium) -> Result<T>) -> Result<T> {
    let mut slot = PDFIUM.lock();
    if slot.as_ref().is_none_or(|pdfium| pdfium.path != path) {
        let functions = Functions::load(path).map_err(|error| {
            missing_tool(format!("PDFium cannot be loaded from {}: {error}. Pull it again.", path.display()))
        })?;
        // SAFETY: called once for a library that was just loaded, under the lock.
        unsafe { (functions.FPDF_InitLibrary)() };
        let fresh = Pdfium { path: path.to_owned(), functions };
        // An initialised PDFium must not be unloaded.
        std::mem::forget(slot.replace(fresh));
    }
    match slot.as_ref() {
        Some(pdfium) => work(pdfium),
        None => Err(missing_tool("PDFium is not loaded.")),
    }
}

/// An open document.
pub(super) struct Document<'a> {
    pub(super) f: &'a Functions,
    pub(super) handle: Handle,
    /// PDFium reads from the caller's bytes as long as the document is open.
    _bytes: PhantomData<&'a [u8]>,
}

impl Pdfium {
    /// Opens a document; says why it cannot be opened.
    pub(super) fn open<'a>(&'a self, bytes: &'a [u8]) -> Result<Document<'a>> {
        const PASSWORD: c_ulong = 4;
        const SECURITY: c_ulong = 5;
        let f = &self.functions;
        // SAFETY: the bytes outlive the document by its lifetime; no password is a null pointer.
        let handle = unsafe { (f.FPDF_LoadMemDocument64)(bytes.as_ptr().cast(), bytes.len(), std::ptr::null()) };
        if !handle.is_null() {
            return Ok(Document { f, handle, _bytes: PhantomData });
        }
        // SAFETY: no arguments; reads the code of the call above.
        Err(match unsafe { (f.FPDF_GetLastError)() } {
            PASSWORD => unreadable("it is encrypted; save it without a password and add it again."),
            SECURITY => unreadable("it is encrypted in a way that cannot be read; save it without protection."),
            _ => unreadable("it is not a valid PDF: the file is damaged or cut off."),
        })
    }
}

impl Drop for Document<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and pages borrow the document.
        unsafe { (self.f.FPDF_CloseDocument)(self.handle) };
    }
}

impl<'a> Document<'a> {
    /// Number of pages.
    pub(super) fn page_count(&self) -> u32 {
        // SAFETY: the document is open.
        u32::try_from(unsafe { (self.f.FPDF_GetPageCount)(self.handle) }).unwrap_or(0)
    }

    /// A text of the document information, e.g. `Title`; none when absent or blank.
    pub(super) fn information(&self, tag: &CStr) -> Option<String> {
        let text = wide_text(|buffer, length| {
            // SAFETY: the buffer holds `length` bytes.
            unsafe { (self.f.FPDF_GetMetaText)(self.handle, tag.as_ptr(), buffer, length) }
        });
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Opens the page with this index (from 0).
    pub(super) fn page(&self, index: u32) -> Result<Page<'_>> {
        let broken = || unreadable(format!("page {} is damaged.", index + 1));
        let f = self.f;
        let number = c_int::try_from(index).map_err(|_| broken())?;
        // SAFETY: the document is open.
        let handle = unsafe { (f.FPDF_LoadPage)(self.handle, number) };
        if handle.is_null() {
            return Err(broken());
        }
        let mut rect = RectF::default();
        // SAFETY: the page is open and `rect` is writable.
        let rotation = unsafe {
            (f.FPDF_GetPageBoundingBox)(handle, &mut rect);
            (f.FPDFPage_GetRotation)(handle)
        };
        // SAFETY: the page is open.
        let text = unsafe { (f.FPDFText_LoadPage)(handle) };
        let frame = Frame::new([rect.left, rect.bottom, rect.right, rect.top], rotation);
        Ok(Page { f, handle, text, frame, _document: PhantomData })
    }
}

/// An open page.
pub(super) struct Page<'d> {
    pub(super) f: &'d Functions,
    pub(super) handle: Handle,
    /// PDFium's text page; null when it could not be made.
    pub(super) text: Handle,
    /// From the page's coordinates to display coordinates.
    pub(super) frame: Frame,
    _document: PhantomData<&'d ()>,
}

/// Resolution of the picture that OCR gets, in pixels per inch.
const OCR_RESOLUTION: f32 = 200.0;
/// And its longest side, in pixels.
const OCR_LONGEST: f32 = 4000.0;

impl Page<'_> {
    /// Whether nothing is drawn on it.
    pub(super) fn is_empty(&self) -> bool {
        // SAFETY: the page is open.
        unsafe { (self.f.FPDFPage_CountObjects)(self.handle) <= 0 }
    }

    /// The page as a picture on white, and how many points a pixel of it is.
    pub(super) fn picture(&self) -> Result<(RgbImage, f32)> {
        const BGR: c_int = 2;
        let f = self.f;
        let (width, height) = self.frame.size();
        let longest = width.max(height);
        if !(1.0..=20_000.0).contains(&longest) {
            return Err(unreadable(format!("the page measures {width} × {height} points.")));
        }
        let scale = (OCR_RESOLUTION / 72.0).min(OCR_LONGEST / longest);
        let (columns, rows) = ((width * scale).ceil().max(1.0) as c_int, (height * scale).ceil().max(1.0) as c_int);
        let stride = columns * 3;
        let mut data = vec![255u8; stride as usize * rows as usize];
        // SAFETY: the buffer holds `rows` lines of `stride` bytes and outlives the bitmap.
        unsafe {
            let bitmap = (f.FPDFBitmap_CreateEx)(columns, rows, BGR, data.as_mut_ptr().cast(), stride);
            if bitmap.is_null() {
                return Err(unreadable("the page cannot be drawn."));
            }
            (f.FPDF_RenderPageBitmap)(bitmap, self.handle, 0, 0, columns, rows, 0, 0);
            (f.FPDFBitmap_Destroy)(bitmap);
        }
        data.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
        let image = RgbImage::from_raw(columns as u32, rows as u32, data);
        image.map(|image| (image, 1.0 / scale)).ok_or_else(|| unreadable("the page cannot be drawn."))
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        // SAFETY: both are open or null, which PDFium accepts; text before its page.
        unsafe {
            (self.f.FPDFText_ClosePage)(self.text);
            (self.f.FPDF_ClosePage)(self.handle);
        }
    }
}

/// Reads a UTF-16LE text by PDFium's habit: ask for the length in bytes, then fill a buffer.
pub(super) fn wide_text(call: impl Fn(*mut c_void, c_ulong) -> c_ulong) -> String {
    const LONGEST: c_ulong = 64 << 10;
    let length = call(null_mut(), 0).min(LONGEST);
    let mut units = vec![0u16; length as usize / 2];
    call(units.as_mut_ptr().cast(), length & !1);
    while units.last() == Some(&0) {
        units.pop();
    }
    String::from_utf16_lossy(&units)
}
