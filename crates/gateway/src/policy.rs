//! What an installation decides, and may decide anew while calls go on: routes, rules, prices.
//!
//! It does not know where the decisions are written down.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use yizhan_access::{Ask, OUTPUT_SLICE};
use yizhan_audit::Capture;
use yizhan_cache::Cache;
use yizhan_domain::{ModelName, Money, Usage};
use yizhan_guard::Guard;
use yizhan_metering::PriceBook;
use yizhan_routing::Route;

/// Decisions of one moment. A call keeps those with which it began.
#[derive(Clone, Default)]
pub struct Policy {
    /// The chat model of bases, and of applications that name none.
    pub chat: Option<ModelName>,
    /// Routes by name; every remote model has one of its own name too.
    pub routes: BTreeMap<ModelName, Arc<Route>>,
    /// Rules on input and output; none: no rules.
    pub guard: Option<Arc<Guard>>,
    /// What calls cost; none: nothing is charged.
    pub prices: Option<Arc<PriceBook>>,
    /// A model's name in the price list, by provider and model, where it is another one.
    pub price_names: HashMap<(String, ModelName), String>,
    /// Answers that were given before; none: nothing is kept.
    pub cache: Option<Arc<Cache>>,
    /// Which texts are kept with audit records.
    pub capture: Capture,
    /// What is done when the processor is short.
    pub degradation: Degradation,
}

/// What the steps of degradation mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Degradation {
    /// Answers are cut to so many tokens; none: they are not.
    pub short_answer: Option<u32>,
    /// Who asks for more than this is refused; none: nobody is.
    pub longest_answer: Option<u32>,
    /// The model or route that answers instead; none: the same one goes on.
    pub cheaper: Option<ModelName>,
}

impl Policy {
    /// What a call may use at most, as far as it says: the dearest of the route's targets counts.
    pub(crate) fn ask(&self, name: &ModelName, route: &Route, output: Option<u32>, prompt: u32, now_ms: i64) -> Ask {
        let slice = output.unwrap_or(u32::try_from(OUTPUT_SLICE).unwrap_or(u32::MAX));
        let cost = |target: &Arc<yizhan_routing::Target>| {
            let state = target.state();
            let price = self.price_name(&state.provider, &state.model);
            self.prices.as_ref()?.estimate(price, &state.provider, prompt, slice, now_ms)
        };
        let money = match &self.prices {
            Some(_) => route.targets().filter_map(cost).max().unwrap_or(Money::ZERO),
            None => Money::ZERO,
        };
        let max_output_tokens = output.map(u64::from);
        Ask { model: name.clone(), prompt_tokens: u64::from(prompt), max_output_tokens, money }
    }

    /// What was used costs this, and the version of the price list that says so.
    pub(crate) fn cost(&self, provider: &str, model: &ModelName, usage: &Usage, at_ms: i64) -> Option<(Money, String)> {
        let (amount, version) = self.prices.as_ref()?.cost(self.price_name(provider, model), provider, usage, at_ms)?;
        Some((amount, version.to_owned()))
    }

    /// Whose model that is: the provider's name, or `local`.
    pub(crate) fn provider_of(&self, model: &ModelName) -> &str {
        let of = self.price_names.keys().find(|(_, named)| named == model);
        of.map_or("local", |(provider, _)| provider.as_str())
    }

    fn price_name<'a>(&'a self, provider: &str, model: &'a ModelName) -> &'a str {
        if self.price_names.is_empty() {
            return model.as_str();
        }
        self.price_names.get(&(provider.to_owned(), model.clone())).map_or(model.as_str(), String::as_str)
    }
}
