use super::*;
use crate::call::{Caller, RetrievalWishes};
use futures_util::StreamExt;
use yizhan_access::Principal;
use yizhan_domain::{BaseId, DocumentId, Error, ErrorCode, FileId, LineSpan, ModelName, TenantId};
use yizhan_index::{MemoryTextIndex, MemoryVectorIndex, TextIndex, VectorIndex};
use yizhan_knowledge::{IndexFactory, Parts};
use yizhan_model::{ChatModel, EmbedModel, ModelRegistry, RerankModel};
use yizhan_store::{
    Base, BaseSettings, BlobStore, ContentHash, DocumentStore, MemoryStore, NewChunk, NewDocument, NewFile, Processed,
};
use yizhan_testkit::ScriptedChat;

/// Indexes that live as long as the test.
struct InMemory;

impl IndexFactory for InMemory {
    fn text(&self, _: &Base) -> Result<Arc<dyn TextIndex>> {
        Ok(Arc::new(MemoryTextIndex::default()))
    }
    fn vector(&self, _: &Base, dimensions: usize) -> Result<Arc<dyn VectorIndex>> {
        Ok(Arc::new(MemoryVectorIndex::new(dimensions)))
    }
    fn remove(&self, _: &BaseId) -> Result<()> {
        Ok(())
    }
}

/// One chat model.
struct One(Arc<ScriptedChat>);

impl ModelRegistry for One {
    fn chat(&self, name: &ModelName) -> Result<Arc<dyn ChatModel>> {
        if name != self.0.name() {
            return Err(Error::new(ErrorCode::ModelNotFound, format!("There is no model '{name}'.")));
        }
        Ok(Arc::clone(&self.0) as Arc<dyn ChatModel>)
    }
    fn embed(&self, name: &ModelName) -> Result<Arc<dyn EmbedModel>> {
        Err(Error::new(ErrorCode::ModelNotFound, format!("There is no model '{name}'.")))
    }
    fn rerank(&self, name: &ModelName) -> Result<Arc<dyn RerankModel>> {
        Err(Error::new(ErrorCode::ModelNotFound, format!("There is no model '{name}'.")))
    }
    fn chat_models(&self) -> Vec<ModelName> {
        vec![self.0.name().clone()]
    }
    fn embed_models(&self) -> Vec<ModelName> {
        Vec::new()
    }
}

pub(crate) struct House {
    pub(crate) gateway: Gateway,
    pub(crate) model: Arc<ScriptedChat>,
    pub(crate) store: Arc<MemoryStore>,
}

pub(crate) fn house(apps: Apps) -> House {
    house_with(apps, Ledger::default())
}

pub(crate) fn house_with(apps: Apps, ledger: Ledger) -> House {
    let model = Arc::new(ScriptedChat::new("scripted"));
    let store = Arc::new(MemoryStore::new());
    let options = yizhan_document::ParserOptions::new(Default::default());
    let parser = yizhan_document::Parser::new(yizhan_process::Program::at("/nowhere"), options);
    let knowledge = Knowledge::new(Parts {
        store: Arc::clone(&store) as Arc<dyn DocumentStore>,
        blobs: Arc::clone(&store) as Arc<dyn BlobStore>,
        models: Arc::new(One(Arc::clone(&model))),
        indexes: Arc::new(InMemory),
        parser: Arc::new(parser),
    });
    let keys = Arc::clone(&store) as Arc<dyn yizhan_store::KeyStore>;
    let access = Arc::new(Access::new(keys));
    let policy = Policy { chat: Some(ModelName::new("scripted")), ..Policy::default() };
    let queue = Queue::new(Default::default());
    let gateway = Gateway::new(Arc::new(knowledge), apps, access, ledger, queue, policy);
    House { gateway, model, store }
}

/// A base of full text only, one chunk a document, ready.
pub(crate) async fn fill(store: &MemoryStore, name: &str, documents: &[(&str, &str)]) {
    let base = store.create_base(&TenantId::default_tenant(), name, BaseSettings::default()).await.unwrap();
    for (name, text) in documents {
        add(store, &base, name, text).await;
    }
}

/// One more document, or another content of the same.
pub(crate) async fn add(store: &MemoryStore, base: &Base, name: &str, text: &str) -> DocumentId {
    let hash = ContentHash(format!("{:0>64}", format!("{name}{}", text.len())));
    let file = NewFile {
        tenant: base.tenant.clone(),
        name: name.to_owned(),
        hash: hash.clone(),
        bytes: text.len() as u64,
        purpose: "assistants".into(),
    };
    let file = store.create_file(file).await.unwrap();
    let document = NewDocument {
        file: file.id,
        source: name.to_owned(),
        name: name.to_owned(),
        hash,
        attributes: Default::default(),
    };
    store.submit(&base.id, document).await.unwrap();
    let job = store.claim(Some(&base.id), std::time::Duration::from_secs(60)).await.unwrap().unwrap();
    let line = LineSpan { start: 0, end: text.len() as u32, page: Some(7), rect: None };
    let chunk = NewChunk {
        text: text.to_owned(),
        heading: vec![],
        lines: vec![line],
        section: None,
        tokens: 9,
        vector: vec![],
    };
    store.complete(&job, Processed { pages: Some(9), sections: vec![], chunks: vec![chunk] }).await.unwrap();
    job.document.id
}

pub(crate) fn call(model: &str, question: &str) -> Call<Known> {
    let request = ChatRequest { messages: vec![Message::text(Role::User, question)], ..ChatRequest::default() };
    let principal = Principal::local(TenantId::default_tenant());
    Call::new(Caller::new(principal), ModelName::new(model), request, RetrievalWishes::default())
}

pub(crate) async fn answer(gateway: &Gateway, call: Call<Known>) -> (String, Vec<yizhan_domain::Citation>) {
    let mut reply = gateway.chat(call).await.unwrap();
    let mut text = String::new();
    while let Some(event) = reply.events.next().await {
        match event.unwrap() {
            ChatEvent::Text { delta, .. } => text.push_str(&delta),
            ChatEvent::Finish { citations, .. } => {
                assert!(matches!(reply.events.next().await, Some(Ok(ChatEvent::End { .. }))));
                assert!(reply.events.next().await.is_none(), "nothing follows the end");
                return (text, citations);
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("no end")
}

#[tokio::test]
async fn a_base_answers_from_its_documents_with_citations() {
    let house = house(Apps::none());
    fill(&house.store, "shop", &[("returns.txt", "Goods may be returned within thirty days of delivery.")]).await;
    house.model.say(&["Within thirty days of delivery [", "1] [4]."]);
    let (text, citations) = answer(&house.gateway, call("shop", "When may delivered goods be returned?")).await;
    assert_eq!(text, "Within thirty days of delivery [1] .");
    assert_eq!((citations[0].filename.as_str(), citations[0].page), ("returns.txt", Some(7)));
    assert_ne!(citations[0].file_id, FileId::new(""));
    let asked = house.model.requests().pop().unwrap();
    let prompt = asked.messages.last().unwrap().content.text();
    assert!(prompt.contains("Source 1: Goods may be returned"), "{prompt}");
    assert_eq!(asked.sampling.temperature, Some(0.0));
}

#[tokio::test]
async fn nothing_relevant_is_said_without_asking_a_model() {
    let house = house(Apps::none());
    fill(&house.store, "shop", &[("returns.txt", "Goods may be returned within thirty days.")]).await;
    let (text, citations) = answer(&house.gateway, call("shop", "2031 年世界杯冠军是谁？")).await;
    assert_eq!(text, Language::Chinese.nothing_found());
    assert!(citations.is_empty() && house.model.requests().is_empty());
}

#[tokio::test]
async fn a_bare_model_gets_the_conversation_as_it_is() {
    let house = house(Apps::none());
    house.model.say(&["see [9]"]);
    let (text, _) = answer(&house.gateway, call("scripted", "hello")).await;
    assert_eq!(text, "see [9]");
    assert_eq!(house.model.requests()[0].messages, [Message::text(Role::User, "hello")]);
}

#[tokio::test]
async fn an_application_brings_its_prompt_and_needs_its_bases() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("desk")).unwrap();
    let yaml = "prompt: {role: You are the returns desk.}\nknowledge: [shop]\nsampling: {max_tokens: 5}\n";
    std::fs::write(folder.path().join("desk/app.yaml"), yaml).unwrap();
    let house = house(Apps::open(folder.path()).unwrap());
    let error = house.gateway.chat(call("desk", "returned goods")).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::InvalidConfig);
    fill(&house.store, "shop", &[("returns.txt", "Goods may be returned within thirty days.")]).await;
    house.model.say(&["ok"]);
    answer(&house.gateway, call("desk", "When may goods be returned?")).await;
    let asked = house.model.requests().pop().unwrap();
    assert!(asked.messages[0].content.text().starts_with("You are the returns desk."));
    assert_eq!(asked.sampling.max_tokens, Some(5));
}

#[tokio::test]
async fn an_unknown_name_is_model_not_found() {
    let error = house(Apps::none()).gateway.chat(call("nobody", "hi")).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::ModelNotFound);
}

#[tokio::test]
async fn under_load_answers_are_shortened_then_refused() {
    let house = house(Apps::none());
    let mut policy = (*house.gateway.policy()).clone();
    policy.degradation = crate::policy::Degradation {
        short_answer: Some(50),
        longest_answer: Some(1_000),
        cheaper: Some(ModelName::new("scripted")),
    };
    house.gateway.set_policy(policy);
    house.gateway.set_step(Step::ShortAnswers);
    answer(&house.gateway, call("scripted", "hello")).await;
    assert_eq!(house.model.requests()[0].sampling.max_tokens, Some(50));
    let mut long = call("scripted", "hello");
    long.request.sampling.max_tokens = Some(2_000);
    let refused = house.gateway.chat(long).await.err().unwrap();
    assert_eq!((refused.code(), refused.wait().is_some()), (ErrorCode::RateLimited, true));
    house.gateway.set_step(Step::CheaperModel);
    answer(&house.gateway, call("scripted", "hello")).await;
    house.gateway.set_step(Step::Refuse);
    let refused = house.gateway.chat(call("scripted", "hello")).await.err().unwrap();
    assert_eq!(refused.code(), ErrorCode::RateLimited);
    house.gateway.set_step(Step::Normal);
    answer(&house.gateway, call("scripted", "hello")).await;
    assert_eq!(house.model.requests().last().unwrap().sampling.max_tokens, None);
}

#[tokio::test]
async fn a_reply_that_is_dropped_gives_back_its_place_and_closes_the_upstream() {
    let house = house(Apps::none());
    let sender = house.model.live();
    sender.send(Ok(ChatEvent::text("x"))).unwrap();
    let reply = house.gateway.chat(call("scripted", "hello")).await.unwrap();
    assert_eq!((house.gateway.queue().state().0, house.gateway.access().active()), (1, 1));
    drop(reply);
    assert_eq!((house.gateway.queue().state().0, house.gateway.access().active()), (0, 0));
    assert_eq!(house.model.open_streams(), 0);
}

#[tokio::test]
async fn a_call_that_its_caller_leaves_is_recorded_before_and_after_its_first_content() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, key) = (folder.path().join("audit"), folder.path().join("key"));
    let log = yizhan_audit::AuditLog::open(&audit, yizhan_audit::Options::new(&key)).unwrap();
    let house = house_with(Apps::none(), Ledger::new(log, crate::ledger::OnAuditFailure::Closed));
    let silent = house.model.live();
    let mut asking = Box::pin(house.gateway.chat(call("scripted", "hello")));
    while house.model.open_streams() == 0 {
        assert!(futures_util::FutureExt::now_or_never(asking.as_mut()).is_none());
        tokio::task::yield_now().await;
    }
    drop(asking);
    silent.closed().await;
    let speaking = house.model.live();
    speaking.send(Ok(ChatEvent::text("x"))).unwrap();
    drop(house.gateway.chat(call("scripted", "hello")).await.unwrap());
    answer(&house.gateway, call("scripted", "hello")).await;
    drop(house);
    let key = yizhan_audit::Key::load(&key).unwrap();
    let mut entries = yizhan_audit::Entries::open(&audit, &key, 1).unwrap();
    let mut outcomes = Vec::new();
    while let Some(stored) = entries.next().unwrap() {
        outcomes.push(stored.record.outcome.word());
    }
    assert_eq!(outcomes, ["cancelled", "cancelled", "ok"]);
}
