//! Writing: metadata and tensors are collected, then written beside the target and renamed onto it.

use super::tensor::ElementType;
use super::value;
use super::{DEFAULT_ALIGNMENT, MAGIC, VERSION};
use std::borrow::Cow;
use std::io::{BufWriter, Write};
use std::path::Path;
use yizhan_domain::{Error, Result};

/// Collects a file's parts.
#[derive(Default)]
pub(crate) struct GgufWriter<'a> {
    metadata: Vec<u8>,
    values: u64,
    tensors: Vec<Entry<'a>>,
}

struct Entry<'a> {
    name: String,
    rows: usize,
    columns: usize,
    kind: ElementType,
    bytes: Cow<'a, [u8]>,
}

impl<'a> GgufWriter<'a> {
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.key(key, value::TEXT);
        self.put_text(text.as_bytes());
    }

    pub(crate) fn integer(&mut self, key: &str, number: u32) {
        self.key(key, value::U32);
        self.metadata.extend(number.to_le_bytes());
    }

    pub(crate) fn float(&mut self, key: &str, number: f32) {
        self.key(key, value::F32);
        self.metadata.extend(number.to_le_bytes());
    }

    pub(crate) fn boolean(&mut self, key: &str, yes: bool) {
        self.key(key, value::BOOL);
        self.metadata.push(yes.into());
    }

    pub(crate) fn texts<'t>(&mut self, key: &str, texts: impl ExactSizeIterator<Item = &'t [u8]>) {
        self.array(key, value::TEXT, texts.len());
        texts.for_each(|text| self.put_text(text));
    }

    pub(crate) fn floats(&mut self, key: &str, numbers: impl ExactSizeIterator<Item = f32>) {
        self.array(key, value::F32, numbers.len());
        numbers.for_each(|number| self.metadata.extend(number.to_le_bytes()));
    }

    pub(crate) fn integers(&mut self, key: &str, numbers: impl ExactSizeIterator<Item = i32>) {
        self.array(key, value::I32, numbers.len());
        numbers.for_each(|number| self.metadata.extend(number.to_le_bytes()));
    }

    pub(crate) fn words(&mut self, key: &str, numbers: impl ExactSizeIterator<Item = u32>) {
        self.array(key, value::U32, numbers.len());
        numbers.for_each(|number| self.metadata.extend(number.to_le_bytes()));
    }

    pub(crate) fn bytes(&mut self, key: &str, bytes: &[u8]) {
        self.array(key, value::U8, bytes.len());
        self.metadata.extend(bytes);
    }

    /// Adds a matrix of `rows × columns`; one row makes a vector.
    pub(crate) fn tensor(
        &mut self,
        name: impl Into<String>,
        [rows, columns]: [usize; 2],
        kind: ElementType,
        bytes: impl Into<Cow<'a, [u8]>>,
    ) {
        self.tensors.push(Entry { name: name.into(), rows, columns, kind, bytes: bytes.into() });
    }

    /// The file's bytes, given to `out` piece by piece.
    pub(crate) fn write_to(&self, out: &mut impl Write) -> std::io::Result<()> {
        let mut head = Vec::with_capacity(self.metadata.len() + 96 * self.tensors.len() + 64);
        head.extend(MAGIC);
        head.extend(VERSION.to_le_bytes());
        head.extend((self.tensors.len() as u64).to_le_bytes());
        head.extend(self.values.to_le_bytes());
        head.extend(&self.metadata);
        let mut offset = 0u64;
        for Entry { name, rows, columns, kind, bytes } in &self.tensors {
            put_text(&mut head, name.as_bytes());
            let dimensions: &[usize] = if *rows == 1 { &[*columns] } else { &[*columns, *rows] };
            head.extend((dimensions.len() as u32).to_le_bytes());
            dimensions.iter().for_each(|size| head.extend((*size as u64).to_le_bytes()));
            head.extend(kind.code().to_le_bytes());
            head.extend(offset.to_le_bytes());
            offset += padded(bytes.len()) as u64;
        }
        head.resize(padded(head.len()), 0);
        out.write_all(&head)?;
        for Entry { bytes, .. } in &self.tensors {
            out.write_all(bytes)?;
            out.write_all(&[0; DEFAULT_ALIGNMENT][..padded(bytes.len()) - bytes.len()])?;
        }
        out.flush()
    }

    /// Writes the file; an older one of that name is replaced at once, never half.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let partial = path.with_added_extension("partial");
        let failed = |cause| Error::io(format!("Writing the model file {}", path.display()), cause);
        let file = std::fs::File::create(&partial).map_err(failed)?;
        let mut out = BufWriter::new(file);
        let written = self.write_to(&mut out).and_then(|()| out.get_ref().sync_all());
        let renamed = written.and_then(|()| std::fs::rename(&partial, path));
        renamed.map_err(|cause| {
            // What is left of it is of no use; failing to remove it changes nothing for the caller.
            let _ = std::fs::remove_file(&partial);
            failed(cause)
        })
    }

    fn key(&mut self, key: &str, kind: u32) {
        self.values += 1;
        self.put_text(key.as_bytes());
        self.metadata.extend(kind.to_le_bytes());
    }

    fn array(&mut self, key: &str, kind: u32, count: usize) {
        self.key(key, value::ARRAY);
        self.metadata.extend(kind.to_le_bytes());
        self.metadata.extend((count as u64).to_le_bytes());
    }

    fn put_text(&mut self, text: &[u8]) {
        put_text(&mut self.metadata, text);
    }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text);
}

fn padded(length: usize) -> usize {
    length.next_multiple_of(DEFAULT_ALIGNMENT)
}
