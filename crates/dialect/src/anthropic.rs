//! Anthropic's wire format: `/v1/messages`.

mod reply_read;
mod request_write;

pub use reply_read::MessageReader;
pub use request_write::write_message_request;
