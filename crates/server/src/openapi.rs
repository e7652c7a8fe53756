//! `/openapi.json`, made from the table of routes and a file of schemas.

use crate::error::json_text;
use crate::routes::{Route, table};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

const SCHEMAS: &str = include_str!("openapi_schemas.json");

static DESCRIPTION: LazyLock<String> = LazyLock::new(|| describe().to_string());

/// The description of this API.
pub(crate) async fn get() -> Response {
    json_text(StatusCode::OK, DESCRIPTION.clone())
}

fn describe() -> Value {
    let schemas: Value = serde_json::from_str(SCHEMAS).unwrap_or_default();
    let mut paths = Map::new();
    for route in table() {
        let operations = paths.entry(route.path).or_insert_with(|| json!({}));
        operations[route.method] = operation(&route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Yizhan",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "OpenAI's API, with citations. A knowledge base or an application is a model by its name.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    })
}

fn operation(route: &Route) -> Value {
    let success = match route.reply {
        Some(schema) => {
            json!({"description": "Done.", "content": {"application/json": {"schema": schema_ref(schema)}}})
        }
        None => json!({"description": "Done.", "content": {"application/octet-stream": {}}}),
    };
    let failure = json!({"description": "Refused or failed.", "content": {
        "application/json": {"schema": schema_ref("Error")},
    }});
    let mut operation = json!({
        "summary": route.summary,
        "operationId": operation_id(route),
        "parameters": parameters(route),
        "responses": {"200": success, "default": failure},
    });
    if let Some(schema) = route.request {
        let kind = if schema == "FileUpload" { "multipart/form-data" } else { "application/json" };
        let mut content = json!({});
        content[kind] = json!({"schema": schema_ref(schema)});
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    if route.public {
        operation["security"] = json!([]);
    }
    operation
}

fn schema_ref(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// E.g. `post_vector_stores_vector_store_id_search`.
fn operation_id(route: &Route) -> String {
    let words = route.path.trim_start_matches("/v1").split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}_{}", route.method, words.join("_"))
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path =
        in_path.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = route.query.iter().map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}));
    in_path.chain(in_query).collect()
}

#[cfg(test)]
#[path = "openapi_tests.rs"]
mod tests;
