//! Anthropic's wire format: the Messages API.
//!
//! # What maps to what
//!
//! The model's own words are OpenAI's. What OpenAI has a name for carries that name; what only Anthropic
//! knows is kept under Anthropic's own name in the nearest `extra`, from where it can be given back unharmed.
//!
//! | Anthropic's request | the model's words |
//! | --- | --- |
//! | `system`, and messages of the role `system` | messages of the role `system` |
//! | `tool_result` blocks of a user's message | a message of the role `tool` each; `is_error`, `cache_control` in its `extra` |
//! | `tool_use` blocks | `tool_calls`; `input` becomes the text of `arguments` |
//! | `thinking` (signed), `redacted_thinking` | `Message.extra["thinking_blocks"]`, the blocks as they came |
//! | `thinking` without a signature: some other model's | `Message.extra["reasoning_content"]` |
//! | `image` (`base64`, `url`) | `Part::Image` with a `data:` or plain address |
//! | `document`, `search_result`, blocks of Anthropic's own tools | `Part::Other`, the block as it came |
//! | `cache_control`, `citations` of a text | `Part::Text.extra` |
//! | `tools` with `input_schema` | `{"type":"function"}`; `strict` inside `function`, the rest beside it |
//! | Anthropic's own tools (`web_search_…`) | kept as they came |
//! | `tool_choice` `auto`, `any`, `tool`, `none` | `auto`, `required`, the function, `none` |
//! | `disable_parallel_tool_use: true` | `extra["parallel_tool_calls"] = false` |
//! | `output_config.format` | `response_format`, and kept with the rest of `output_config` in `extra` |
//! | `stop_sequences` | `stop` |
//! | `thinking`, `metadata`, all else | `ChatRequest.extra` under the same name |
//!
//! | model | Anthropic's reply |
//! | --- | --- |
//! | `stop`, `length`, `tool_calls`, `content_filter` | `end_turn`, `max_tokens`, `tool_use`, `refusal` |
//! | reasoning | `thinking` blocks; the signature is empty unless the model gave one |
//! | prompt tokens | `input_tokens` + `cache_read_input_tokens` + `cache_creation_input_tokens` |
//! | reasoning tokens | `output_tokens_details.thinking_tokens` |
//! | `thinking_blocks`, `content_blocks`, `citations`, `native_finish_reason` in `Extra` | Anthropic's own blocks and words, as they were |
//! | our citations | of the last text block: `page_location`, or `search_result_location` where there is no page; our `index` and `boxes` beside |
//!
//! Lost on the way to Anthropic's clients: answers beyond the first, log probabilities, the matched stop
//! sequence (unless the provider names it), audio. Lost on the way to other models (see
//! [`make_neutral`]): cache marks, signatures of thinking, the thinking budget. The order of a
//! turn's blocks is kept as thinking, text, calls.

mod block_write;
mod error_write;
mod message_read;
mod neutral;
mod reply_read;
mod reply_write;
mod request_read;
mod request_write;
mod stream_write;

pub use error_write::{error_body, error_event};
pub use neutral::make_neutral;
pub use reply_read::MessageReader;
pub use reply_write::MessageReply;
pub use request_read::{MessagesRequest, count_reply};
pub use request_write::write_message_request;
pub use stream_write::MessageWriter;
