//! `/v1/chat/completions`: one stream of events, sent as it comes or collected.

use crate::auth::Asker;
use crate::backend::{ChatCall, ChatReply, ReplyEvent, Retrieval};
use crate::body::JsonBody;
use crate::error::{ApiResult, ok};
use crate::filter::{read_filter, read_mode};
use crate::middleware::RequestId;
use crate::sse;
use crate::state::AppState;
use crate::stream::ChunkStream;
use axum::extract::State;
use futures_util::StreamExt;
use std::sync::Arc;
use yizhan_dialect::openai::{
    Answer, ChatCompletionRequest, ChunkWriter, ResponseFormat as WireFormat, RetrievalWish, ToolChoice,
};
use yizhan_domain::{Error, ErrorCode, Result};
use yizhan_model::{ChatRequest, ResponseFormat, Sampling};

/// Answers a conversation.
pub(crate) async fn create(
    State(state): State<Arc<AppState>>,
    Asker(principal): Asker,
    RequestId(request_id): RequestId,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let request = ChatCompletionRequest::read(body)?;
    let (stream, include_usage) = (request.stream, request.include_usage);
    let reply = state.chat.chat(principal, to_call(request, request_id)?).await?;
    if stream {
        let writer = ChunkWriter::new(reply.id, reply.created, reply.model.as_str(), include_usage);
        return Ok(sse::response(ChunkStream::new(reply.events, writer), state.settings.keep_alive));
    }
    let (id, created, model) = (reply.id.clone(), reply.created, reply.model.clone());
    let answer = collect(reply).await?;
    Ok(ok(&answer.write(&id, created, model.as_str())))
}

/// What the events add up to.
async fn collect(mut reply: ChatReply) -> Result<Answer> {
    let mut answer = Answer::default();
    while let Some(event) = reply.events.next().await {
        match event? {
            ReplyEvent::Text(delta) => answer.text.push_str(&delta),
            ReplyEvent::Reasoning(delta) => answer.reasoning.push_str(&delta),
            ReplyEvent::ToolCall(call) => answer.tool_calls.push(call),
            ReplyEvent::Finish { reason, usage, citations } => {
                return Ok(Answer { reason: Some(reason), usage, citations, ..answer });
            }
        }
    }
    Err(broke_off())
}

/// The error for a stream that ended before its end.
pub(crate) fn broke_off() -> Error {
    Error::new(ErrorCode::WorkerFailed, "The answer broke off before its end; ask again.")
}

fn to_call(request: ChatCompletionRequest, request_id: String) -> Result<ChatCall> {
    let model = request.model_name();
    let retrieval = to_retrieval(request.retrieval)?;
    let tools = match request.tool_choice {
        ToolChoice::Auto => request.tools,
        ToolChoice::None => Vec::new(),
        ToolChoice::Required | ToolChoice::Function(_) => {
            let message = "'tool_choice' may be 'auto' or 'none'; this server cannot force a call.";
            return Err(Error::invalid("tool_choice", message));
        }
    };
    let response_format = match request.response_format {
        WireFormat::Text => ResponseFormat::Text,
        WireFormat::JsonObject => ResponseFormat::JsonObject,
        WireFormat::JsonSchema(schema) => ResponseFormat::JsonSchema(schema),
    };
    let sampling = Sampling {
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        min_p: request.min_p,
        frequency_penalty: request.frequency_penalty,
        presence_penalty: request.presence_penalty,
        repeat_penalty: request.repeat_penalty,
        seed: request.seed.map(i64::cast_unsigned),
        max_tokens: request.max_tokens,
        stop: request.stop,
    };
    let request = ChatRequest { messages: request.messages, sampling, tools, response_format };
    Ok(ChatCall { model, request, retrieval, request_id })
}

fn to_retrieval(wish: RetrievalWish) -> Result<Retrieval> {
    Ok(Retrieval {
        mode: wish.mode.map(|mode| read_mode("retrieval.mode", &mode)).transpose()?,
        limit: wish.limit,
        filter: wish.filter.map(|filter| read_filter("retrieval.filter", filter)).transpose()?,
        score_threshold: wish.score_threshold,
        rerank: wish.rerank,
    })
}
