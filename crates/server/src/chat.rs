//! `/v1/chat/completions`: one stream of events, sent as it comes or collected.

use crate::auth::Asker;
use crate::backend::{ChatCall, ChatReply, RetrievalWishes};
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
use yizhan_dialect::openai::{Answer, ChatCompletionRequest, ChunkWriter, RetrievalWish};
use yizhan_domain::{Error, ErrorCode, Result};

/// Answers a conversation.
pub(crate) async fn create(
    State(state): State<Arc<AppState>>,
    Asker(principal): Asker,
    RequestId(request_id): RequestId,
    JsonBody(body): JsonBody,
) -> ApiResult {
    let request = ChatCompletionRequest::read(body)?;
    let (stream, include_usage) = (request.request.streamed, request.include_usage);
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
        answer.take(event?);
        if answer.is_whole() {
            return Ok(answer);
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
    Ok(ChatCall { model, request: request.request, retrieval, request_id })
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
