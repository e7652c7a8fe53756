//! Where lines of text are: a probability for each pixel, then a box around each patch.
//!
//! After "Real-time Scene Text Detection with Differentiable Binarization" (Liao et al., 2020), with
//! the constants of PP-OCR.

use super::tensor;
use crate::fault::unreadable;
use image::RgbImage;
use image::imageops::{FilterType, resize};
use rten::Model;
use rten_imageproc::{Point, RotatedRect, Vec2, min_area_rect};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, NdTensorView};
use std::collections::BTreeMap;
use yizhan_domain::Result;

/// A pixel of text has at least this probability.
const PIXEL: f32 = 0.3;
/// A line's pixels have at least this one on average.
const LINE: f32 = 0.5;
/// The model shrinks lines; they are widened by area × this ÷ perimeter.
const WIDEN: f32 = 1.6;
/// Lines thinner than this many pixels cannot be read.
const THINNEST: f32 = 3.0;
/// A picture has at most so many lines.
const MOST: usize = 3000;
/// The longer and the shorter side that the model gets, in pixels.
const LONGEST: f32 = 1600.0;
const SHORTEST: f32 = 640.0;

/// The lines' boxes in the picture's pixels, each with its own upright axis.
pub(super) fn lines(model: &Model, image: &RgbImage) -> Result<Vec<RotatedRect>> {
    let (width, height) = (image.width() as f32, image.height() as f32);
    let (long, short) = (width.max(height), width.min(height));
    let scale = (SHORTEST / short).max(1.0).min(LONGEST / long);
    let side = |length: f32| ((length * scale / 32.0).round().max(1.0) * 32.0) as u32;
    let (columns, rows) = (side(width), side(height));
    let small = resize(image, columns, rows, FilterType::Triangle);
    let input = tensor(columns, rows, |x, y| small.get_pixel(x, y).0.map(f32::from));
    let failed = |error: &dyn std::fmt::Display| unreadable(format!("OCR failed to find text: {error}."));
    let output = model.run_one(input.view().into(), None).map_err(|error| failed(&error))?;
    let output: NdTensor<f32, 4> = output.try_into().map_err(|error| failed(&error))?;
    let map = output.slice((0, 0));
    let (x, y) = (width / map.size(1).max(1) as f32, height / map.size(0).max(1) as f32);
    Ok(areas(map).into_iter().map(|area| stretch(&area, x, y)).collect())
}

/// Boxes in the map's own pixels.
fn areas(map: NdTensorView<f32, 2>) -> Vec<RotatedRect> {
    let (rows, columns) = (map.size(0), map.size(1));
    let values: Vec<f32> = map.iter().copied().collect();
    let mut seen = vec![false; values.len()];
    let mut areas = Vec::new();
    for start in 0..values.len() {
        if values[start] > PIXEL && !seen[start] && areas.len() < MOST {
            areas.extend(Patch::grow(start, &values, &mut seen, columns, rows).area());
        }
    }
    areas
}

/// Neighbouring pixels of text.
#[derive(Default)]
struct Patch {
    /// The first and last pixel of each of its rows; the hull needs no others.
    edges: BTreeMap<usize, (usize, usize)>,
    sum: f32,
    count: u32,
}

impl Patch {
    fn grow(start: usize, values: &[f32], seen: &mut [bool], columns: usize, rows: usize) -> Self {
        let mut patch = Self::default();
        let mut open = vec![start];
        seen[start] = true;
        while let Some(at) = open.pop() {
            let (x, y) = (at % columns, at / columns);
            let edge = patch.edges.entry(y).or_insert((x, x));
            *edge = (edge.0.min(x), edge.1.max(x));
            patch.sum += values[at];
            patch.count += 1;
            for (dx, dy) in [(0, 1), (2, 1), (1, 0), (1, 2), (0, 0), (2, 0), (0, 2), (2, 2)] {
                let (near_x, near_y) = ((x + dx).wrapping_sub(1), (y + dy).wrapping_sub(1));
                if near_x < columns && near_y < rows {
                    let near = near_y * columns + near_x;
                    if values[near] > PIXEL && !seen[near] {
                        seen[near] = true;
                        open.push(near);
                    }
                }
            }
        }
        patch
    }

    fn area(&self) -> Option<RotatedRect> {
        if self.sum < LINE * self.count as f32 {
            return None;
        }
        let corner = |x: usize, y: usize| Point::from_yx(y as f32, x as f32);
        let points: Vec<Point<f32>> = self
            .edges
            .iter()
            .flat_map(|(&y, &(left, right))| {
                [corner(left, y), corner(left, y + 1), corner(right + 1, y), corner(right + 1, y + 1)]
            })
            .collect();
        let rect = min_area_rect(&points)?.orient_towards(Vec2::from_yx(-1.0, 0.0));
        let (width, height) = (rect.width(), rect.height());
        if width.min(height) < THINNEST {
            return None;
        }
        let margin = width * height * WIDEN / (2.0 * (width + height));
        Some(RotatedRect::new(rect.center(), rect.up_axis(), width + 2.0 * margin, height + 2.0 * margin))
    }
}

/// The box in a picture that is larger by these factors, which are all but equal.
fn stretch(area: &RotatedRect, x: f32, y: f32) -> RotatedRect {
    let center = area.center();
    let center = Point::from_yx(center.y * y, center.x * x);
    let up = area.up_axis();
    let along = if up.y.abs() > up.x.abs() { (x, y) } else { (y, x) };
    RotatedRect::new(center, up, area.width() * along.0, area.height() * along.1)
}
