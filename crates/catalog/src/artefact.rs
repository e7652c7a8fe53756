//! One entry of the catalogue: a model or a library.
//!
//! It does not know where entries are written down, nor how they are fetched.

use crate::Source;
use serde::{Deserialize, Serialize};

/// What an artefact is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Generates text: `model.gguf`.
    Chat,
    /// Turns text into vectors: `model.gguf`.
    Embed,
    /// Reads images: `detection.rten`, `recognition.rten`, `dictionary.txt`.
    Ocr,
    /// A native library that is loaded at run time.
    Library,
}

impl Kind {
    /// The word in the catalogue.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Chat => "chat",
            Kind::Embed => "embed",
            Kind::Ocr => "ocr",
            Kind::Library => "library",
        }
    }
}

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// A file that every source of an artefact delivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Its name in the cache.
    pub name: String,
    /// The machine that it is for, as in `linux-x86_64`; none when it is for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Bytes. Unknown only in entries that are not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 in lower-case hexadecimal. Unknown only in entries that are not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What is done once after fetching, by the caller's [`crate::Converter`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// The step's name.
    pub step: String,
    /// The file that it writes, which alone is kept.
    pub file: String,
    /// That file's SHA-256, where the step is known to write the same bytes on every machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A model or a library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    /// What it is pulled and addressed by.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// SPDX expression, or the name of the terms of use.
    pub licence: String,
    /// Languages that it is good at, ISO 639-1.
    #[serde(default)]
    pub languages: Vec<String>,
    /// What it is, for people.
    pub description: Description,
    /// Longest input and output together, in its own tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// Length of its vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u32>,
    /// False where sizes and hashes were never checked against real bytes.
    #[serde(default = "yes")]
    pub verified: bool,
    /// What its sources deliver, on every platform.
    pub files: Vec<FileSpec>,
    /// What is done to those files once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub convert: Option<Conversion>,
    /// Where it can be had, in the order in which to try.
    pub sources: Vec<Source>,
}

fn yes() -> bool {
    true
}

impl Artefact {
    /// The files that this machine needs; empty when there are none for it.
    pub fn files_here(&self) -> Vec<&FileSpec> {
        let here = platform();
        self.files.iter().filter(|file| file.platform.as_deref().is_none_or(|platform| platform == here)).collect()
    }

    /// Bytes of the files that this machine needs, where all are known.
    pub fn size_here(&self) -> Option<u64> {
        self.files_here().iter().map(|file| file.size).sum()
    }
}

/// This machine, as the catalogue writes it: operating system and processor.
pub(crate) fn platform() -> String {
    let libc = if cfg!(target_env = "musl") { "-musl" } else { "" };
    format!("{}-{}{libc}", std::env::consts::OS, std::env::consts::ARCH)
}
