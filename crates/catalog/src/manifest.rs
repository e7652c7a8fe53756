//! The note that lies beside an installed artefact's files and says what they are.
//!
//! It is written last: an artefact without it is not installed.

use crate::Artefact;
use crate::files::settle;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use yizhan_domain::{Error, Result};

/// The note's name.
pub(crate) const FILE_NAME: &str = "manifest.json";

/// A file with its exact content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

/// What an installed artefact is and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The artefact's name.
    pub name: String,
    /// Its licence.
    pub licence: String,
    /// The source that delivered it.
    pub source: String,
    /// When, as in `2026-11-22T04:23:55Z`.
    pub pulled: String,
    /// The conversion that was done, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub convert: Option<String>,
    /// What the source delivered.
    pub fetched: Vec<KeptFile>,
    /// What is kept, beside this note.
    pub files: Vec<KeptFile>,
}

impl Manifest {
    /// The note in `directory`, if there is a readable one.
    pub(crate) fn read(directory: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(directory.join(FILE_NAME)).ok()?).ok()
    }

    /// Puts the note into `directory` in one step.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        let fresh = directory.join("manifest.json.new");
        let text = serde_json::to_vec_pretty(self).map_err(|error| Error::internal(error.to_string()))?;
        fs::write(&fresh, text).map_err(|error| Error::io(format!("writing {}", fresh.display()), error))?;
        settle(&fresh, &directory.join(FILE_NAME))
    }

    /// Whether this is what the catalogue describes now; a newer catalogue may ask for other files.
    pub(crate) fn is_of(&self, artefact: &Artefact) -> bool {
        let wanted = artefact.files_here();
        let same_file = |(fetched, wanted): (&KeptFile, &&crate::FileSpec)| {
            fetched.name == wanted.name && wanted.sha256.as_ref().is_none_or(|hash| *hash == fetched.sha256)
        };
        self.name == artefact.name
            && self.convert.as_deref() == artefact.convert.as_ref().map(|convert| convert.step.as_str())
            && self.fetched.len() == wanted.len()
            && self.fetched.iter().zip(&wanted).all(same_file)
    }
}

/// The present moment in UTC, as in `2026-11-22T04:23:55Z`.
pub(crate) fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    timestamp(seconds)
}

/// Days are turned into a date by the "civil from days" method of Howard Hinnant's "chrono-compatible low-level
/// date algorithms", with years that begin in March.
fn timestamp(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
