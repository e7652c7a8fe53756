//! Pictures of pages: image files, and PDF pages without text.
//!
//! It does not read pixels itself: `ocr` does. Here lines become runs that the PDF layout orders.

use crate::fault::{damaged, missing_tool, unreadable};
use crate::ocr::{Engine, TextLine, engine};
use crate::parsed::Parsed;
use crate::pdf::{PageItems, Run, blocks, layout};
use crate::tools::Tools;
use image::{ImageDecoder, ImageReader, Limits, RgbImage};
use std::io::Cursor;
use yizhan_domain::{Rect, Result};

/// Reads an image file. Boxes are in its own pixels.
pub(crate) fn parse(bytes: &[u8], tools: &Tools) -> Result<Parsed> {
    let Some(models) = &tools.ocr else {
        return Err(missing_tool(
            "Images are read by OCR, whose models are not installed; pull them with `yizhan model pull ocr`.",
        ));
    };
    let image = decode(bytes, tools.bounds.pixels)?;
    let items = items(&*engine(models)?, &image, 1, 1.0)?;
    Ok(Parsed { pages: Some(1), blocks: blocks(vec![items]), ..Parsed::default() })
}

fn decode(bytes: &[u8], most: u64) -> Result<RgbImage> {
    let broken = |error: &dyn std::fmt::Display| damaged("the image", error);
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| broken(&error))?;
    let mut decoder = reader.into_decoder().map_err(|error| broken(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > most {
        return Err(unreadable(format!("the image has {width} × {height} pixels; the limit is {most} in all.")));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(most.saturating_mul(8));
    decoder.set_limits(limits).map_err(|error| broken(&error))?;
    let orientation = decoder.orientation().ok();
    let mut image = image::DynamicImage::from_decoder(decoder).map_err(|error| broken(&error))?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(on_white(image))
}

/// What shows through a transparent picture is paper.
fn on_white(image: image::DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0.map(u32::from);
        image::Rgb([red, green, blue].map(|value| ((value * alpha + 255 * (255 - alpha)) / 255) as u8))
    })
}

/// The lines of a picture in reading order; its pixels times `scale` are points.
pub(crate) fn items(engine: &Engine, image: &RgbImage, number: u32, scale: f32) -> Result<PageItems> {
    let lines = engine.read(image)?;
    let mut heights: Vec<f32> = lines.iter().map(|line| line.height).collect();
    heights.sort_by(f32::total_cmp);
    let usual = heights.get(heights.len() / 2).copied().unwrap_or(1.0);
    let runs = lines.into_iter().enumerate().map(|(order, line)| run(order, line, usual, scale)).collect();
    let height = image.height() as f32 * scale;
    Ok(PageItems { number, height, items: layout(runs, Vec::new(), number) })
}

fn run(order: usize, line: TextLine, usual: f32, scale: f32) -> Run {
    let rect = Rect(line.rect.0.map(|value| value * scale));
    // Boxes of the same type vary in height by what letters are in them.
    let height = if (0.7..1.4).contains(&(line.height / usual)) { usual } else { line.height };
    let count = u32::try_from(line.text.chars().filter(|ch| !ch.is_whitespace()).count()).unwrap_or(u32::MAX);
    Run {
        text: line.text,
        rect,
        base: rect.0[3] - 0.25 * rect.height(),
        // A box is as high as a line: letters and a little air.
        size: height * scale * 0.75,
        bold: false,
        mono: false,
        count,
        direction: Some(0),
        order,
        zone: None,
    }
}
