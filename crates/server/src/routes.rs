//! The one table of routes. The router and `/openapi.json` are both made from it.

use crate::error::{ApiError, ErrorForm};
use crate::state::AppState;
use crate::{
    admin, batches, chat, embeddings, files, health, judge, models, openapi, search, store_files, stores, trace,
};
use axum::Router;
use axum::handler::Handler;
use axum::http::{Method, Uri};
use axum::routing::{MethodFilter, MethodRouter, on};
use std::sync::Arc;
use yizhan_domain::{Error, ErrorCode};

/// One route.
pub(crate) struct Route {
    /// The method.
    pub(crate) method: &'static str,
    /// The path, as OpenAPI writes it.
    pub(crate) path: &'static str,
    /// What it does, in one sentence.
    pub(crate) summary: &'static str,
    /// Schema of the request's JSON body.
    pub(crate) request: Option<&'static str>,
    /// Schema of the reply's JSON body; none: bytes.
    pub(crate) reply: Option<&'static str>,
    /// Parameters of the query.
    pub(crate) query: &'static [&'static str],
    /// May it be called without a key?
    pub(crate) public: bool,
    handler: MethodRouter<Arc<AppState>>,
}

impl Route {
    fn new<H, T>(method: &'static str, path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<AppState>>,
        T: 'static,
    {
        let filter = match method {
            "post" => MethodFilter::POST,
            "delete" => MethodFilter::DELETE,
            "patch" => MethodFilter::PATCH,
            "put" => MethodFilter::PUT,
            _ => MethodFilter::GET,
        };
        let handler = on(filter, handler);
        Self { method, path, summary, request: None, reply: None, query: &[], public: false, handler }
    }

    fn takes(mut self, schema: &'static str) -> Self {
        self.request = Some(schema);
        self
    }

    fn gives(mut self, schema: &'static str) -> Self {
        self.reply = Some(schema);
        self
    }

    fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    fn public(mut self) -> Self {
        self.public = true;
        self
    }
}

const PAGE: &[&str] = &["limit", "order", "after", "before"];

/// Every route there is.
pub(crate) fn table() -> Vec<Route> {
    let mut routes = system_routes();
    routes.extend(inference_routes());
    routes.extend(file_routes());
    routes.extend(store_routes());
    routes.extend(tenant_routes());
    routes.extend(member_routes());
    routes.extend(key_routes());
    routes.extend(secret_routes());
    routes.extend(usage_routes());
    routes.extend(review_routes());
    routes
}

fn system_routes() -> Vec<Route> {
    vec![
        Route::new("get", "/healthz", "Is the process alive?", health::alive).gives("Health").public(),
        Route::new("get", "/readyz", "Can it answer? If not, why.", health::ready).gives("Health").public(),
        Route::new("get", "/metrics", "Metrics for Prometheus; takes a key of the role operator.", health::metrics),
        Route::new("get", "/openapi.json", "This description.", openapi::get).gives("Object").public(),
    ]
}

fn inference_routes() -> Vec<Route> {
    vec![
        Route::new("get", "/v1/models", "Lists models, knowledge bases and applications.", models::list)
            .gives("ModelList"),
        Route::new("get", "/v1/models/{model}", "Describes one of them.", models::get).gives("Model"),
        Route::new("post", "/v1/chat/completions", "Answers a conversation, whole or as a stream.", chat::create)
            .takes("ChatCompletionRequest")
            .gives("ChatCompletion"),
        Route::new("post", "/v1/embeddings", "Turns texts into vectors.", embeddings::create)
            .takes("EmbeddingRequest")
            .gives("EmbeddingList"),
        Route::new("post", "/v1/responses", "Answers a conversation, as OpenAI's Responses.", chat::responses)
            .takes("Object")
            .gives("Object"),
        Route::new("post", "/v1/messages", "Answers a conversation, as Anthropic's Messages.", chat::messages)
            .takes("Object")
            .gives("Object"),
        Route::new(
            "post",
            "/v1/messages/count_tokens",
            "Counts a prompt's tokens, Anthropic's way.",
            chat::count_tokens,
        )
        .takes("Object")
        .gives("Object"),
        Route::new("post", "/v1/rerank", "Orders documents by a query, Jina's way.", judge::rerank)
            .takes("Object")
            .gives("Object"),
        Route::new("post", "/v2/rerank", "Orders documents by a query, Cohere's way.", judge::rerank_v2)
            .takes("Object")
            .gives("Object"),
        Route::new("post", "/v1/moderations", "What the rules find in texts.", judge::moderate)
            .takes("Object")
            .gives("Object"),
    ]
}

fn file_routes() -> Vec<Route> {
    vec![
        Route::new("post", "/v1/files", "Uploads a file.", files::create).takes("FileUpload").gives("File"),
        Route::new("get", "/v1/files", "Lists files, newest first.", files::list)
            .query(&["limit", "order", "after", "before", "purpose"])
            .gives("FileList"),
        Route::new("get", "/v1/files/{file_id}", "Describes a file.", files::get).gives("File"),
        Route::new("get", "/v1/files/{file_id}/content", "Gives a file's bytes.", files::content),
        Route::new("delete", "/v1/files/{file_id}", "Deletes a file and all that was made from it.", files::delete)
            .gives("Deleted"),
    ]
}

fn store_routes() -> Vec<Route> {
    const STORE: &str = "/v1/vector_stores/{vector_store_id}";
    const FILES: &str = "/v1/vector_stores/{vector_store_id}/files";
    const FILE: &str = "/v1/vector_stores/{vector_store_id}/files/{file_id}";
    const BATCHES: &str = "/v1/vector_stores/{vector_store_id}/file_batches";
    const BATCH: &str = "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}";
    const SEARCH: &str = "/v1/vector_stores/{vector_store_id}/search";
    vec![
        Route::new("post", "/v1/vector_stores", "Makes a knowledge base.", stores::create)
            .takes("VectorStoreRequest")
            .gives("VectorStore"),
        Route::new("get", "/v1/vector_stores", "Lists knowledge bases, newest first.", stores::list)
            .query(PAGE)
            .gives("VectorStoreList"),
        Route::new("get", STORE, "Describes a knowledge base, by id or name.", stores::get).gives("VectorStore"),
        Route::new("post", STORE, "Renames a knowledge base.", stores::update)
            .takes("VectorStoreUpdate")
            .gives("VectorStore"),
        Route::new("delete", STORE, "Deletes a knowledge base.", stores::delete).gives("Deleted"),
        Route::new("post", FILES, "Attaches a file; it is read in the background.", store_files::attach)
            .takes("AttachRequest")
            .gives("VectorStoreFile"),
        Route::new("get", FILES, "Lists attached files, newest first.", store_files::list)
            .query(&["limit", "order", "after", "before", "filter"])
            .gives("VectorStoreFileList"),
        Route::new("get", FILE, "Describes an attached file and its state.", store_files::get).gives("VectorStoreFile"),
        Route::new("post", FILE, "Replaces an attached file's attributes.", store_files::update)
            .takes("AttributesUpdate")
            .gives("VectorStoreFile"),
        Route::new("delete", FILE, "Detaches a file; searches no longer find it.", store_files::delete)
            .gives("Deleted"),
        Route::new("post", BATCHES, "Attaches many files.", batches::create).takes("BatchRequest").gives("FileBatch"),
        Route::new("get", BATCH, "Describes a batch and its files' states.", batches::get).gives("FileBatch"),
        Route::new("post", SEARCH, "Finds passages.", search::create).takes("SearchRequest").gives("SearchPage"),
    ]
}

fn tenant_routes() -> Vec<Route> {
    const TENANTS: &str = "/admin/v1/tenants";
    const TENANT: &str = "/admin/v1/tenants/{tenant}";
    vec![
        Route::new("get", TENANTS, "Lists tenants, newest first.", admin::tenants).query(PAGE).gives("AccountList"),
        Route::new("post", TENANTS, "Makes a tenant.", admin::create_tenant).takes("AccountRequest").gives("Account"),
        Route::new("get", TENANT, "Describes a tenant.", admin::get_tenant).gives("Account"),
        Route::new("patch", TENANT, "Changes a tenant's name or limits, disables or enables it.", admin::change_tenant)
            .takes("AccountUpdate")
            .gives("Account"),
        Route::new("delete", TENANT, "Ends a tenant with its projects, users and keys.", admin::delete_tenant)
            .gives("Deleted"),
    ]
}

fn member_routes() -> Vec<Route> {
    use admin::{Project, User};
    const PROJECTS: &str = "/admin/v1/tenants/{tenant}/projects";
    const PROJECT: &str = "/admin/v1/tenants/{tenant}/projects/{project}";
    const USERS: &str = "/admin/v1/tenants/{tenant}/users";
    const USER: &str = "/admin/v1/tenants/{tenant}/users/{user}";
    vec![
        Route::new("get", PROJECTS, "Lists a tenant's projects, newest first.", admin::list::<Project>)
            .query(PAGE)
            .gives("AccountList"),
        Route::new("post", PROJECTS, "Makes a project.", admin::create::<Project>)
            .takes("AccountRequest")
            .gives("Account"),
        Route::new("get", PROJECT, "Describes a project.", admin::get::<Project>).gives("Account"),
        Route::new("patch", PROJECT, "Changes, disables or enables a project.", admin::change::<Project>)
            .takes("AccountUpdate")
            .gives("Account"),
        Route::new("delete", PROJECT, "Ends a project with its keys.", admin::delete::<Project>).gives("Deleted"),
        Route::new("get", USERS, "Lists a tenant's users, newest first.", admin::list::<User>)
            .query(PAGE)
            .gives("AccountList"),
        Route::new("post", USERS, "Makes a user.", admin::create::<User>).takes("AccountRequest").gives("Account"),
        Route::new("get", USER, "Describes a user.", admin::get::<User>).gives("Account"),
        Route::new("patch", USER, "Changes, disables or enables a user.", admin::change::<User>)
            .takes("AccountUpdate")
            .gives("Account"),
        Route::new("delete", USER, "Ends a user with their keys.", admin::delete::<User>).gives("Deleted"),
    ]
}

fn key_routes() -> Vec<Route> {
    const KEYS: &str = "/admin/v1/tenants/{tenant}/keys";
    const KEY: &str = "/admin/v1/tenants/{tenant}/keys/{key}";
    vec![
        Route::new("get", KEYS, "Lists a tenant's keys, newest first.", admin::keys).query(PAGE).gives("KeyList"),
        Route::new("post", KEYS, "Makes a key and shows its secret, this once.", admin::issue)
            .takes("KeyRequest")
            .gives("NewKey"),
        Route::new("get", KEY, "Describes a key, and how much of its limits is left.", admin::key).gives("Key"),
        Route::new("patch", KEY, "Changes, disables or enables a key, from its next call on.", admin::change_key_of)
            .takes("KeyUpdate")
            .gives("Key"),
        Route::new("delete", KEY, "Ends a key.", admin::revoke).gives("Deleted"),
    ]
}

fn secret_routes() -> Vec<Route> {
    const SECRETS: &str = "/admin/v1/secrets";
    const SECRET: &str = "/admin/v1/secrets/{name}";
    const REKEY: &str = "/admin/v1/master_key/change";
    vec![
        Route::new("get", SECRETS, "Lists secrets, without their values.", admin::secrets)
            .query(PAGE)
            .gives("SecretList"),
        Route::new("put", SECRET, "Keeps a secret, or changes its value.", admin::set_secret_of)
            .takes("SecretRequest")
            .gives("Secret"),
        Route::new("delete", SECRET, "Forgets a secret that nothing needs.", admin::remove_secret).gives("Deleted"),
        Route::new("post", REKEY, "Seals all secrets with a new master key.", admin::rekey).gives("Object"),
    ]
}

fn usage_routes() -> Vec<Route> {
    vec![
        Route::new("get", "/admin/v1/usage", "Sums calls, tokens, money and time by whom and what.", admin::usage)
            .query(&[
                "from",
                "to",
                "by",
                "period",
                "utc_offset",
                "sort",
                "limit",
                "tenant",
                "project",
                "user",
                "key",
                "app",
                "model",
                "provider",
            ])
            .gives("Usage"),
        Route::new("get", "/v1/limits", "Says who the caller is and how much of which limit is left.", admin::limits)
            .query(&["model"])
            .gives("Standing"),
    ]
}

fn review_routes() -> Vec<Route> {
    const REVIEWS: &str = "/admin/v1/tenants/{tenant}/reviews";
    const REVIEW: &str = "/admin/v1/tenants/{tenant}/reviews/{review}";
    const APPROVE: &str = "/admin/v1/tenants/{tenant}/reviews/{review}/approve";
    const EDIT: &str = "/admin/v1/tenants/{tenant}/reviews/{review}/edit";
    const REJECT: &str = "/admin/v1/tenants/{tenant}/reviews/{review}/reject";
    vec![
        Route::new("get", REVIEWS, "Lists what rules hold for a person, newest first.", admin::reviews)
            .query(&["limit", "order", "after", "before", "state", "side", "model", "key"])
            .gives("ReviewList"),
        Route::new("get", REVIEW, "Shows all of what is held.", admin::review).gives("Review"),
        Route::new("post", APPROVE, "Lets it go on as it is; not for who asked.", admin::approve)
            .takes("ReviewNote")
            .gives("Review"),
        Route::new("post", EDIT, "Lets it go on with another text; not for who asked.", admin::edit)
            .takes("ReviewEdit")
            .gives("Review"),
        Route::new("post", REJECT, "Does not let it go on.", admin::reject).takes("ReviewNote").gives("Review"),
        Route::new(
            "get",
            "/v1/reviews/{review}",
            "Says how far the caller's own held call is, and gives its answer once that is approved.",
            admin::review_of_caller,
        )
        .gives("ReviewOfCaller"),
    ]
}

/// The router over the whole table.
pub(crate) fn router(state: Arc<AppState>) -> Router {
    let mut router = Router::new();
    for route in table() {
        // A model's name may have slashes in it.
        let path = route.path.replace("{model}", "{*model}");
        router = router.route(&path, route.handler);
    }
    let router = router.fallback(no_such_route).method_not_allowed_fallback(no_such_method);
    // Each layer costs every request some boxes: what is around all routes is in `serve`, and this is seldom there.
    let is_traced = state.tracer.is_some();
    let router = if is_traced { router.layer(axum::middleware::from_fn(trace::note_route)) } else { router };
    router.with_state(state)
}

async fn no_such_route(method: Method, uri: Uri) -> ApiError {
    let message = format!("There is no route {method} {}; GET /openapi.json lists them.", uri.path());
    ApiError::from(Error::new(ErrorCode::NotFound, message)).in_form(form_of(&uri))
}

async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("{} does not take {method}; GET /openapi.json lists what it takes.", uri.path());
    ApiError::from(Error::new(ErrorCode::MethodNotAllowed, message)).in_form(form_of(&uri))
}

/// The form of errors below a path that no handler takes.
fn form_of(uri: &Uri) -> ErrorForm {
    let is_anthropic = uri.path() == "/v1/messages" || uri.path().starts_with("/v1/messages/");
    if is_anthropic { ErrorForm::Anthropic } else { ErrorForm::OpenAi }
}
