//! A page's straight lines, which may rule tables.
//!
//! It does not know which of them belong to a table.

use super::ffi::{Functions, Handle, Matrix};
use super::frame::Frame;
use super::library::Page;

/// Drawings of more pieces than this are pictures, not tables.
const MOST_PIECES: usize = 20_000;
/// A filled box thinner than this many points is a line.
const THIN: f32 = 2.5;
/// Lines shorter than this many points are marks.
const SHORTEST: f32 = 5.0;
/// Forms within forms within forms.
const DEEPEST: u8 = 4;

/// A horizontal or vertical line in display coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ruling {
    /// It runs from left to right; otherwise from top to bottom.
    pub(super) horizontal: bool,
    /// The coordinate that is the same along the line: y of a horizontal one.
    pub(super) at: f32,
    /// Start and end along the line.
    pub(super) from: f32,
    pub(super) to: f32,
}

const IDENTITY: Matrix = Matrix { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };

impl Matrix {
    fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        (self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f)
    }

    /// First `self`, then `outer`.
    fn then(&self, outer: &Matrix) -> Matrix {
        let (a, b) = (self.a * outer.a + self.b * outer.c, self.a * outer.b + self.b * outer.d);
        let (c, d) = (self.c * outer.a + self.d * outer.c, self.c * outer.b + self.d * outer.d);
        let (e, f) = outer.apply(self.e, self.f);
        Matrix { a, b, c, d, e, f }
    }
}

impl Page<'_> {
    /// The page's straight lines; none where it is drawn of so many pieces that it is a picture.
    pub(super) fn rulings(&self) -> Vec<Ruling> {
        let f = self.f;
        let mut collector = Collector { f, frame: self.frame, rulings: Vec::new(), pieces: 0 };
        // SAFETY: the page is open.
        let count = unsafe { (f.FPDFPage_CountObjects)(self.handle) };
        for index in 0..count {
            // SAFETY: the index is within the page's objects.
            let object = unsafe { (f.FPDFPage_GetObject)(self.handle, index) };
            collector.object(object, &IDENTITY, 0);
        }
        if collector.pieces > MOST_PIECES { Vec::new() } else { collector.rulings }
    }
}

struct Collector<'a> {
    f: &'a Functions,
    frame: Frame,
    rulings: Vec<Ruling>,
    pieces: usize,
}

impl Collector<'_> {
    fn object(&mut self, object: Handle, outer: &Matrix, depth: u8) {
        const PATH: i32 = 2;
        const FORM: i32 = 5;
        if object.is_null() || self.pieces > MOST_PIECES {
            return;
        }
        // SAFETY: the object belongs to the open page.
        match unsafe { (self.f.FPDFPageObj_GetType)(object) } {
            PATH => self.path(object, outer),
            FORM if depth < DEEPEST => {
                let matrix = self.matrix(object).then(outer);
                // SAFETY: the object is a form of the open page.
                let count = unsafe { (self.f.FPDFFormObj_CountObjects)(object) }.max(0);
                for index in 0..count {
                    // SAFETY: the index is within the form's objects.
                    let inner = unsafe { (self.f.FPDFFormObj_GetObject)(object, index as _) };
                    self.object(inner, &matrix, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn matrix(&self, object: Handle) -> Matrix {
        let mut matrix = IDENTITY;
        // SAFETY: the object belongs to the open page; the output is writable and kept when it fails.
        unsafe { (self.f.FPDFPageObj_GetMatrix)(object, &mut matrix) };
        matrix
    }

    fn path(&mut self, path: Handle, outer: &Matrix) {
        let (mut fill, mut stroke) = (0, 0);
        // SAFETY: the object is a path of the open page; both outputs are writable.
        let count = unsafe {
            (self.f.FPDFPath_GetDrawMode)(path, &mut fill, &mut stroke);
            (self.f.FPDFPath_CountSegments)(path)
        };
        self.pieces = self.pieces.saturating_add(count.max(0) as usize);
        if self.pieces > MOST_PIECES || (fill == 0 && stroke == 0) {
            return;
        }
        let Some(figures) = self.figures(path, count, outer) else { return };
        for points in figures {
            if stroke != 0 {
                points.windows(2).for_each(|pair| self.segment(pair[0], pair[1]));
                if let (4, [first, .., last]) = (points.len(), points.as_slice()) {
                    self.segment(*last, *first);
                }
            } else {
                self.filled(&points);
            }
        }
    }

    /// The polygons of a path; none when it has curves.
    fn figures(&self, path: Handle, count: i32, outer: &Matrix) -> Option<Vec<Vec<(f32, f32)>>> {
        const LINE: i32 = 0;
        const MOVE: i32 = 2;
        let matrix = self.matrix(path).then(outer);
        let mut figures: Vec<Vec<(f32, f32)>> = Vec::new();
        for index in 0..count {
            let (mut x, mut y) = (0.0, 0.0);
            // SAFETY: the index is within the path's segments; the outputs are writable.
            let kind = unsafe {
                let segment = (self.f.FPDFPath_GetPathSegment)(path, index);
                (self.f.FPDFPathSegment_GetPoint)(segment, &mut x, &mut y);
                (self.f.FPDFPathSegment_GetType)(segment)
            };
            let (x, y) = matrix.apply(x, y);
            let point = self.frame.point(x, y);
            match (kind, figures.last_mut()) {
                (LINE, Some(points)) => points.push(point),
                (MOVE, _) => figures.push(vec![point]),
                _ => return None,
            }
        }
        Some(figures)
    }

    fn segment(&mut self, (ax, ay): (f32, f32), (bx, by): (f32, f32)) {
        let (width, height) = ((ax - bx).abs(), (ay - by).abs());
        if height < 0.5 && width >= SHORTEST {
            self.rulings.push(Ruling { horizontal: true, at: (ay + by) / 2.0, from: ax.min(bx), to: ax.max(bx) });
        } else if width < 0.5 && height >= SHORTEST {
            self.rulings.push(Ruling { horizontal: false, at: (ax + bx) / 2.0, from: ay.min(by), to: ay.max(by) });
        }
    }

    /// A thin filled box is a line; any other only colours the ground.
    fn filled(&mut self, points: &[(f32, f32)]) {
        let Some(&(x, y)) = points.first() else { return };
        let fold = |pick: fn(f32, f32) -> f32| points.iter().fold((x, y), |(x, y), p| (pick(x, p.0), pick(y, p.1)));
        let ((left, top), (right, bottom)) = (fold(f32::min), fold(f32::max));
        if bottom - top <= THIN && right - left >= SHORTEST {
            self.segment((left, (top + bottom) / 2.0), (right, (top + bottom) / 2.0));
        } else if right - left <= THIN && bottom - top >= SHORTEST {
            self.segment(((left + right) / 2.0, top), ((left + right) / 2.0, bottom));
        }
    }
}
