//! From a request to a run: the prompt's tokens, the limits, the grammar.
//!
//! It does not know slots. It runs on the reading thread, so that long prompts do not hold up answers.

use super::answer::{Answer, Judgement, Run, Work};
use super::output::OutputReader;
use super::sampling::Sampler;
use super::schema;
use super::template::{ChatTemplate, SpecialTexts};
use super::text::StopFinder;
use crate::native::{Grammar, Model, Token};
use crate::protocol::CallId;
use std::sync::{Arc, Mutex};
use yizhan_domain::{Content, Error, ErrorCode, Message, Part, Result, Role};
use yizhan_model::{ChatRequest, ResponseFormat, ToolChoice};

/// What changes the answer's meaning and cannot be honoured here.
fn refuse_what_would_be_lost(request: &ChatRequest) -> Result<()> {
    let refused = |at: &str, why: &str| Err(Error::invalid(at, format!("'{at}': {why}")));
    if request.more_choices > 0 {
        return refused("n", "a local model gives one answer a request; send 1, or several requests.");
    }
    if matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Function(_)) {
        return refused("tool_choice", "a local model's call cannot be forced; send 'auto' or 'none'.");
    }
    if request.tools.iter().any(|tool| tool["type"] != "function") {
        return refused("tools", "a local model takes tools of the type 'function' only.");
    }
    let is_set = |value: &serde_json::Value| match value {
        serde_json::Value::Null | serde_json::Value::Bool(false) => false,
        serde_json::Value::Array(list) => !list.is_empty(),
        serde_json::Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    for at in ["logprobs", "logit_bias", "functions"] {
        if request.extra.get(at).is_some_and(is_set) {
            return refused(at, "local models do not support it; leave it out.");
        }
    }
    Ok(())
}

/// The instruction of Qwen3-Reranker, which general models follow as well.
const JUDGE: &str = "Judge whether the Document meets the requirements based on the Query and the Instruct provided. \
Note that the answer can only be \"yes\" or \"no\".";
const JUDGE_TASK: &str = "Given a search query, retrieve relevant passages that answer the query";

/// Makes runs for one model.
pub(crate) struct PromptMaker {
    model: Arc<Model>,
    template: ChatTemplate,
    special: SpecialTexts,
    context: usize,
    yes: Vec<Token>,
    no: Vec<Token>,
}

impl PromptMaker {
    /// `context`: most tokens of prompt and answer together.
    pub(crate) fn new(model: Arc<Model>, context: usize) -> Result<Self> {
        let template = ChatTemplate::new(model.chat_template(), model.bos_text(), model.eos_text())?;
        let special = SpecialTexts::new(model.special_texts());
        let single = |words: [&str; 2]| -> Vec<Token> {
            let tokens = words.iter().filter_map(|word| model.tokenize(word, false, false).ok());
            tokens.filter(|tokens| tokens.len() == 1).flatten().collect()
        };
        let (yes, no) = (single(["yes", "Yes"]), single(["no", "No"]));
        Ok(Self { model, template, special, context, yes, no })
    }

    /// The tokens of the rendered prompt.
    pub(crate) fn count(&self, request: &ChatRequest) -> Result<u32> {
        Ok(self.tokens(&request.messages, &request.tools)?.0.len() as u32)
    }

    /// The run that answers the request.
    pub(crate) fn answer(&self, id: CallId, request: &ChatRequest) -> Result<Run> {
        refuse_what_would_be_lost(request)?;
        let offered: &[serde_json::Value] = if request.tool_choice == ToolChoice::None { &[] } else { &request.tools };
        let (tokens, thinking) = self.tokens(&request.messages, offered)?;
        let limit = self.limit(tokens.len(), request.sampling.max_tokens)?;
        let grammar = match &request.response_format {
            ResponseFormat::Text => None,
            ResponseFormat::JsonObject => Some(schema::any_object()),
            ResponseFormat::JsonSchema { schema, .. } => Some(schema::grammar(schema)?),
        };
        let grammar = grammar.map(|text| Grammar::new(&self.model, &text)).transpose()?;
        let name = |tool: &serde_json::Value| Some(tool.pointer("/function/name")?.as_str()?.to_owned());
        let tools = offered.iter().filter_map(name).collect();
        let reader = OutputReader::new(tools, self.template.thinks(), thinking, format!("call-{id}-"));
        let stops = StopFinder::new(&request.sampling.stop);
        let answer = Answer::new(Sampler::new(&request.sampling, grammar), stops, reader);
        Ok(Run { id, prompt: tokens.len(), tokens, reused: 0, limit, work: Work::Answer(Box::new(answer)) })
    }

    /// One run per passage.
    pub(crate) fn judgements(&self, id: CallId, query: &str, passages: &[String]) -> Result<Vec<Run>> {
        if self.yes.is_empty() || self.no.is_empty() {
            let message = "This model's vocabulary has no token for yes or no; choose another model as reranker.";
            return Err(Error::new(ErrorCode::InvalidConfig, message));
        }
        let sheet = Arc::new(Mutex::new(vec![None; passages.len()]));
        let run = |(index, passage): (usize, &String)| {
            let text = format!("<Instruct>: {JUDGE_TASK}\n<Query>: {query}\n<Document>: {passage}");
            let messages = [Message::text(Role::System, JUDGE), Message::text(Role::User, text)];
            let (tokens, _) = self.tokens(&messages, &[])?;
            let limit = self.limit(tokens.len(), Some(1))?;
            let sheet = Arc::clone(&sheet);
            let judgement = Judgement { index, yes: self.yes.clone(), no: self.no.clone(), sheet };
            Ok(Run { id, prompt: tokens.len(), tokens, reused: 0, limit, work: Work::Judge(judgement) })
        };
        passages.iter().enumerate().map(run).collect()
    }

    /// How long prompt and answer may become together.
    fn limit(&self, prompt: usize, answer: Option<u32>) -> Result<usize> {
        let context = self.context;
        let error = |message| Err(Error::new(ErrorCode::ContextLengthExceeded, message).at("messages"));
        if prompt >= context {
            return error(format!(
                "The prompt has {prompt} tokens and this model takes {context}, answer included. \
                 Shorten the conversation or give fewer sources."
            ));
        }
        let answer = answer.map_or(context - prompt, |answer| answer.max(1) as usize);
        if prompt + answer > context {
            return error(format!(
                "The prompt has {prompt} tokens and max_tokens asks for {answer} more, but this model takes {context} \
                 together. Shorten the conversation, or lower max_tokens to {} at most.",
                context - prompt
            ));
        }
        Ok(prompt + answer)
    }

    /// The prompt's tokens, and whether it ends inside the model's reasoning.
    fn tokens(&self, messages: &[Message], tools: &[serde_json::Value]) -> Result<(Vec<Token>, bool)> {
        if messages.is_empty() {
            return Err(Error::invalid("messages", "A conversation needs at least one message."));
        }
        let messages = messages.iter().enumerate().map(|(index, message)| self.disarm(index, message));
        let prompt = self.template.render(&messages.collect::<Result<Vec<_>>>()?, tools)?;
        let bos = self.template.bos();
        // Where the template writes it, the tokenizer must not add it once more.
        let add_special = bos.is_empty() || !prompt.starts_with(bos);
        let mut tokens = Vec::new();
        for (index, piece) in SpecialTexts::pieces(&prompt).enumerate() {
            tokens.extend(self.model.tokenize(piece, add_special && index == 0, true)?);
        }
        if tokens.is_empty() {
            return Err(Error::invalid("messages", "The conversation is empty."));
        }
        Ok((tokens, prompt.trim_end().ends_with("<think>")))
    }

    fn disarm(&self, index: usize, message: &Message) -> Result<Message> {
        if let Content::Parts(parts) = &message.content
            && parts.iter().any(|part| !matches!(part, Part::Text { .. }))
        {
            let at = format!("messages[{index}].content");
            return Err(Error::invalid(
                at,
                "This model reads text only; leave images and other parts out, or choose another model.",
            ));
        }
        let mut message = message.clone();
        message.content = Content::Text(self.special.disarm(&message.content.text()));
        for call in &mut message.tool_calls {
            call.arguments = self.special.disarm(&call.arguments);
        }
        Ok(message)
    }
}
