//! Doubles for tests: models that follow a script.
//!
//! They know no engine and no wire format; what they say is decided by who makes them.

mod chat;
mod embed;

pub use chat::ScriptedChat;
pub use embed::ScriptedEmbed;
