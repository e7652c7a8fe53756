//! Calls of the script, and what it answers.
//!
//! It does not know the connection.

use crate::periods::Periods;
use redis::{Arg, Cmd, Script, Value};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use yizhan_access::{Level, Limit, Rate, Spent, Standing, Subject, Used};
use yizhan_domain::{Error, Money, Result};

static SCRIPT: LazyLock<(String, String)> = LazyLock::new(|| {
    let text = include_str!("limits.lua");
    (text.to_owned(), Script::new(text).get_hash().to_owned())
});

/// A minute, in which tokens are counted, in milliseconds.
const MINUTE: i64 = 60_000;

/// More tokens than anybody has, and exact in the numbers of the script.
const MOST_TOKENS: u64 = 1 << 50;

/// More money than there is, so that sums of it fit what Redis counts in.
const MOST_MONEY: Money = Money(i64::MAX / 4);

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Take,
    Settle,
    Renew,
    Look,
    Use,
}

impl Step {
    fn word(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Settle => "settle",
            Self::Renew => "renew",
            Self::Look => "look",
            Self::Use => "use",
        }
    }
}

/// Of which budget a seed is asked or given: the subject's number, and whether it is the day's.
pub(crate) type Line = (usize, bool);

/// One call of the script.
pub(crate) struct Call<'a> {
    pub step: Step,
    pub prefix: &'a str,
    /// None is the server's time.
    pub now_ms: Option<i64>,
    pub lease: Duration,
    pub id: &'a str,
    pub subjects: &'a [Arc<Subject>],
    pub requests: u64,
    pub tokens: u64,
    pub money: Money,
    /// Needed to take, and to tell what is used.
    pub periods: Option<&'a Periods>,
    pub asks_seeds: bool,
    pub seeds: &'a [(Line, Money)],
}

impl Call<'_> {
    /// The command that calls the script by its hash.
    pub(crate) fn command(&self) -> Cmd {
        let mut command = Cmd::new();
        command.arg("EVALSHA").arg(&SCRIPT.1).arg(1 + self.subjects.len());
        let tenant = self.subjects.first().map_or("", |subject| &subject.tenant);
        command.arg(format!("{}{{{tenant}}}:call:{}", self.prefix, self.id));
        for subject in self.subjects {
            command.arg(format!("{}{{{tenant}}}:{}", self.prefix, subject.id));
        }
        command.arg(self.step.word());
        optional(&mut command, self.now_ms);
        command.arg(self.lease.as_millis() as u64).arg(self.id).arg(self.requests);
        command.arg(self.tokens.min(MOST_TOKENS)).arg(amount(self.money));
        match self.periods {
            Some(Periods { day, month }) => {
                for period in [day, month] {
                    command.arg(&*period.name).arg(period.from).arg(period.to);
                }
            }
            None => (0..6).for_each(|_| {
                command.arg("");
            }),
        }
        command.arg(if self.asks_seeds { "1" } else { "" });
        for (number, subject) in self.subjects.iter().enumerate() {
            self.limits(&mut command, number, subject);
        }
        command
    }

    fn limits(&self, command: &mut Cmd, number: usize, subject: &Subject) {
        let rate = subject.requests;
        optional(command, rate.map(|rate| rate.count.min(MOST_TOKENS)));
        optional(command, rate.map(|rate| rate.span_ms));
        optional(command, rate.map(grain));
        optional(command, subject.tokens_per_minute.map(|tokens| tokens.min(MOST_TOKENS)));
        optional(command, subject.concurrent.map(|calls| calls.min(MOST_TOKENS)));
        optional(command, subject.per_day.map(amount));
        optional(command, subject.per_month.map(amount));
        for is_day in [true, false] {
            let seed = self.seeds.iter().find(|(line, _)| *line == (number, is_day));
            optional(command, seed.map(|(_, money)| amount(*money)));
        }
    }
}

/// A thousand steps or more would only cost memory.
fn grain(rate: Rate) -> i64 {
    (rate.span_ms / 1000).max(1)
}

fn amount(money: Money) -> i64 {
    money.clamp(Money::ZERO, MOST_MONEY).0
}

fn optional(command: &mut Cmd, value: Option<impl redis::ToRedisArgs>) {
    match value {
        Some(value) => command.arg(value),
        None => command.arg(""),
    };
}

/// The same call with the script's text, for a Redis that does not know it yet.
pub(crate) fn in_full(by_hash: &Cmd) -> Cmd {
    let mut command = Cmd::new();
    command.arg("EVAL").arg(&SCRIPT.0);
    for argument in by_hash.args_iter().skip(2) {
        if let Arg::Simple(bytes) = argument {
            command.arg(bytes);
        }
    }
    command
}

/// Does a settlement change anything of such subjects? Requests alone stay counted.
pub(crate) fn is_lasting(subjects: &[Arc<Subject>]) -> bool {
    subjects.iter().any(|subject| {
        subject.tokens_per_minute.is_some()
            || subject.concurrent.is_some()
            || subject.per_day.is_some()
            || subject.per_month.is_some()
    })
}

/// What the script answered, and the server's time.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub now_ms: i64,
    pub kind: Kind,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Kind {
    Taken(Standing),
    Standing(Standing),
    /// Of each subject, and of which budgets nothing is known. The ends of periods are not told.
    Used(Vec<Used>, Vec<Line>),
    /// The subject's number.
    Refused(usize, Limit, Option<Duration>),
    /// The periods are not those of the server's time.
    Period,
    /// Nothing is known of what was spent of these budgets.
    Seed(Vec<Line>),
    /// It was settled already.
    Over,
    /// Settled or renewed.
    Done,
}

impl Answer {
    pub(crate) fn read(value: Value, subjects: &[Arc<Subject>]) -> Result<Self> {
        let Value::Array(items) = value else { return Err(unreadable()) };
        let mut items = items.into_iter();
        let word = text(items.next())?;
        let now_ms = number(items.next())?;
        let kind = match word.as_str() {
            "taken" => Kind::Taken(standing(items, subjects)?),
            "standing" => Kind::Standing(standing(items, subjects)?),
            "refused" => {
                let whose = index(items.next(), subjects)?;
                let limit = limit(&text(items.next())?)?;
                Kind::Refused(whose, limit, u64::try_from(number(items.next())?).ok().map(Duration::from_millis))
            }
            "period" => Kind::Period,
            "seed" => {
                let mut lines = Vec::new();
                while let Some(whose) = items.next() {
                    lines.push((index(Some(whose), subjects)?, text(items.next())? == "day"));
                }
                Kind::Seed(lines)
            }
            "used" => used(items, subjects)?,
            "over" => Kind::Over,
            _ => Kind::Done,
        };
        Ok(Self { now_ms, kind })
    }
}

/// Of each subject: requests and when they are all there again, tokens and the same.
fn standing(mut items: impl Iterator<Item = Value>, subjects: &[Arc<Subject>]) -> Result<Standing> {
    let mut level = |limit: Option<u64>, span: i64| {
        let (sum, reset) = (number(items.next())?, number(items.next())?);
        let Some((limit, sum)) = limit.zip(u64::try_from(sum).ok()) else { return Ok(None) };
        let reset = Duration::from_millis(u64::try_from(reset.min(span.saturating_mul(2))).unwrap_or(0));
        Result::Ok(Some(Level { limit, remaining: limit.saturating_sub(sum), reset }))
    };
    subjects.iter().try_fold(Standing::default(), |whole, subject| {
        let rate = subject.requests;
        let requests = level(rate.map(|rate| rate.count), rate.map_or(0, |rate| rate.span_ms))?;
        Ok(whole.and(requests, level(subject.tokens_per_minute, MINUTE)?))
    })
}

fn used(mut items: impl Iterator<Item = Value>, subjects: &[Arc<Subject>]) -> Result<Kind> {
    let (mut all, mut unknown) = (Vec::with_capacity(subjects.len()), Vec::new());
    for (number_of, subject) in subjects.iter().enumerate() {
        let Standing { requests, tokens } = standing(items.by_ref().take(4), std::slice::from_ref(subject))?;
        let running = u64::try_from(number(items.next())?).ok();
        let concurrent = subject.concurrent.zip(running).map(|(limit, running)| Level {
            limit,
            remaining: limit.saturating_sub(running),
            reset: Duration::ZERO,
        });
        let mut used = Used { requests, tokens, concurrent, ..Used::default() };
        for (limit, is_day) in [(subject.per_day, true), (subject.per_month, false)] {
            let amount = text(items.next())?;
            let Some(limit) = limit else { continue };
            if amount.is_empty() {
                unknown.push((number_of, is_day));
            }
            let spent = Money(amount.parse().unwrap_or(0));
            let budget = Some(Spent { limit, spent, reset: Duration::ZERO });
            *(if is_day { &mut used.day } else { &mut used.month }) = budget;
        }
        all.push(used);
    }
    Ok(Kind::Used(all, unknown))
}

fn limit(word: &str) -> Result<Limit> {
    Ok(match word {
        "requests" => Limit::Requests,
        "tokens" => Limit::Tokens,
        "concurrency" => Limit::Concurrency,
        "day" => Limit::Day,
        "month" => Limit::Month,
        _ => return Err(unreadable()),
    })
}

fn index(value: Option<Value>, subjects: &[Arc<Subject>]) -> Result<usize> {
    usize::try_from(number(value)?).ok().filter(|index| *index < subjects.len()).ok_or_else(unreadable)
}

fn number(value: Option<Value>) -> Result<i64> {
    match value {
        Some(Value::Int(number)) => Ok(number),
        _ => Err(unreadable()),
    }
}

fn text(value: Option<Value>) -> Result<String> {
    match value {
        Some(Value::BulkString(bytes)) => String::from_utf8(bytes).map_err(|_| unreadable()),
        _ => Err(unreadable()),
    }
}

fn unreadable() -> Error {
    Error::internal("Redis answered something else than the script of the limits does.")
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
