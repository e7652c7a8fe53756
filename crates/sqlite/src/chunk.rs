//! Chunks and sections in the database.
//!
//! It does not know how they were cut, or transactions: it works inside the caller's.

use crate::codec::{lines_from_bytes, lines_to_bytes, vector_from_bytes, vector_to_bytes};
use crate::fault::Fault;
use rusqlite::{Connection, OptionalExtension, Row, params};
use yizhan_domain::{ChunkId, DocumentId, FileId};
use yizhan_store::{Chunk, Processed, Section, unknown_section};

/// The columns that [`from_row`] reads.
const SELECT: &str = "SELECT c.id, c.document, f.id, d.name, c.ordinal, c.text, c.heading, c.lines, c.tokens, c.vector
    FROM chunk c JOIN document d ON d.id = c.document JOIN file f ON f.number = coalesce(d.replaced, d.file)";

/// Puts these in the place of what the document had.
pub(crate) fn replace(db: &Connection, document: DocumentId, processed: &Processed) -> Result<(), Fault> {
    remove(db, document)?;
    let sections = insert_sections(db, document, processed)?;
    let sql = "INSERT INTO chunk (document, ordinal, section, tokens, text, heading, lines, vector)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let mut statement = db.prepare_cached(sql)?;
    for (ordinal, chunk) in processed.chunks.iter().enumerate() {
        let section = match chunk.section {
            None => None,
            Some(position) => Some(*sections.get(position).ok_or_else(|| unknown_section(position))?),
        };
        statement.execute(params![
            document.0,
            ordinal,
            section,
            chunk.tokens,
            chunk.text,
            serde_json::to_string(&chunk.heading)?,
            lines_to_bytes(&chunk.lines),
            vector_to_bytes(&chunk.vector)
        ])?;
    }
    Ok(())
}

/// Rows of the sections, by their position.
fn insert_sections(db: &Connection, document: DocumentId, processed: &Processed) -> Result<Vec<i64>, Fault> {
    let mut statement = db.prepare_cached("INSERT INTO section (document, heading, text) VALUES (?, ?, ?)")?;
    let mut ids = Vec::with_capacity(processed.sections.len());
    for section in &processed.sections {
        let heading = serde_json::to_string(&section.heading)?;
        ids.push(statement.insert(params![document.0, heading, section.text])?);
    }
    Ok(ids)
}

pub(crate) fn remove(db: &Connection, document: DocumentId) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM chunk WHERE document = ?")?.execute([document.0])?;
    db.prepare_cached("DELETE FROM section WHERE document = ?")?.execute([document.0])?;
    Ok(())
}

/// A document's chunks with their vectors, in reading order.
pub(crate) fn of_document(db: &Connection, document: DocumentId) -> Result<Vec<(Chunk, Vec<f32>)>, Fault> {
    let mut statement = db.prepare_cached(&format!("{SELECT} WHERE c.document = ? ORDER BY c.ordinal"))?;
    let rows = statement.query_and_then([document.0], |row| {
        let vector = vector_from_bytes(row.get_ref(9)?.as_blob().map_err(rusqlite::Error::from)?)?;
        Ok((from_row(row)?, vector))
    })?;
    rows.collect()
}

pub(crate) fn by_ids(db: &Connection, ids: &[ChunkId]) -> Result<Vec<Chunk>, Fault> {
    let mut statement = db.prepare_cached(&format!("{SELECT} WHERE c.id = ?"))?;
    let mut chunks = Vec::with_capacity(ids.len());
    for id in ids {
        let Ok(id) = i64::try_from(id.0) else { continue };
        let mut rows = statement.query([id])?;
        if let Some(row) = rows.next()? {
            chunks.push(from_row(row)?);
        }
    }
    Ok(chunks)
}

pub(crate) fn section_of(db: &Connection, chunk: ChunkId) -> Result<Option<Section>, Fault> {
    let Ok(chunk) = i64::try_from(chunk.0) else { return Ok(None) };
    let sql = "SELECT s.id, s.heading, s.text FROM section s JOIN chunk c ON c.section = s.id WHERE c.id = ?";
    let found = db
        .prepare_cached(sql)?
        .query_row([chunk], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get(2)?)))
        .optional()?;
    let Some((section, heading, text)) = found else { return Ok(None) };
    let mut statement = db.prepare_cached("SELECT id FROM chunk WHERE section = ? ORDER BY ordinal")?;
    let chunks = statement.query_map([section], |row| row.get(0).map(ChunkId))?.collect::<rusqlite::Result<_>>()?;
    Ok(Some(Section { heading: serde_json::from_str(&heading)?, text, chunks }))
}

fn from_row(row: &Row<'_>) -> Result<Chunk, Fault> {
    Ok(Chunk {
        id: ChunkId(row.get(0)?),
        document: DocumentId(row.get(1)?),
        file: FileId::new(row.get::<_, String>(2)?),
        name: row.get(3)?,
        ordinal: row.get(4)?,
        text: row.get(5)?,
        heading: serde_json::from_str(row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?)?,
        lines: lines_from_bytes(row.get_ref(7)?.as_blob().map_err(rusqlite::Error::from)?)?,
        tokens: row.get(8)?,
    })
}
