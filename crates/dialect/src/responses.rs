//! OpenAI's other wire format for answers: the Responses API.
//!
//! No state is kept here: every request must bring its whole conversation. `store` is not heeded (the reply says
//! `false`), and what lies at the server (`previous_response_id`, `conversation`, `item_reference`,
//! `prompt`, `background`) is refused.
//!
//! # What maps to what
//!
//! | request | the model's words |
//! | --- | --- |
//! | `instructions` | the first message, of the role `system` |
//! | `input` as a text; items `message` | messages; `developer` is `system` |
//! | `input_text`, `output_text`, `refusal` / `input_image` / `input_file` | `Part::Text` / `Part::Image` / chat's `file` part |
//! | `function_call` | a tool call of the assistant's message before it, or of a new one |
//! | `function_call_output` | a message of the role `tool` |
//! | `reasoning` | `extra["reasoning_content"]` of the message that follows; `extra["thinking_blocks"]` if `encrypted_content` is ours |
//! | `tools` of the type `function`; `tool_choice`, `allowed_tools` too | chat's form; tools that are not allowed are left out |
//! | `text.format` / `text.verbosity` / `reasoning.effort` | `response_format` / `extra["verbosity"]` / `extra["reasoning_effort"]` |
//! | `max_output_tokens` | `max_tokens` |
//! | `top_logprobs`, `include: ["message.output_text.logprobs"]` | `extra["logprobs"]`, `extra["top_logprobs"]` |
//! | `metadata`, `truncation`, `include`, `max_tool_calls` | not sent to models; the reply repeats what it can |
//! | all else | `ChatRequest.extra` under the same name |
//!
//! | model | reply |
//! | --- | --- |
//! | text, refusal | an item `message` with one part `output_text` or `refusal` |
//! | reasoning | an item `reasoning`: its `summary` if the request asked for one, else its `content` |
//! | signed or encrypted reasoning of Anthropic's | `encrypted_content` of that item |
//! | a tool call | an item `function_call` |
//! | `stop`, `tool_calls` / `length` / `content_filter` | `completed` / `incomplete: max_output_tokens` / `incomplete: content_filter` |
//! | our citations | annotations `file_citation` of the last text; our `page`, `quote` and `boxes` beside |
//!
//! Lost: answers beyond the first, annotations and blocks in vendors' own words, audio, the matched stop sequence.

mod echo;
mod input_read;
mod item_write;
mod reply_write;
mod request_read;
mod stream_write;

pub use echo::Echo;
pub use reply_write::ResponseReply;
pub use request_read::ResponsesRequest;
pub use stream_write::ResponseWriter;
