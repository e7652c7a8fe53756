//! A checked price list, and finding the price of a call in it.
//!
//! It does not know amounts: `charge` works them out.

use super::file::{self, Tiers};
use super::pattern::{fits, is_pattern};
use toml::value::{Datetime, Offset};
use yizhan_domain::{Error, ErrorCode, Money, Result};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Beyond this a price is a slip, and products could come near the end of the numbers.
const HIGHEST: Money = Money(1_000_000 * Money::ONE);

/// A price list.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {
    currency: String,
    models: Vec<Model>,
}

#[derive(Clone, Debug)]
struct Model {
    name: String,
    provider: Option<String>,
    /// Oldest first.
    versions: Vec<Version>,
}

/// What a model costs from a time on.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub name: String,
    pub from_ms: i64,
    pub free: bool,
    pub request: Money,
    pub kind: Tiers,
    /// At least one, shortest first; the last is for everything beyond.
    pub tiers: Vec<Tier>,
    windows: Vec<Window>,
}

/// Prices for a million tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tier {
    /// Longest prompt, in tokens.
    pub up_to: u32,
    pub input: Money,
    pub cached_input: Money,
    pub cache_write: Money,
    pub output: Money,
    /// None: as output.
    pub reasoning: Option<Money>,
}

/// A part of the day with another price.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub name: String,
    /// Minutes of the day in its zone.
    from: u16,
    to: u16,
    offset_minutes: i16,
    pub percent: u16,
}

impl PriceBook {
    /// When the newest of its versions begins, milliseconds since 1970; none when none says when.
    pub fn newest_ms(&self) -> Option<i64> {
        let starts = self.models.iter().flat_map(|model| &model.versions).map(|version| version.from_ms);
        starts.filter(|start| *start > i64::MIN).max()
    }

    /// Reads a price list (TOML; the crate's `examples/prices.toml` explains it).
    ///
    /// `InvalidConfig`, with the line, when it is not one.
    pub fn parse(text: &str) -> Result<Self> {
        let file: file::File = toml::from_str(text).map_err(|error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            wrong(text, at, error.message())
        })?;
        if file.currency.get_ref().trim().is_empty() {
            return Err(wrong(text, file.currency.span().start, "Name the currency, e.g. CNY."));
        }
        let models = file.model.into_iter().map(|model| check_model(text, model)).collect::<Result<Vec<_>>>()?;
        Ok(Self { currency: file.currency.into_inner(), models })
    }

    /// The currency of all amounts, as the file names it.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// The price that holds for a model of a provider at a time. A whole name goes before a pattern, a
    /// named provider before any; then the first in the file.
    pub(crate) fn version(&self, model: &str, provider: &str, at_ms: i64) -> Option<&Version> {
        let fitting = self.models.iter().filter(|one| {
            fits(&one.name, model) && one.provider.as_deref().is_none_or(|pattern| fits(pattern, provider))
        });
        let best = fitting.min_by_key(|one| (is_pattern(&one.name), one.provider.as_deref().is_none_or(is_pattern)))?;
        best.versions.iter().rev().find(|version| version.from_ms <= at_ms)
    }
}

impl Version {
    /// The first window that a time lies in.
    pub(crate) fn window(&self, at_ms: i64) -> Option<&Window> {
        self.windows.iter().find(|window| window.holds(at_ms))
    }

    /// The tier that a prompt of this length falls in.
    pub(crate) fn tier(&self, prompt: u32) -> &Tier {
        let at = self.tiers.partition_point(|tier| tier.up_to < prompt);
        // The last tier has no end.
        &self.tiers[at.min(self.tiers.len() - 1)]
    }
}

impl Window {
    fn holds(&self, at_ms: i64) -> bool {
        let local = at_ms.saturating_add(i64::from(self.offset_minutes) * MINUTE_MS);
        let minute = (local.rem_euclid(DAY_MS) / MINUTE_MS) as u16;
        match self.from < self.to {
            true => (self.from..self.to).contains(&minute),
            false => minute >= self.from || minute < self.to,
        }
    }
}

fn wrong(text: &str, at: usize, message: &str) -> Error {
    let line = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    Error::new(ErrorCode::InvalidConfig, format!("The price list, line {line}: {message}"))
}

fn check_model(text: &str, model: file::Model) -> Result<Model> {
    let name = model.name.get_ref();
    if name.is_empty() {
        return Err(wrong(text, model.name.span().start, "Name the model, or write a pattern such as qwen-*."));
    }
    if model.price.is_empty() {
        let message =
            format!("'{name}' has no [[model.price]]. For a model that costs nothing write one with free = true.");
        return Err(wrong(text, model.name.span().start, &message));
    }
    let mut versions = Vec::with_capacity(model.price.len());
    for version in model.price {
        let at = version.version.span().start;
        let version = check_version(text, version)?;
        if versions.iter().any(|other: &Version| other.from_ms == version.from_ms || other.name == version.name) {
            let message = format!("'{name}' has two versions of this name, or that begin at the same time.");
            return Err(wrong(text, at, &message));
        }
        versions.push(version);
    }
    versions.sort_by_key(|version| version.from_ms);
    let provider = model.provider.map(toml::Spanned::into_inner);
    Ok(Model { name: model.name.into_inner(), provider, versions })
}

fn check_version(text: &str, version: file::Version) -> Result<Version> {
    let at = version.version.span().start;
    let from_ms = match &version.valid_from {
        None => i64::MIN,
        Some(time) => instant(time.get_ref()).map_err(|message| wrong(text, time.span().start, &message))?,
    };
    let tiers = check_tiers(text, at, &version)?;
    let windows = version.window.iter().map(|window| {
        let refuse = |message: String| wrong(text, window.span().start, &message);
        check_window(window.get_ref()).map_err(refuse)
    });
    let request = version.request.map_or(Money::ZERO, |price| price.0);
    if tiers.iter().flat_map(Tier::prices).chain([request]).any(|price| price > HIGHEST) {
        return Err(wrong(
            text,
            at,
            "A price is higher than 1,000,000. Prices are for a million tokens, or for a request.",
        ));
    }
    Ok(Version {
        name: version.version.get_ref().clone(),
        from_ms,
        free: version.free,
        request,
        kind: version.tiers,
        tiers,
        windows: windows.collect::<Result<_>>()?,
    })
}

impl Tier {
    fn prices(&self) -> impl Iterator<Item = Money> {
        [self.input, self.cached_input, self.cache_write, self.output].into_iter().chain(self.reasoning)
    }
}

fn check_tiers(text: &str, at: usize, version: &file::Version) -> Result<Vec<Tier>> {
    let priced = [version.input, version.cached_input, version.cache_write, version.output, version.reasoning];
    let any = priced.iter().any(Option::is_some);
    if version.free {
        return match any || version.request.is_some() || !version.tier.is_empty() {
            true => Err(wrong(text, at, "It is free and has prices. Remove one of them.")),
            false => Ok(vec![Tier::new(u32::MAX, Money::ZERO, None, None, Money::ZERO, None)]),
        };
    }
    let of = |price: Option<file::Price>| price.map(|price| price.0);
    if version.tier.is_empty() {
        let Some(input) = of(version.input) else {
            return Err(wrong(text, at, "Give the price of a million input tokens (input), tiers, or free = true."));
        };
        let output = of(version.output).unwrap_or(Money::ZERO);
        let (cached, write) = (of(version.cached_input), of(version.cache_write));
        return Ok(vec![Tier::new(u32::MAX, input, cached, write, output, of(version.reasoning))]);
    }
    if any {
        return Err(wrong(text, at, "With tiers, prices of tokens stand in the tiers alone."));
    }
    let mut tiers: Vec<Tier> = Vec::with_capacity(version.tier.len());
    for (position, spanned) in version.tier.iter().enumerate() {
        let (tier, refuse) = (spanned.get_ref(), |message| wrong(text, spanned.span().start, message));
        let is_last = position + 1 == version.tier.len();
        let up_to = match tier.up_to {
            // What is longer than the last tier's end costs as much as that: never nothing.
            _ if is_last => u32::MAX,
            Some(up_to) => up_to,
            None => return Err(refuse("Only the last tier may be without up_to.")),
        };
        if tiers.last().is_some_and(|before| before.up_to >= tier.up_to.unwrap_or(u32::MAX)) {
            return Err(refuse("Tiers stand in order, each up_to larger than the one before."));
        }
        let output = of(tier.output).unwrap_or(Money::ZERO);
        let (cached, write) = (of(tier.cached_input), of(tier.cache_write));
        tiers.push(Tier::new(up_to, tier.input.0, cached, write, output, of(tier.reasoning)));
    }
    Ok(tiers)
}

impl Tier {
    fn new(
        up_to: u32,
        input: Money,
        cached: Option<Money>,
        write: Option<Money>,
        output: Money,
        reasoning: Option<Money>,
    ) -> Self {
        // A provider that names no other price charges the usual one.
        Self {
            up_to,
            input,
            cached_input: cached.unwrap_or(input),
            cache_write: write.unwrap_or(input),
            output,
            reasoning,
        }
    }
}

fn check_window(window: &file::Window) -> std::result::Result<Window, String> {
    let (from, to) = (minute(&window.from)?, minute(&window.to)?);
    if from == to {
        return Err("from and to are the same. Change the price itself for a whole day.".to_owned());
    }
    if window.percent > 1000 {
        return Err("percent is of the list price: 50 halves it, 200 doubles it; at most 1000.".to_owned());
    }
    let offset_minutes = zone(&window.offset)?;
    Ok(Window { name: window.name.clone(), from, to, offset_minutes, percent: window.percent })
}

/// `HH:MM` as minutes of the day.
fn minute(text: &str) -> std::result::Result<u16, String> {
    let refuse = || format!("'{text}' is no time of day. Write it as 00:30.");
    let (hours, minutes) = two_numbers(text).ok_or_else(refuse)?;
    if hours > 23 || minutes > 59 {
        return Err(refuse());
    }
    Ok(hours * 60 + minutes)
}

/// `+08:00` or `Z` as minutes east of UTC.
fn zone(text: &str) -> std::result::Result<i16, String> {
    let refuse = || format!("'{text}' is no zone. Write its offset from UTC as +08:00, or Z.");
    if text == "Z" {
        return Ok(0);
    }
    let sign = match text.get(..1) {
        Some("+") => 1,
        Some("-") => -1,
        _ => return Err(refuse()),
    };
    let (hours, minutes) = two_numbers(&text[1..]).ok_or_else(refuse)?;
    if hours > 14 || minutes > 59 {
        return Err(refuse());
    }
    Ok(sign * (hours * 60 + minutes) as i16)
}

fn two_numbers(text: &str) -> Option<(u16, u16)> {
    let (first, second) = text.split_once(':')?;
    let number =
        |text: &str| (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?;
    Some((number(first)?, number(second)?))
}

/// A date and time with its zone, as milliseconds since 1970.
fn instant(time: &Datetime) -> std::result::Result<i64, String> {
    let whole = time.date.zip(time.time).zip(time.offset);
    let Some(((date, clock), offset)) = whole else {
        return Err("Write valid_from with time and zone, e.g. 2025-02-26T00:30:00+08:00.".to_owned());
    };
    let minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let day = days_since_1970(i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let seconds = i64::from(clock.hour) * 3600 + i64::from(clock.minute) * 60 + i64::from(clock.second.unwrap_or(0));
    Ok(day * DAY_MS + seconds * 1000 - minutes * MINUTE_MS)
}

/// After Howard Hinnant's `days_from_civil`.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
