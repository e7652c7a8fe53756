//! The file of codes: a header with a checksum, then blocks. It saves encoding all rows at each start.
//!
//! It does not know which rows are committed; what it lacks is encoded again from the rows. Blocks
//! are synced before the header that counts them.

use super::codes::Codes;
use super::kernel::LANES;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

const MAGIC: &[u8; 8] = b"yizhanvc";
const VERSION: u64 = 1;

/// Reads codes of at most `rows` rows; none when the file is missing, foreign or damaged.
pub(crate) fn load(path: &Path, dimensions: usize, rows: usize) -> io::Result<Option<Codes>> {
    let Ok(mut file) = File::open(path) else { return Ok(None) };
    let mut header = vec![0; header_bytes(dimensions)];
    if file.read_exact(&mut header).is_err() {
        return Ok(None);
    }
    let Some((mut codes, saved, deviations)) = parse_header(&header, dimensions) else { return Ok(None) };
    let count = saved.min(rows);
    let mut block = vec![0; codes.block_bytes()];
    let mut reader = BufReader::with_capacity(1 << 20, file);
    while codes.len() < count {
        if reader.read_exact(&mut block).is_err() {
            return Ok(None);
        }
        codes.read_block(&block, (count - codes.len()).min(LANES));
    }
    codes.set_deviations(deviations * count as f64 / saved.max(1) as f64);
    Ok(Some(codes))
}

/// Writes the blocks that hold the rows from `saved` on, and a header that counts all rows.
pub(crate) fn save(path: &Path, codes: &Codes, saved: usize) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let start = header_bytes(codes.centre().len());
    let mut bytes = Vec::new();
    let first = saved / LANES;
    file.seek(SeekFrom::Start((start + first * codes.block_bytes()) as u64))?;
    for block in first..codes.len().div_ceil(LANES) {
        codes.write_block(block, &mut bytes);
        if bytes.len() > 1 << 20 {
            file.write_all(&bytes)?;
            bytes.clear();
        }
    }
    file.write_all(&bytes)?;
    file.sync_data()?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&make_header(codes))?;
    file.sync_data()
}

/// Replaces the whole file; until it is done, the old one is gone rather than half new.
pub(crate) fn replace(path: &Path, codes: &Codes) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    save(path, codes, 0)
}

fn header_bytes(dimensions: usize) -> usize {
    MAGIC.len() + 5 * size_of::<u64>() + dimensions * size_of::<f32>() + size_of::<u32>()
}

fn make_header(codes: &Codes) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    let sizes = [codes.centre().len() as u64, codes.trained() as u64, codes.len() as u64];
    let numbers = [VERSION, codes.deviations().to_bits()].into_iter().chain(sizes);
    numbers.for_each(|number| header.extend(number.to_le_bytes()));
    codes.centre().iter().for_each(|value| header.extend(value.to_le_bytes()));
    let sum = crc32fast::hash(&header);
    header.extend(sum.to_le_bytes());
    header
}

fn parse_header(header: &[u8], dimensions: usize) -> Option<(Codes, usize, f64)> {
    let (body, sum) = header.split_last_chunk::<4>()?;
    let body = body.strip_prefix(MAGIC).filter(|_| crc32fast::hash(body) == u32::from_le_bytes(*sum))?;
    let (numbers, centre) = body.split_at_checked(5 * size_of::<u64>())?;
    let numbers: Vec<u64> = numbers.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let [version, deviations, found, trained, rows] = numbers[..] else { return None };
    if version != VERSION || found != dimensions as u64 {
        return None;
    }
    let centre: Vec<f32> = centre.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
    let codes = Codes::with_centre(centre, usize::try_from(trained).ok()?);
    Some((codes, usize::try_from(rows).ok()?, f64::from_bits(deviations)))
}

#[cfg(test)]
#[path = "codes_file_tests.rs"]
mod tests;
