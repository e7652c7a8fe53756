//! The chat routes of all dialects: one stream of events, sent as it comes or collected.

use crate::admin::time::now_ms;
use crate::auth::{Asker, REVIEW};
use crate::backend::{Answered, Caller, ChatCall, Reply, RetrievalWishes};
use crate::body::JsonBody;
use crate::error::{ApiError, ApiResult, ErrorForm, ok};
use crate::filter::{read_filter, read_mode};
use crate::sse;
use crate::state::AppState;
use crate::stream::FrameStream;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::Value;
use std::sync::Arc;
use yizhan_dialect::anthropic::{MessageReply, MessageWriter, MessagesRequest, count_reply};
use yizhan_dialect::openai::{Answer, ChatCompletionRequest, ChunkWriter, RetrievalWish};
use yizhan_dialect::responses::{ResponseReply, ResponseWriter, ResponsesRequest};
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_model::{ChatEvent, ChatRequest};

/// Answers a conversation, OpenAI's way.
pub(crate) async fn create(
    State(state): State<Arc<AppState>>,
    Asker(caller): Asker,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let request = ChatCompletionRequest::read(body)?;
    let (stream, include_usage) = (request.request.streamed, request.include_usage);
    let model = request.model_name();
    let call = to_call(model, request.request, request.retrieval)?;
    let reply = state.chat.chat(caller, call).await.map_err(ApiError::noted)?;
    let (mut facts, created) = (Facts::of(&reply), now_ms() / 1000);
    let id = format!("chatcmpl-{}", digits(&reply));
    if stream {
        let writer = ChunkWriter::new(id, created, reply.model.as_str(), include_usage);
        let frames = FrameStream::new(reply.events, writer);
        return Ok(facts.onto(sse::response(frames, state.settings.keep_alive)));
    }
    let model = reply.model.clone();
    let mut answer = Answer::default();
    facts.review = collect(reply, |event| answer.take(event)).await?;
    Ok(facts.onto(ok(&answer.body(&id, created, model.as_str()))))
}

/// Who calls and what they ask, or a refusal in Anthropic's form.
pub(crate) struct AnthropicCall(Caller, Value);

impl FromRequest<Arc<AppState>> for AnthropicCall {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<AppState>) -> std::result::Result<Self, ApiError> {
        let read = async {
            let (mut parts, body) = request.into_parts();
            // In this order: nobody's body is read before it is known whose.
            let Asker(caller) = Asker::from_request_parts(&mut parts, state).await?;
            let JsonBody(body) = JsonBody::from_request(Request::from_parts(parts, body), state).await?;
            Ok(Self(caller, body))
        };
        read.await.map_err(|error: ApiError| error.in_form(ErrorForm::Anthropic))
    }
}

/// Answers a conversation, Anthropic's way.
pub(crate) async fn messages(
    State(state): State<Arc<AppState>>,
    AnthropicCall(caller, body): AnthropicCall,
) -> ApiResult {
    let answered = async {
        let request = MessagesRequest::read(body)?;
        let stream = request.request.streamed;
        let call = to_call(request.model_name(), request.request, request.retrieval)?;
        let reply = state.chat.chat(caller, call).await.map_err(ApiError::noted)?;
        let mut facts = Facts::of(&reply);
        let id = format!("msg_{}", digits(&reply));
        if stream {
            let writer = MessageWriter::new(id, reply.model.as_str(), reply.prompt_tokens);
            let frames = FrameStream::new(reply.events, writer);
            return Ok(facts.onto(sse::response(frames, state.settings.keep_alive)));
        }
        let (model, mut message) = (reply.model.clone(), MessageReply::default());
        facts.review = collect(reply, |event| message.take(event)).await?;
        Ok(facts.onto(ok(&message.write(&id, model.as_str()))))
    };
    answered.await.map_err(|error: ApiError| error.in_form(ErrorForm::Anthropic))
}

/// Counts the tokens of a prompt, Anthropic's way.
pub(crate) async fn count_tokens(
    State(state): State<Arc<AppState>>,
    AnthropicCall(caller, body): AnthropicCall,
) -> ApiResult {
    let counted = async {
        let request = MessagesRequest::read_count(body)?;
        let tokens = state.chat.count_tokens(&caller, &request.model_name(), &request.request).await?;
        Ok(ok(&count_reply(tokens)))
    };
    counted.await.map_err(|error: ApiError| error.in_form(ErrorForm::Anthropic))
}

/// Answers a conversation, in the way of OpenAI's Responses.
pub(crate) async fn responses(
    State(state): State<Arc<AppState>>,
    Asker(caller): Asker,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let request = ResponsesRequest::read(body)?;
    let (stream, echo, created) = (request.request.streamed, request.echo.clone(), now_ms() / 1000);
    let call = to_call(request.model_name(), request.request, request.retrieval)?;
    let reply = state.chat.chat(caller, call).await.map_err(ApiError::noted)?;
    let mut facts = Facts::of(&reply);
    let id = format!("resp_{}", digits(&reply));
    if stream {
        let writer = ResponseWriter::new(id, created, reply.model.as_str(), echo);
        let frames = FrameStream::new(reply.events, writer);
        return Ok(facts.onto(sse::response(frames, state.settings.keep_alive)));
    }
    let (model, mut response) = (reply.model.clone(), ResponseReply::default());
    facts.review = collect(reply, |event| response.take(event)).await?;
    Ok(facts.onto(ok(&response.write(&id, created, model.as_str(), &echo))))
}

/// What a reply's headers say of it.
pub(crate) struct Facts {
    call: String,
    served: Option<String>,
    fallback: bool,
    cached: Option<&'static str>,
    /// The review that decides on the answer; streams tell of it themselves.
    review: Option<String>,
    limits: Vec<(&'static str, String)>,
}

impl Facts {
    fn of(reply: &Reply) -> Self {
        Self {
            call: reply.call.as_str().to_owned(),
            served: reply.served.as_ref().map(|(provider, model)| format!("{provider}/{model}")),
            fallback: reply.fallback,
            cached: reply.cached,
            review: None,
            limits: reply.standing.headers(),
        }
    }

    /// Of a call that was answered at once.
    pub(crate) fn at_once<T>(answered: &Answered<T>) -> Self {
        let (call, limits) = (answered.call.as_str().to_owned(), answered.standing.headers());
        Self { call, served: None, fallback: false, cached: None, review: None, limits }
    }

    pub(crate) fn onto(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        // Names and values as they are: given as texts, both would be copied.
        let mut put = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        put("x-yizhan-call", self.call);
        let words = [
            ("x-yizhan-served-by", self.served),
            ("x-yizhan-fallback", self.fallback.then(|| "true".to_owned())),
            ("x-yizhan-cache", self.cached.map(str::to_owned)),
            (REVIEW, self.review),
        ];
        words.into_iter().filter_map(|(name, value)| Some((name, value?))).for_each(|(name, value)| put(name, value));
        self.limits.into_iter().for_each(|(name, value)| put(name, value));
        response
    }
}

/// The digits of a call's id.
fn digits(reply: &Reply) -> &str {
    reply.call.as_str().trim_start_matches("call-")
}

/// Hands over all events up to the last; the id of the review, when the answer is held for one.
async fn collect(mut reply: Reply, mut take: impl FnMut(ChatEvent)) -> ApiResult<Option<String>> {
    let mut review = None;
    while let Some(event) = reply.events.next().await {
        let event = event.map_err(ApiError::noted)?;
        let is_last = matches!(event, ChatEvent::End { .. });
        if let ChatEvent::Extra { choice: None, fields } = &event
            && let Some(id) = fields.get("yizhan").and_then(|ours| ours["review"]["id"].as_str())
        {
            review = Some(id.to_owned());
        }
        take(event);
        if is_last {
            return Ok(review);
        }
    }
    Err(ApiError::noted(broke_off()))
}

/// The error for a stream that ended before its end.
pub(crate) fn broke_off() -> Error {
    Error::new(ErrorCode::WorkerFailed, "The answer broke off before its end; ask again.")
}

fn to_call(model: ModelName, request: ChatRequest, retrieval: RetrievalWish) -> Result<ChatCall> {
    Ok(ChatCall { model, request, retrieval: to_retrieval(retrieval)? })
}

fn to_retrieval(wish: RetrievalWish) -> Result<RetrievalWishes> {
    Ok(RetrievalWishes {
        mode: wish.mode.map(|mode| read_mode("retrieval.mode", &mode)).transpose()?,
        top: wish.limit,
        filter: wish.filter.map(|filter| read_filter("retrieval.filter", filter)).transpose()?,
        min_score: wish.score_threshold,
        rerank: wish.rerank,
    })
}
