//! Price lists: what is charged is what its lines add up to, the same without words, and never more than was
//! estimated.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yizhan_domain::{ErrorCode, Money, Usage};
use yizhan_metering::PriceBook;

fuzz_target!(|input: ([u32; 5], i64, &str)| {
    let ([prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens], at_ms, text) = input;
    let book = match PriceBook::parse(text) {
        Ok(book) => book,
        Err(error) => return assert_eq!(error.code(), ErrorCode::InvalidConfig),
    };
    let usage = Usage {
        prompt_tokens,
        completion_tokens,
        cached_tokens,
        cache_write_tokens,
        reasoning_tokens,
        ..Usage::default()
    };
    for (model, provider) in [("m", "p"), ("qwen-plus", "dashscope"), ("", "")] {
        let charge = book.charge(model, provider, &usage, at_ms);
        let cost = book.cost(model, provider, &usage, at_ms);
        assert_eq!(charge.as_ref().map(|charge| (charge.amount, charge.version.as_str())), cost);
        let Some(charge) = charge else { continue };
        assert_eq!(charge.lines.iter().map(|line| line.amount).sum::<Money>(), charge.amount);
        let most = book.estimate(model, provider, prompt_tokens, completion_tokens, at_ms);
        assert!(most.is_some_and(|most| charge.amount <= most), "{charge:?} was estimated as {most:?}");
    }
});
