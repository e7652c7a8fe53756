//! Which requests may be answered from memory at all.
//!
//! It does not know whether an answer is there.

use crate::settings::{Settings, Temperature};
use yizhan_domain::ModelName;
use yizhan_model::{ChatRequest, ToolChoice};

/// What the caller wants of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// May an earlier answer be given?
    pub read: bool,
    /// May this answer be kept?
    pub write: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self { read: true, write: true }
    }
}

/// Why a request has nothing to do with the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The cache is off.
    Off,
    /// The caller does not want it.
    NotWished,
    /// The route, model or application is excepted.
    Excepted,
    /// Its answers vary by its own wish.
    Varies,
    /// Its answer may call tools, or be looked up outside at that moment.
    Tools,
    /// It asks for several answers.
    Choices,
    /// It asks nothing.
    Empty,
}

/// Fields with which a vendor looks things up by itself: their answers hold for the moment.
const LOOKS_UP: &[&str] = &["web_search_options", "enable_search", "plugins", "search_parameters", "functions"];

/// Why the request may not be answered from memory; none: it may. The sampling must be complete: what an
/// application adds is in it. `names` are those that it goes by: model, route, application.
pub fn unfit<'a>(
    settings: &Settings,
    names: impl IntoIterator<Item = &'a ModelName>,
    request: &ChatRequest,
    wish: Wish,
) -> Option<Unfit> {
    let sampling = &request.sampling;
    let zero = sampling.temperature == Some(0.0) || sampling.top_k == Some(1);
    let varies = match settings.temperature {
        Temperature::Zero => !zero,
        Temperature::ZeroOrUnset => !zero && sampling.temperature.is_some(),
        Temperature::Any => false,
    };
    let has_tools = !request.tools.is_empty() && request.tool_choice != ToolChoice::None;
    let looks_up = LOOKS_UP.iter().any(|field| request.extra.get(*field).is_some_and(|value| !says_no(value)));
    if !settings.enabled {
        Some(Unfit::Off)
    } else if !wish.read && !wish.write {
        Some(Unfit::NotWished)
    } else if !settings.off.is_empty() && names.into_iter().any(|name| settings.off.contains(name)) {
        Some(Unfit::Excepted)
    } else if request.messages.is_empty() {
        Some(Unfit::Empty)
    } else if request.more_choices > 0 {
        Some(Unfit::Choices)
    } else if !settings.tools && (has_tools || looks_up) {
        Some(Unfit::Tools)
    } else if varies {
        Some(Unfit::Varies)
    } else {
        None
    }
}

fn says_no(value: &serde_json::Value) -> bool {
    value.is_null() || value == &serde_json::Value::Bool(false) || value.as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
#[path = "fitness_tests.rs"]
mod tests;
