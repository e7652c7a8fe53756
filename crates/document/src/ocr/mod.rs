//! Text in pictures, by the PP-OCR models in RTen: find lines, then read each.
//!
//! It does not know pages or reading order; boxes are in pixels of the picture.

mod detect;
mod recognize;

use crate::fault::missing_tool;
use crate::tools::OcrModels;
use image::RgbImage;
use parking_lot::Mutex;
use recognize::Alphabet;
use rten::Model;
use rten_imageproc::RotatedRect;
use rten_tensor::NdTensor;
use std::path::Path;
use std::sync::Arc;
use yizhan_domain::{Rect, Result};

/// A read line.
#[derive(Clone, Debug)]
pub(crate) struct TextLine {
    pub(crate) text: String,
    /// Its upright box in pixels.
    pub(crate) rect: Rect,
    /// Its height across the writing, in pixels.
    pub(crate) height: f32,
}

/// The loaded models.
pub(crate) struct Engine {
    detection: Model,
    recognition: Model,
    alphabet: Alphabet,
}

/// Loading takes a moment: the last engine is kept for the next document.
static ENGINE: Mutex<Option<(OcrModels, Arc<Engine>)>> = Mutex::new(None);

/// The engine of these models.
pub(crate) fn engine(models: &OcrModels) -> Result<Arc<Engine>> {
    let mut slot = ENGINE.lock();
    if let Some((known, engine)) = slot.as_ref()
        && known == models
    {
        return Ok(Arc::clone(engine));
    }
    let engine = Arc::new(Engine {
        detection: load(&models.detection)?,
        recognition: load(&models.recognition)?,
        alphabet: Alphabet::load(&models.alphabet)?,
    });
    *slot = Some((models.clone(), Arc::clone(&engine)));
    Ok(engine)
}

fn load(path: &Path) -> Result<Model> {
    Model::load_file(path).map_err(|error| {
        missing_tool(format!("The OCR model {} cannot be loaded: {error}. Pull it again.", path.display()))
    })
}

impl Engine {
    /// The lines of a picture, from top to bottom.
    pub(crate) fn read(&self, image: &RgbImage) -> Result<Vec<TextLine>> {
        let mut lines = Vec::new();
        for area in detect::lines(&self.detection, image)? {
            if let Some(text) = recognize::line(&self.recognition, &self.alphabet, image, &area)? {
                let (rect, height) = (bounds(&area), area.height().min(area.width()));
                lines.push(TextLine { text, rect, height });
            }
        }
        lines.sort_by(|a, b| a.rect.0[1].total_cmp(&b.rect.0[1]));
        Ok(lines)
    }
}

fn bounds(area: &RotatedRect) -> Rect {
    let corners = area.corners();
    let boxes = corners.iter().map(|corner| Rect([corner.x, corner.y, corner.x, corner.y]));
    boxes.reduce(Rect::union).unwrap_or_default()
}

/// Channels in the models' order (blue first), values from -1 to 1.
fn tensor(width: u32, height: u32, mut pixel: impl FnMut(u32, u32) -> [f32; 3]) -> NdTensor<f32, 4> {
    let (columns, rows) = (width as usize, height as usize);
    let plane = columns * rows;
    let mut data = vec![0.0f32; plane * 3];
    for y in 0..height {
        for x in 0..width {
            let at = y as usize * columns + x as usize;
            let [red, green, blue] = pixel(x, y);
            for (channel, value) in [blue, green, red].into_iter().enumerate() {
                data[channel * plane + at] = value / 127.5 - 1.0;
            }
        }
    }
    NdTensor::from_data([1, 3, rows, columns], data)
}

/// The colour between pixels.
fn sample(image: &RgbImage, x: f32, y: f32) -> [f32; 3] {
    let (right, bottom) = (image.width().max(1) - 1, image.height().max(1) - 1);
    let (x, y) = (x.clamp(0.0, right as f32), y.clamp(0.0, bottom as f32));
    let (left, top) = (x as u32, y as u32);
    let (across, down) = (x - left as f32, y - top as f32);
    let (next, below) = ((left + 1).min(right), (top + 1).min(bottom));
    let corners = [
        image.get_pixel(left, top),
        image.get_pixel(next, top),
        image.get_pixel(left, below),
        image.get_pixel(next, below),
    ];
    std::array::from_fn(|channel| {
        let [a, b, c, d] = corners.map(|pixel| f32::from(pixel.0[channel]));
        (a * (1.0 - across) + b * across) * (1.0 - down) + (c * (1.0 - across) + d * across) * down
    })
}
