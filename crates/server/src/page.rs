//! Pages of lists: `limit`, `order`, `after`, `before`, as OpenAI has them.

use crate::error::ApiError;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use std::collections::HashMap;
use yizhan_domain::{Error, Result};

/// Most items that the store is asked for at once when a whole list is read.
pub(crate) const READ_AT_ONCE: usize = 1000;

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageQuery {
    /// At most so many items.
    pub(crate) limit: usize,
    /// Oldest first?
    pub(crate) ascending: bool,
    /// Continue after this id.
    pub(crate) after: Option<String>,
    /// Stop before this id.
    pub(crate) before: Option<String>,
    /// All other parameters.
    pub(crate) rest: HashMap<String, String>,
}

impl<S: Sync> FromRequestParts<S> for PageQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, ApiError> {
        let Query(fields) = Query::<HashMap<String, String>>::try_from_uri(&parts.uri)
            .map_err(|error| Error::invalid("query", format!("The query cannot be read: {error}.")))?;
        Ok(Self::read(fields)?)
    }
}

impl PageQuery {
    fn read(mut fields: HashMap<String, String>) -> Result<Self> {
        let mut take = |key: &str| fields.remove(key).filter(|text| !text.is_empty());
        let limit = match take("limit") {
            None => 20,
            Some(text) => match text.parse() {
                // OpenAI takes up to 100, of files up to 10,000.
                Ok(limit @ 1..=10_000) => limit,
                _ => return Err(Error::invalid("limit", format!("'limit' must be 1 to 10000, not '{text}'."))),
            },
        };
        let ascending = match take("order").as_deref() {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(other) => {
                return Err(Error::invalid("order", format!("'order' must be 'asc' or 'desc', not '{other}'.")));
            }
        };
        let (after, before) = (take("after"), take("before"));
        Ok(Self { limit, ascending, after, before, rest: fields })
    }

    /// The part that is asked for, of a whole list that is oldest first; and is there more?
    /// An `after` or `before` that is not in the list gives an error.
    pub(crate) fn part<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> &str) -> Result<(Vec<T>, bool)> {
        if !self.ascending {
            items.reverse();
        }
        let find = |name: &str, wanted: &Option<String>| match wanted {
            None => Ok(None),
            Some(wanted) => match items.iter().position(|item| id(item) == wanted.as_str()) {
                Some(position) => Ok(Some(position)),
                None => Err(Error::invalid(name, format!("'{name}' is '{wanted}', which is not in the list."))),
            },
        };
        let start = find("after", &self.after)?.map_or(0, |position| position + 1);
        let end = find("before", &self.before)?.unwrap_or(items.len()).max(start);
        // With `before` alone the page is the one that ends there.
        let from_end = self.before.is_some() && self.after.is_none();
        let (start, end) = match from_end {
            true => (end.saturating_sub(self.limit).max(start), end),
            false => (start, end),
        };
        let has_more = if from_end { start > 0 } else { end - start > self.limit };
        Ok((items.into_iter().skip(start).take((end - start).min(self.limit)).collect(), has_more))
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
