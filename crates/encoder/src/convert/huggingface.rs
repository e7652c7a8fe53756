//! Not written yet.
use std::path::Path;
use yizhan_domain::Result;
pub(super) fn convert(_path: &Path, _output: &Path) -> Result<()> {
    Err(crate::gguf::damaged("not yet"))
}
