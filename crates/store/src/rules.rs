//! Rules that every driver applies alike, with the sentences that users read.
//!
//! They do not know how a driver keeps things.

use crate::AccountId;
use yizhan_domain::{DocumentId, Error, ErrorCode, Result};

/// Longest name of a base, in characters.
const MAX_NAME: usize = 64;

/// Refuses a base's name that is empty, longer than 64 characters, or has others than letters (of
/// any script), digits, `.`, `_` and `-`. `.` and `..` are refused too: they mean something in paths.
pub fn check_base_name(name: &str) -> Result<()> {
    let fits = (1..=MAX_NAME).contains(&name.chars().count());
    if fits && !matches!(name, "." | "..") && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
    {
        return Ok(());
    }
    let shown: String = name.chars().take(MAX_NAME).collect();
    Err(Error::invalid(
        "name",
        format!("'{shown}' cannot name a knowledge base. Use 1 to 64 letters, digits, '.', '_' or '-'."),
    ))
}

/// A base of that name is there already.
pub fn name_taken(name: &str) -> Error {
    let message = format!("There is a knowledge base '{name}' already. Choose another name.");
    Error::new(ErrorCode::Conflict, message).at("name")
}

/// A key with that hash is there already.
pub fn key_taken() -> Error {
    Error::new(ErrorCode::Conflict, "There is a key with this secret already.")
}

/// An account with that id is there already.
pub fn account_taken(id: &AccountId) -> Error {
    Error::new(ErrorCode::Conflict, format!("There is a {id} already. Choose another id.")).at("id")
}

/// Somebody wants to delete the tenant that is always there.
pub fn default_tenant_stays() -> Error {
    let message = "The default tenant belongs to the installation and cannot be deleted. Disable its keys instead.";
    Error::new(ErrorCode::Conflict, message)
}

/// A list is to be continued after something that is not in it.
pub fn unknown_cursor(after: &str) -> Error {
    Error::invalid("after", format!("There is no '{after}' in this list to continue after. Start from its beginning."))
}

/// The document number that a page continues after; 0 for the start.
pub fn document_cursor(after: Option<&str>) -> Result<DocumentId> {
    match after {
        None => Ok(DocumentId(0)),
        Some(text) => text.parse().map(DocumentId).map_err(|_| unknown_cursor(text)),
    }
}

/// A chunk points to a section that was not given.
pub fn unknown_section(position: usize) -> Error {
    Error::internal(format!("A chunk points to section {position}, which its document does not have."))
}

/// An index asks for changes after a position before which deletions are no longer kept.
pub fn too_far_behind(after: yizhan_domain::Sequence) -> Error {
    let message = format!("Deletions after position {after} are no longer kept. Rebuild the index from 0.");
    Error::new(ErrorCode::Conflict, message)
}
