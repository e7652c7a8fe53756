//! From a page's own coordinates (y upwards, unrotated) to display coordinates (origin top left).
//!
//! It does not know PDFium.

use yizhan_domain::Rect;

/// A page's visible box and rotation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Left, bottom, right, top in page coordinates.
    bounds: [f32; 4],
    /// Quarter turns clockwise, 0 to 3.
    turns: i32,
}

impl Frame {
    /// `bounds` are left, bottom, right, top; `turns` quarter turns clockwise.
    pub(super) fn new(bounds: [f32; 4], turns: i32) -> Self {
        Self { bounds, turns: turns.rem_euclid(4) }
    }

    /// As displayed after so many further quarter turns clockwise.
    pub(super) fn turned(self, turns: i32) -> Self {
        Self::new(self.bounds, self.turns + turns)
    }

    /// Width and height as displayed.
    pub(super) fn size(&self) -> (f32, f32) {
        let [left, bottom, right, top] = self.bounds;
        let (width, height) = (right - left, top - bottom);
        if self.turns % 2 == 0 { (width, height) } else { (height, width) }
    }

    /// A point as displayed.
    pub(super) fn point(&self, x: f32, y: f32) -> (f32, f32) {
        let [left, bottom, right, top] = self.bounds;
        match self.turns {
            0 => (x - left, top - y),
            1 => (y - bottom, x - left),
            2 => (right - x, y - bottom),
            _ => (top - y, right - x),
        }
    }

    /// A box as displayed.
    pub(super) fn rect(&self, left: f32, bottom: f32, right: f32, top: f32) -> Rect {
        let (ax, ay) = self.point(left, bottom);
        let (bx, by) = self.point(right, top);
        Rect([ax.min(bx), ay.min(by), ax.max(bx), ay.max(by)])
    }

    /// Quarter turns clockwise of a text that runs along `(a, b)` in page coordinates, as displayed;
    /// none when it runs aslant.
    pub(super) fn direction(&self, a: f32, b: f32) -> Option<u8> {
        let own = match (a.abs() > b.abs() * 8.0, b.abs() > a.abs() * 8.0) {
            (true, _) => {
                if a > 0.0 {
                    0
                } else {
                    2
                }
            }
            (_, true) => {
                if b > 0.0 {
                    3
                } else {
                    1
                }
            }
            _ => return None,
        };
        Some(((own + self.turns) % 4) as u8)
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
