//! Reading: one pass over the header that checks everything; tensors and arrays are borrowed from the file's bytes.

use super::tensor::{ElementType, Tensor};
use super::value::{self, Array, Value, fixed_size};
use super::{DEFAULT_ALIGNMENT, MAGIC, damaged};
use crate::cursor::Cursor;
use std::collections::HashMap;
use std::path::Path;
use yizhan_domain::{Error, ErrorCode, Result};

/// A parsed file.
#[derive(Debug)]
pub(crate) struct Gguf<'a> {
    metadata: HashMap<&'a str, Value<'a>>,
    tensors: HashMap<&'a str, Result<Tensor<'a>>>,
}

/// Maps a file into memory. The file must not be shortened while the map lives.
pub(crate) fn map_file(path: &Path) -> Result<memmap2::Mmap> {
    let file = std::fs::File::open(path).map_err(|cause| {
        let sentence = format!("The model file {} cannot be opened: {cause}. Pull the model first.", path.display());
        Error::new(ErrorCode::ModelUnavailable, sentence)
    })?;
    // SAFETY: model files are written beside their final name and renamed, never changed in place; a worker process
    // that meets a shortened file is ended by the system and started again by its owner.
    unsafe { memmap2::Mmap::map(&file) }.map_err(|cause| Error::io(format!("Mapping {}", path.display()), cause))
}

impl<'a> Gguf<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor::new(bytes);
        if cursor.take(4)? != MAGIC {
            return Err(damaged("it is not a GGUF file"));
        }
        let version = cursor.u32()?;
        if !(2..=3).contains(&version) {
            return Err(damaged(format!("its GGUF version {version} is unknown")));
        }
        let tensor_count = cursor.count()?;
        let value_count = cursor.count()?;
        let metadata = read_metadata(&mut cursor, value_count)?;
        let infos = (0..tensor_count).map(|_| read_info(&mut cursor));
        let infos = infos.collect::<Result<Vec<Info>>>()?;
        let alignment = read_alignment(&metadata)?;
        let start =
            cursor.place().checked_next_multiple_of(alignment).ok_or_else(|| damaged("its header is too long"))?;
        let data = bytes.get(start..).unwrap_or_default();
        let tensors = infos.into_iter().map(|info| (info.name, info.tensor(data))).collect();
        Ok(Self { metadata, tensors })
    }

    /// A text, if the key is there and is a text.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        match self.metadata.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self, key: &str) -> Option<bool> {
        match self.metadata.get(key) {
            Some(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn float(&self, key: &str) -> Option<f64> {
        match self.metadata.get(key) {
            Some(Value::Float(value)) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn integer(&self, key: &str) -> Option<usize> {
        match self.metadata.get(key) {
            Some(Value::Integer(value)) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    pub(crate) fn array(&self, key: &str) -> Option<Array<'a>> {
        match self.metadata.get(key) {
            Some(Value::Array(array)) => Some(*array),
            _ => None,
        }
    }

    /// An integer that must be there and lie in `range`.
    pub(crate) fn required(&self, key: &str, range: std::ops::RangeInclusive<usize>) -> Result<usize> {
        let value = self.integer(key).ok_or_else(|| damaged(format!("it lacks the number '{key}'")))?;
        if range.contains(&value) { Ok(value) } else { Err(damaged(format!("its '{key}' of {value} is out of range"))) }
    }

    /// A tensor of exactly this shape.
    pub(crate) fn tensor(&self, name: &str, rows: usize, columns: usize) -> Result<Tensor<'a>> {
        let tensor = self.tensors.get(name).ok_or_else(|| damaged(format!("it lacks the tensor '{name}'")))?;
        let tensor = tensor.clone()?;
        if (tensor.rows, tensor.columns) != (rows, columns) {
            let found = format!("{} × {}", tensor.rows, tensor.columns);
            return Err(damaged(format!("its tensor '{name}' is {found}, not {rows} × {columns}")));
        }
        Ok(tensor)
    }
}

fn read_alignment(metadata: &HashMap<&str, Value<'_>>) -> Result<usize> {
    match metadata.get("general.alignment") {
        None => Ok(DEFAULT_ALIGNMENT),
        Some(Value::Integer(value)) if (8..=65536).contains(value) && value % 8 == 0 => Ok(*value as usize),
        Some(_) => Err(damaged("its alignment is not a multiple of 8 up to 65536")),
    }
}

struct Info<'a> {
    name: &'a str,
    rows: usize,
    columns: usize,
    kind: u32,
    offset: usize,
}

fn read_info<'a>(cursor: &mut Cursor<'a>) -> Result<Info<'a>> {
    let name = cursor.text()?;
    let dimensions = cursor.u32()?;
    if !(1..=4).contains(&dimensions) {
        return Err(damaged(format!("its tensor '{name}' has {dimensions} dimensions")));
    }
    let columns = cursor.length()?;
    let mut rows = 1usize;
    for _ in 1..dimensions {
        rows = rows.checked_mul(cursor.length()?).ok_or_else(|| damaged("a tensor is too large"))?;
    }
    Ok(Info { name, rows, columns, kind: cursor.u32()?, offset: cursor.length()? })
}

impl<'a> Info<'a> {
    /// The tensor's bytes. A type that is unknown here is an error only when that tensor is asked for.
    fn tensor(&self, data: &'a [u8]) -> Result<Tensor<'a>> {
        let unknown = || damaged(format!("its tensor '{}' has the unsupported type {}", self.name, self.kind));
        let kind = ElementType::from_code(self.kind).ok_or_else(unknown)?;
        let size = kind.row_bytes(self.columns).and_then(|row| row.checked_mul(self.rows));
        let end = size.and_then(|size| self.offset.checked_add(size));
        let bytes = end.and_then(|end| data.get(self.offset..end));
        let bytes = bytes.ok_or_else(|| damaged(format!("its tensor '{}' lies beyond the file's end", self.name)))?;
        Ok(Tensor { kind, rows: self.rows, columns: self.columns, bytes })
    }
}

fn read_metadata<'a>(cursor: &mut Cursor<'a>, count: usize) -> Result<HashMap<&'a str, Value<'a>>> {
    let mut metadata = HashMap::new();
    for _ in 0..count {
        let key = cursor.text()?;
        let kind = cursor.u32()?;
        metadata.insert(key, read_value(cursor, kind)?);
    }
    Ok(metadata)
}

fn read_value<'a>(cursor: &mut Cursor<'a>, kind: u32) -> Result<Value<'a>> {
    Ok(match kind {
        value::U8 => Value::Integer(cursor.array::<1>()?[0].into()),
        1 => Value::Integer((cursor.array::<1>()?[0] as i8).into()),
        2 => Value::Integer(u16::from_le_bytes(cursor.array()?).into()),
        3 => Value::Integer(i16::from_le_bytes(cursor.array()?).into()),
        value::U32 => Value::Integer(cursor.u32()?.into()),
        value::I32 => Value::Integer(i32::from_le_bytes(cursor.array()?).into()),
        value::F32 => Value::Float(f32::from_le_bytes(cursor.array()?).into()),
        value::BOOL => Value::Bool(cursor.array::<1>()?[0] != 0),
        value::TEXT => Value::Text(cursor.text()?),
        value::ARRAY => Value::Array(read_array(cursor)?),
        10 => Value::Integer(u64::from_le_bytes(cursor.array()?).into()),
        11 => Value::Integer(i64::from_le_bytes(cursor.array()?).into()),
        12 => Value::Float(f64::from_le_bytes(cursor.array()?)),
        _ => return Err(damaged(format!("its metadata has a value of the unknown type {kind}"))),
    })
}

fn read_array<'a>(cursor: &mut Cursor<'a>) -> Result<Array<'a>> {
    let kind = cursor.u32()?;
    let count = cursor.length()?;
    let start = cursor.place();
    if kind == value::TEXT {
        for _ in 0..count {
            let length = cursor.length()?;
            cursor.take(length)?;
        }
    } else {
        let size = fixed_size(kind).ok_or_else(|| damaged(format!("its metadata has a list of type {kind}")))?;
        cursor.take(count.checked_mul(size).ok_or_else(|| damaged("a list is too long"))?)?;
    }
    Ok(Array { kind, count, bytes: cursor.since(start) })
}
