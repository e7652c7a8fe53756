//! The price list as it stands in a file.
//!
//! It does not know what a call costs: `book` checks what is read here and answers that.

use serde::{Deserialize, Deserializer, de};
use std::fmt;
use toml::Spanned;
use toml::value::Datetime;
use yizhan_domain::Money;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub currency: Spanned<String>,
    #[serde(default)]
    pub model: Vec<Model>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub name: Spanned<String>,
    pub provider: Option<Spanned<String>>,
    pub price: Vec<Version>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Version {
    pub version: Spanned<String>,
    pub valid_from: Option<Spanned<Datetime>>,
    /// Where the numbers come from; for people.
    #[serde(default)]
    #[expect(dead_code, reason = "it is there to be read by people")]
    pub source: Option<String>,
    #[serde(default)]
    pub free: bool,
    pub input: Option<Price>,
    pub cached_input: Option<Price>,
    pub cache_write: Option<Price>,
    pub output: Option<Price>,
    pub reasoning: Option<Price>,
    pub request: Option<Price>,
    #[serde(default)]
    pub tiers: Tiers,
    #[serde(default)]
    pub tier: Vec<Spanned<Tier>>,
    #[serde(default)]
    pub window: Vec<Spanned<Window>>,
}

/// How the tier of a price is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tiers {
    /// The whole call at the price of the tier that its prompt's length falls in.
    #[default]
    Whole,
    /// Each part of the prompt at the price of the tier that it lies in; the answer at the price of the
    /// tier that the prompt ends in.
    Marginal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tier {
    pub up_to: Option<u32>,
    pub input: Price,
    pub cached_input: Option<Price>,
    pub cache_write: Option<Price>,
    pub output: Option<Price>,
    pub reasoning: Option<Price>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    pub name: String,
    pub from: String,
    pub to: String,
    pub offset: String,
    pub percent: u16,
}

/// A price for a million tokens, or for a request.
#[derive(Clone, Copy)]
pub(crate) struct Price(pub Money);

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Price;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a price such as 2.5")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Price, E> {
                super::rate::parse(text).map(Price).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Price, E> {
                self.visit_str(&number.to_string())
            }
            // A float is written out as the shortest text that means it, which is what the file says.
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Price, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
