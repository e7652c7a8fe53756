//! The functions of PDFium's C interface that this crate calls, loaded from a library by path.
//!
//! It does not know what they are used for; `library` wraps them. Signatures follow PDFium's
//! public headers (`fpdfview.h`, `fpdf_text.h`, `fpdf_edit.h`, `fpdf_doc.h`), which are stable.

#![allow(non_snake_case, reason = "the names are those of the C interface")]

use libloading::Library;
use std::ffi::{c_char, c_double, c_float, c_int, c_uint, c_ulong, c_void};
use std::path::Path;

macro_rules! functions {
    ($( fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?; )*) => {
        /// PDFium's functions. Calling any of them is unsafe as C is, and only one thread may at a time.
        pub(super) struct Functions {
            $( pub(super) $name: unsafe extern "C" fn($($type),*) $(-> $result)?, )*
            _library: Library,
        }

        impl Functions {
            /// Loads the library; fails with the loader's words or the first missing function's name.
            pub(super) fn load(path: &Path) -> Result<Self, libloading::Error> {
                // SAFETY: the operator names the library; it is PDFium, whose load has no side effects.
                let library = unsafe { Library::new(path) }?;
                // SAFETY: the types are those of PDFium's headers.
                unsafe {
                    Ok(Self {
                        $( $name: *library.get(concat!(stringify!($name), "\0").as_bytes())?, )*
                        _library: library,
                    })
                }
            }
        }
    };
}

/// An opaque pointer of PDFium: document, page, text page, page object, font, bookmark…
pub(super) type Handle = *mut c_void;

/// `FS_RECTF`: left, top, right, bottom in the page's own coordinates, y upwards.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct RectF {
    pub(super) left: c_float,
    pub(super) top: c_float,
    pub(super) right: c_float,
    pub(super) bottom: c_float,
}

/// `FS_MATRIX`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Matrix {
    pub(super) a: c_float,
    pub(super) b: c_float,
    pub(super) c: c_float,
    pub(super) d: c_float,
    pub(super) e: c_float,
    pub(super) f: c_float,
}

functions! {
    fn FPDF_InitLibrary();
    fn FPDF_LoadMemDocument64(data: *const c_void, size: usize, password: *const c_char) -> Handle;
    fn FPDF_CloseDocument(document: Handle);
    fn FPDF_GetLastError() -> c_ulong;
    fn FPDF_GetPageCount(document: Handle) -> c_int;
    fn FPDF_GetMetaText(document: Handle, tag: *const c_char, buffer: *mut c_void, length: c_ulong) -> c_ulong;
    fn FPDF_LoadPage(document: Handle, index: c_int) -> Handle;
    fn FPDF_ClosePage(page: Handle);
    fn FPDF_GetPageBoundingBox(page: Handle, rect: *mut RectF) -> c_int;
    fn FPDFPage_GetRotation(page: Handle) -> c_int;
    fn FPDFPage_CountObjects(page: Handle) -> c_int;
    fn FPDFPage_GetObject(page: Handle, index: c_int) -> Handle;
    fn FPDFFormObj_CountObjects(object: Handle) -> c_int;
    fn FPDFFormObj_GetObject(object: Handle, index: c_ulong) -> Handle;
    fn FPDFPageObj_GetType(object: Handle) -> c_int;
    fn FPDFPageObj_GetMatrix(object: Handle, matrix: *mut Matrix) -> c_int;
    fn FPDFPath_CountSegments(path: Handle) -> c_int;
    fn FPDFPath_GetPathSegment(path: Handle, index: c_int) -> Handle;
    fn FPDFPath_GetDrawMode(path: Handle, fill: *mut c_int, stroke: *mut c_int) -> c_int;
    fn FPDFPathSegment_GetPoint(segment: Handle, x: *mut c_float, y: *mut c_float) -> c_int;
    fn FPDFPathSegment_GetType(segment: Handle) -> c_int;
    fn FPDFTextObj_GetFontSize(object: Handle, size: *mut c_float) -> c_int;
    fn FPDFTextObj_GetFont(object: Handle) -> Handle;
    fn FPDFFont_GetBaseFontName(font: Handle, buffer: *mut c_char, length: usize) -> usize;
    fn FPDFFont_GetWeight(font: Handle) -> c_int;
    fn FPDFText_LoadPage(page: Handle) -> Handle;
    fn FPDFText_ClosePage(text: Handle);
    fn FPDFText_CountChars(text: Handle) -> c_int;
    fn FPDFText_GetUnicode(text: Handle, index: c_int) -> c_uint;
    fn FPDFText_IsGenerated(text: Handle, index: c_int) -> c_int;
    fn FPDFText_GetTextObject(text: Handle, index: c_int) -> Handle;
    fn FPDFText_GetLooseCharBox(text: Handle, index: c_int, rect: *mut RectF) -> c_int;
    fn FPDFText_GetCharOrigin(text: Handle, index: c_int, x: *mut c_double, y: *mut c_double) -> c_int;
    fn FPDFBookmark_GetFirstChild(document: Handle, bookmark: Handle) -> Handle;
    fn FPDFBookmark_GetNextSibling(document: Handle, bookmark: Handle) -> Handle;
    fn FPDFBookmark_GetTitle(bookmark: Handle, buffer: *mut c_void, length: c_ulong) -> c_ulong;
    fn FPDFBookmark_GetDest(document: Handle, bookmark: Handle) -> Handle;
    fn FPDFBookmark_GetAction(bookmark: Handle) -> Handle;
    fn FPDFAction_GetDest(document: Handle, action: Handle) -> Handle;
    fn FPDFDest_GetDestPageIndex(document: Handle, destination: Handle) -> c_int;
    fn FPDFBitmap_CreateEx(width: c_int, height: c_int, format: c_int, scan: *mut c_void, stride: c_int) -> Handle;
    fn FPDFBitmap_Destroy(bitmap: Handle);
    fn FPDF_RenderPageBitmap(bitmap: Handle, page: Handle, x: c_int, y: c_int, width: c_int, height: c_int, rotate: c_int, flags: c_int);
}
