//! What a call costs, line by line, and what it can cost at most.
//!
//! It does not know where prices come from.

use super::book::{PriceBook, Tier, Version, Window};
use super::file::Tiers;
use super::rate::{amount, amount_up};
use serde::Serialize;
use yizhan_domain::{Money, TokenCount, Usage};

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Tokens of the prompt that were neither cached nor put into a cache.
    Input,
    /// Tokens of the prompt that were not computed again.
    CachedInput,
    /// Tokens of the prompt that were put into a provider's cache.
    CacheWrite,
    /// Tokens generated.
    Output,
    /// Tokens generated as reasoning, where they have a price of their own.
    Reasoning,
    /// The request itself.
    Request,
}

/// A charge, with everything that it follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Charge {
    /// The sum of the lines.
    pub amount: Money,
    /// The currency, as the price list names it.
    pub currency: String,
    /// The price list's version.
    pub version: String,
    /// The lines; none for what costs nothing.
    pub lines: Vec<ChargeLine>,
}

/// A line of a charge: `tokens × price_per_million ÷ 1,000,000 × percent ÷ 100`, rounded half up to a
/// billionth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChargeLine {
    /// What for.
    pub what: What,
    /// How many tokens; 1 for a request.
    pub tokens: u64,
    /// Price of a million of them; of one, for a request.
    pub price_per_million: Money,
    /// The share of the price that holds at that time of day.
    pub percent: u16,
    /// What it comes to.
    pub amount: Money,
    /// Which tier and time of day it follows from, in words.
    pub why: String,
}

/// A line before it is explained.
struct Line {
    what: What,
    tokens: u64,
    price: Money,
    /// The tier's end, where there are several.
    tier: Option<u32>,
}

impl Line {
    fn amount(&self, percent: u16) -> Money {
        match self.what {
            What::Request => amount(1_000_000, self.price, percent),
            _ => amount(self.tokens, self.price, percent),
        }
    }
}

impl PriceBook {
    /// What a call costs that began at `at_ms` (milliseconds since 1970). None when the model has no
    /// price then: unknown, not nothing.
    pub fn charge(&self, model: &str, provider: &str, usage: &Usage, at_ms: i64) -> Option<Charge> {
        let version = self.version(model, provider, at_ms)?;
        let window = version.window(at_ms);
        let percent = window.map_or(100, |window| window.percent);
        let mut lines = Vec::new();
        if !version.free {
            each_line(version, usage, |line| {
                lines.push(ChargeLine {
                    what: line.what,
                    tokens: line.tokens,
                    price_per_million: line.price,
                    percent,
                    amount: line.amount(percent),
                    why: why(version, &line, usage, window),
                });
            });
        }
        let amount = lines.iter().map(|line| line.amount).sum();
        Some(Charge { amount, currency: self.currency().to_owned(), version: version.name.clone(), lines })
    }

    /// The amount and the version alone: the same as [`PriceBook::charge`] gives, without its words.
    pub fn cost(&self, model: &str, provider: &str, usage: &Usage, at_ms: i64) -> Option<(Money, &str)> {
        let version = self.version(model, provider, at_ms)?;
        let percent = version.window(at_ms).map_or(100, |window| window.percent);
        let mut sum = Money::ZERO;
        if !version.free {
            each_line(version, usage, |line| sum += line.amount(percent));
        }
        Some((sum, &version.name))
    }

    /// The most that a call can cost that begins at `at_ms`, has at most so many tokens of prompt and
    /// generates at most so many: what a reservation holds. However they turn out to be cached, written
    /// to a cache or reasoned with, [`PriceBook::charge`] gives no more for the same `at_ms`.
    pub fn estimate(
        &self,
        model: &str,
        provider: &str,
        prompt_tokens: TokenCount,
        max_output: TokenCount,
        at_ms: i64,
    ) -> Option<Money> {
        let version = self.version(model, provider, at_ms)?;
        if version.free {
            return Some(Money::ZERO);
        }
        let percent = version.window(at_ms).map_or(100, |window| window.percent);
        let reached = reached(version, prompt_tokens);
        let prompt = match version.kind {
            Tiers::Whole => reached
                .iter()
                .map(|tier| amount_up(u64::from(prompt_tokens.min(tier.up_to)), dearest_input(tier), percent))
                .max()
                .unwrap_or_default(),
            Tiers::Marginal => parts(version, 0, prompt_tokens)
                .map(|(tier, tokens)| amount_up(tokens, dearest_input(tier), percent))
                .sum(),
        };
        let dearest = reached.iter().map(|tier| tier.output.max(tier.reasoning.unwrap_or(tier.output))).max();
        let output = amount_up(u64::from(max_output), dearest.unwrap_or_default(), percent);
        let request = amount(1_000_000, version.request, percent);
        // A line may be rounded up by half a billionth: three kinds of input in each tier, two of output.
        let rounding = Money(3 * reached.len() as i64 + 2);
        Some(prompt + output + request + rounding)
    }
}

/// The tiers that a prompt of at most this length can fall in.
fn reached(version: &Version, prompt: TokenCount) -> &[Tier] {
    let count = version.tiers.partition_point(|tier| tier.up_to < prompt) + 1;
    &version.tiers[..count.min(version.tiers.len())]
}

fn dearest_input(tier: &Tier) -> Money {
    tier.input.max(tier.cached_input).max(tier.cache_write)
}

/// Tokens `from..to` of the prompt, cut where tiers end.
fn parts(version: &Version, from: TokenCount, to: TokenCount) -> impl Iterator<Item = (&Tier, u64)> {
    let mut at = from;
    version.tiers.iter().filter_map(move |tier| {
        let end = tier.up_to.min(to);
        let tokens = end.saturating_sub(at);
        at = at.max(end);
        (tokens > 0).then_some((tier, u64::from(tokens)))
    })
}

/// A tier's price of one kind of token.
type PriceOf = fn(&Tier) -> Money;

/// The lines of a call. What a provider reports as cached beyond its prompt is not believed.
fn each_line(version: &Version, usage: &Usage, mut line: impl FnMut(Line)) {
    let prompt = usage.prompt_tokens;
    let cached = usage.cached_tokens.min(prompt);
    let written = usage.cache_write_tokens.min(prompt - cached);
    let several = version.tiers.len() > 1;
    let end_of = |tier: &Tier| several.then_some(tier.up_to);
    let tier = version.tier(prompt);
    // Caches hold beginnings, so that the prompt lies as: cached, then written, then the rest.
    let kinds: [(What, TokenCount, TokenCount, PriceOf); 3] = [
        (What::CachedInput, 0, cached, |tier| tier.cached_input),
        (What::CacheWrite, cached, cached + written, |tier| tier.cache_write),
        (What::Input, cached + written, prompt, |tier| tier.input),
    ];
    for (what, from, to, price) in kinds.into_iter().filter(|(_, from, to, _)| from < to) {
        match version.kind {
            Tiers::Whole => {
                line(Line { what, tokens: u64::from(to - from), price: price(tier), tier: end_of(tier) });
            }
            Tiers::Marginal => {
                for (tier, tokens) in parts(version, from, to) {
                    line(Line { what, tokens, price: price(tier), tier: end_of(tier) });
                }
            }
        }
    }
    let reasoning = usage.reasoning_tokens.min(usage.completion_tokens);
    let (output, reasoning) = match tier.reasoning {
        Some(price) => (usage.completion_tokens - reasoning, Some((reasoning, price))),
        None => (usage.completion_tokens, None),
    };
    let generated = [(What::Output, Some((output, tier.output))), (What::Reasoning, reasoning)];
    for (what, (tokens, price)) in generated.into_iter().filter_map(|(what, some)| Some((what, some?))) {
        if tokens > 0 {
            line(Line { what, tokens: u64::from(tokens), price, tier: end_of(tier) });
        }
    }
    if version.request > Money::ZERO {
        line(Line { what: What::Request, tokens: 1, price: version.request, tier: None });
    }
}

fn why(version: &Version, line: &Line, usage: &Usage, window: Option<&Window>) -> String {
    let mut words = match line.tier {
        None => "list price".to_owned(),
        Some(up_to) => {
            let tier = match up_to {
                u32::MAX => "the last tier".to_owned(),
                up_to => format!("the tier up to {up_to}"),
            };
            let generated = matches!(line.what, What::Output | What::Reasoning);
            match version.kind {
                Tiers::Marginal if !generated => format!("the part of the prompt in {tier}"),
                _ => format!("a prompt of {} tokens falls in {tier}", usage.prompt_tokens),
            }
        }
    };
    if let Some(window) = window {
        words += &format!("; {} % of it ({})", window.percent, window.name);
    }
    words
}

#[cfg(test)]
#[path = "charge_tests.rs"]
mod tests;
