//! docs/errors.md, made from the table in crates/domain/src/error.rs.
//!
//! The table is read from the source, because its sentences are comments there.

use crate::finding::Finding;
use crate::tree::Tree;

const SOURCE: &str = "crates/domain/src/error.rs";
const TARGET: &str = "docs/errors.md";

/// A row of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    code: String,
    status: u16,
    kind: String,
    meaning: String,
}

/// Writes the document.
pub(crate) fn write(tree: &Tree) -> Result<(), String> {
    let text = document(tree.text(SOURCE)?)?;
    let target = tree.root.join(TARGET);
    let write = || {
        std::fs::create_dir_all(target.parent().unwrap_or(&tree.root))?;
        std::fs::write(&target, text)
    };
    write().map_err(|error: std::io::Error| format!("{TARGET}: {error}"))
}

/// Whether the document says what the source says.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>, String> {
    let wanted = document(tree.text(SOURCE)?)?;
    let found = tree.files.get(TARGET).map_or("", String::as_str);
    if wanted == found {
        return Ok(Vec::new());
    }
    let same = wanted.lines().zip(found.lines()).take_while(|(wanted, found)| wanted == found).count();
    Ok(vec![Finding::new(TARGET, same + 1, format!("differs from {SOURCE}; run `cargo xtask errors`"))])
}

fn document(source: &str) -> Result<String, String> {
    let rows = rows(source)?;
    let mut text = "<!-- Made by `cargo xtask errors` from crates/domain/src/error.rs; don't edit. -->\n\n# Errors\n\n\
                    Every error that a user can see has one of these codes. Over HTTP it comes in OpenAI's shape,\n\
                    `{\"error\":{\"message\":…,\"type\":…,\"param\":…,\"code\":…}}`, with the status given here; the message says \
                    what to do.\n\n| code | status | type | meaning |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for Row { code, status, kind, meaning } in rows {
        text.push_str(&format!("| `{code}` | {status} | `{kind}` | {meaning} |\n"));
    }
    Ok(text)
}

/// The rows of `error_codes! { … }`: comment lines, then `Variant = "code", status, "kind";`.
fn rows(source: &str) -> Result<Vec<Row>, String> {
    let start = source.find("\nerror_codes! {").ok_or_else(|| format!("{SOURCE} has no error_codes!"))?;
    let mut rows = Vec::new();
    let mut meaning = String::new();
    for line in source[start + 1..].lines().skip(1).map(str::trim) {
        if line == "}" {
            return if rows.is_empty() { Err(format!("{SOURCE}: the table is empty")) } else { Ok(rows) };
        }
        if let Some(comment) = line.strip_prefix("///") {
            let space = if meaning.is_empty() { "" } else { " " };
            meaning = format!("{meaning}{space}{}", comment.trim());
        } else if !line.is_empty() {
            let row = row(line, std::mem::take(&mut meaning));
            rows.push(row.ok_or_else(|| format!("{SOURCE}: '{line}' is not a row of the table"))?);
        }
    }
    Err(format!("{SOURCE}: the table does not end"))
}

fn row(line: &str, meaning: String) -> Option<Row> {
    let (_, values) = line.strip_suffix(';')?.split_once('=')?;
    let mut values = values.split(',').map(|value| value.trim().trim_matches('"'));
    let row = Row {
        code: values.next()?.to_owned(),
        status: values.next()?.parse().ok()?,
        kind: values.next()?.to_owned(),
        meaning,
    };
    values.next().is_none().then_some(row)
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
