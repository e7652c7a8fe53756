//! Office files: Word, PowerPoint and spreadsheets.
//!
//! It does not know old binary formats but Excel's.

mod cell_format;
pub(crate) mod docx;
mod numbering;
pub(crate) mod pptx;
mod styles;
pub(crate) mod workbook;

use crate::archive::Archive;
use crate::xml::{Node, walk};
use yizhan_domain::Result;

/// Rows of one table go into blocks of about this many bytes.
const TABLE_BYTES: usize = 8 << 10;

/// The title of the document properties, unless blank.
fn title(archive: &mut Archive<'_>) -> Result<Option<String>> {
    let Some(xml) = archive.text("docProps/core.xml")? else { return Ok(None) };
    let (mut inside, mut title) = (false, String::new());
    walk("docProps/core.xml", &xml, |node| match node {
        Node::Open(element) => inside = element.name == "title",
        Node::Close(_) => inside = false,
        Node::Text(text) if inside => title.push_str(text),
        Node::Text(_) => {}
    })?;
    let title = title.trim();
    Ok((!title.is_empty() && title != "PowerPoint Presentation").then(|| title.to_owned()))
}

/// The targets of a part's relations by their id, relative to the folder of the part.
fn relations(archive: &mut Archive<'_>, part: &str) -> Result<Vec<(String, String, String)>> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    let name = format!("{folder}/_rels/{file}.rels");
    let Some(xml) = archive.text(&name)? else { return Ok(Vec::new()) };
    let mut relations = Vec::new();
    walk(&name, &xml, |node| {
        if let Node::Open(element) = node
            && element.name == "Relationship"
            && let (Some(id), Some(target)) = (element.attribute("Id"), element.attribute("Target"))
        {
            let kind = element.attribute("Type").unwrap_or_default();
            relations.push((id, resolve(folder, &target), kind));
        }
    })?;
    Ok(relations)
}

/// `../notes/n1.xml` seen from `ppt/slides` is `ppt/notes/n1.xml`.
fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => {
                path.pop();
            }
            "." | "" => {}
            step => path.push(step),
        }
    }
    path.join("/")
}
