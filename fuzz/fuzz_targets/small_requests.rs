//! Embeddings, reranking in three shapes, moderations, vector stores with their files, batches and searches.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yizhan_dialect::openai::{
    AttachRequest, EmbeddingRequest, ModerationRequest, SearchRequest, VectorStoreRequest, VectorStoreUpdate,
    read_attributes_update, read_batch_request,
};
use yizhan_dialect::{RerankRequest, RerankVersion, rerank_reply};
use yizhan_domain::Result;
use yizhan_fuzz::{json, refused};

fn told<T>(read: Result<T>) -> Option<T> {
    read.inspect_err(refused).ok()
}

fuzz_target!(|data: &[u8]| {
    let Some(body) = json(data) else { return };
    for version in [RerankVersion::V1, RerankVersion::V2] {
        let Some(request) = told(RerankRequest::read(body.clone(), version)) else { continue };
        // More, fewer and odd scores, as a broken model may give them.
        for scores in [vec![0.5; request.documents.len()], vec![f32::NAN; 3], Vec::new()] {
            let reply = rerank_reply("r", &request, &scores, Some(7));
            let most = request.top_n.unwrap_or(usize::MAX).min(request.documents.len());
            assert!(reply["results"].as_array().expect("a list").len() <= most);
        }
    }
    told(EmbeddingRequest::read(body.clone()));
    told(ModerationRequest::read(body.clone()));
    told(VectorStoreRequest::read(body.clone()));
    told(VectorStoreUpdate::read(body.clone()));
    told(AttachRequest::read(body.clone()));
    told(SearchRequest::read(body.clone()));
    told(read_attributes_update(body.clone()));
    told(read_batch_request(body));
});
