//! What a line says: the model gives a character or a blank for each narrow column of it.
//!
//! It does not know languages; the alphabet's file names the characters.

use super::{sample, tensor};
use crate::fault::{missing_tool, unreadable};
use image::RgbImage;
use rten::Model;
use rten_imageproc::RotatedRect;
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use std::path::Path;
use yizhan_domain::Result;

/// The height that the model wants, in pixels.
const HEIGHT: u32 = 48;
/// The widest line that it gets; longer ones are squeezed.
const WIDEST: f32 = 3200.0;
/// A line of less average certainty is noise.
const CERTAIN: f32 = 0.5;
/// Areas this many times as high as wide hold a line that runs downwards.
const UPRIGHT: f32 = 1.5;

/// The characters by the model's number; 0 is the blank.
pub(super) struct Alphabet(Vec<String>);

impl Alphabet {
    /// Reads the file: one character a line.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| missing_tool(format!("The OCR alphabet {} cannot be read: {error}.", path.display())))?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Self(text.split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect()))
    }

    /// The character of this number; the one after the last is the space.
    fn get(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|index| self.0.get(index)).map_or(" ", String::as_str)
    }
}

/// Reads the line in this area; `None` where there is none.
pub(super) fn line(model: &Model, alphabet: &Alphabet, image: &RgbImage, area: &RotatedRect) -> Result<Option<String>> {
    let up = area.up_axis();
    let right = (-up.y, up.x);
    let (mut size, mut up, mut right) = ((area.width(), area.height()), (up.x, up.y), right);
    if size.1 > UPRIGHT * size.0 {
        // Turned so that what was on the right is on top.
        (size, up, right) = ((size.1, size.0), right, (-up.0, -up.1));
    }
    if size.0 < 1.0 || size.1 < 1.0 {
        return Ok(None);
    }
    let width = (HEIGHT as f32 * size.0 / size.1).ceil().clamp(16.0, WIDEST) as u32;
    let center = area.center();
    let input = tensor(width, HEIGHT, |x, y| {
        let across = ((x as f32 + 0.5) / width as f32 - 0.5) * size.0;
        let above = (0.5 - (y as f32 + 0.5) / HEIGHT as f32) * size.1;
        let at = (center.x + right.0 * across + up.0 * above, center.y + right.1 * across + up.1 * above);
        sample(image, at.0 - 0.5, at.1 - 0.5)
    });
    let failed = |error: &dyn std::fmt::Display| unreadable(format!("OCR failed to read a line: {error}."));
    let output = model.run_one(input.view().into(), None).map_err(|error| failed(&error))?;
    let output: NdTensor<f32, 3> = output.try_into().map_err(|error| failed(&error))?;
    Ok(decode(alphabet, &output))
}

/// Best path: the likeliest character of each step, repeats and blanks taken out.
fn decode(alphabet: &Alphabet, output: &NdTensor<f32, 3>) -> Option<String> {
    let (mut text, mut sum, mut count, mut previous) = (String::new(), 0.0f32, 0u32, 0usize);
    for step in 0..output.size(1) {
        let row = output.slice((0, step));
        let best = row.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((number, certainty)) = best else { continue };
        if number != 0 && number != previous {
            text.push_str(alphabet.get(number));
            sum += certainty;
            count += 1;
        }
        previous = number;
    }
    let text = text.trim();
    (!text.is_empty() && sum >= CERTAIN * count as f32).then(|| text.to_owned())
}
