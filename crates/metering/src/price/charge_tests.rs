use super::*;
use proptest::prelude::*;

fn book(price: &str) -> PriceBook {
    let text = format!("currency = \"CNY\"\n[[model]]\nname = \"m\"\n[[model.price]]\nversion = \"1\"\n{price}\n");
    PriceBook::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn usage(prompt: u32, cached: u32, written: u32, completion: u32, reasoning: u32) -> Usage {
    Usage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        cached_tokens: cached,
        cache_write_tokens: written,
        reasoning_tokens: reasoning,
    }
}

fn lines(charge: &Charge) -> Vec<(What, u64, String)> {
    charge.lines.iter().map(|line| (line.what, line.tokens, line.amount.to_string())).collect()
}

#[test]
fn each_kind_of_token_has_its_price_and_its_line() {
    let book = book("input = 2\ncached_input = 0.5\ncache_write = 2.5\noutput = 8\nreasoning = 16\nrequest = 0.001");
    let charge = book.charge("m", "", &usage(1000, 600, 100, 300, 200), 0).unwrap();
    let expected = [
        (What::CachedInput, 600, "0.0003"),
        (What::CacheWrite, 100, "0.00025"),
        (What::Input, 300, "0.0006"),
        (What::Output, 100, "0.0008"),
        (What::Reasoning, 200, "0.0032"),
        (What::Request, 1, "0.001"),
    ];
    assert_eq!(lines(&charge), expected.map(|(what, tokens, amount)| (what, tokens, amount.to_owned())));
    assert_eq!((charge.amount.to_string().as_str(), charge.currency.as_str()), ("0.00615", "CNY"));
    assert_eq!(book.charge("other", "", &usage(1, 0, 0, 1, 0), 0), None);
    // More cached than there is, and more reasoning, are not believed.
    assert_eq!(book.charge("m", "", &usage(10, 50, 50, 5, 9), 0).unwrap().lines.len(), 3);
}

#[test]
fn what_a_price_does_not_name_costs_as_the_usual() {
    let book = book("input = 2\noutput = 8");
    assert_eq!(book.charge("m", "", &usage(1000, 600, 100, 300, 200), 0).unwrap().amount.to_string(), "0.0044");
}

#[test]
fn the_whole_call_is_at_the_price_of_its_tier() {
    let book = book(
        "[[model.price.tier]]\nup_to = 32000\ninput = 2.5\noutput = 10\n[[model.price.tier]]\nup_to = 128000\ninput = 4\noutput = 16",
    );
    for (prompt, amount) in [(32_000, "0.09"), (32_001, "0.144004"), (200_000, "0.816")] {
        let charge = book.charge("m", "", &usage(prompt, 0, 0, 1000, 0), 0).unwrap();
        assert_eq!(charge.amount.to_string(), amount, "{charge:?}");
    }
    let charge = book.charge("m", "", &usage(20_000, 0, 0, 1, 0), 0).unwrap();
    assert_eq!(charge.lines[0].why, "a prompt of 20000 tokens falls in the tier up to 32000");
}

#[test]
fn marginal_tiers_cut_the_prompt() {
    let book = book(
        "tiers = \"marginal\"\n[[model.price.tier]]\nup_to = 100\ninput = 1\ncached_input = 0.1\noutput = 2\n[[model.price.tier]]\ninput = 3\noutput = 4",
    );
    let charge = book.charge("m", "", &usage(150, 40, 0, 10, 0), 0).unwrap();
    let expected = [
        (What::CachedInput, 40, "0.000004"),
        (What::Input, 60, "0.00006"),
        (What::Input, 50, "0.00015"),
        (What::Output, 10, "0.00004"),
    ];
    assert_eq!(lines(&charge), expected.map(|(what, tokens, amount)| (what, tokens, amount.to_owned())));
    assert_eq!(charge.lines[2].why, "the part of the prompt in the last tier");
}

#[test]
fn a_time_of_day_has_its_percentage_in_its_zone() {
    let book = book(
        "input = 2\noutput = 8\n[[model.price.window]]\nname = \"off-peak\"\nfrom = \"00:30\"\nto = \"08:30\"\noffset = \"+08:00\"\npercent = 50",
    );
    let at = |hours: i64, minutes: i64| (hours * 60 + minutes) * 60_000;
    for (utc, amount) in [(at(16, 29), "0.002"), (at(16, 30), "0.001"), (at(24, 29), "0.001"), (at(24, 30), "0.002")] {
        assert_eq!(book.charge("m", "", &usage(1000, 0, 0, 0, 0), utc).unwrap().amount.to_string(), amount);
    }
    let charge = book.charge("m", "", &usage(1000, 0, 0, 0, 0), at(20, 0)).unwrap();
    assert_eq!(charge.lines[0].why, "list price; 50 % of it (off-peak)");
}

#[test]
fn a_free_model_costs_nothing_and_says_which_price_says_so() {
    let charge = book("free = true").charge("m", "", &usage(1000, 0, 0, 500, 0), 0).unwrap();
    assert_eq!((charge.amount, charge.version.as_str(), charge.lines.len()), (Money::ZERO, "1", 0));
    assert_eq!(book("free = true").estimate("m", "", 9, 9, 0), Some(Money::ZERO));
    assert_eq!(book("free = true").estimate("n", "", 9, 9, 0), None);
}

#[test]
fn halves_of_a_billionth_are_rounded_up() {
    // 0.0005 for a million tokens is half a billionth for one.
    let book = book("input = 0.0005\noutput = 0.000499999");
    assert_eq!(book.charge("m", "", &usage(1, 0, 0, 1, 0), 0).unwrap().amount, Money(1));
    assert_eq!(book.charge("m", "", &usage(3, 0, 0, 0, 0), 0).unwrap().amount, Money(2));
}

#[test]
fn the_example_file_is_a_price_list() {
    let book = PriceBook::parse(include_str!("../../examples/prices.toml")).unwrap();
    let charge = book.charge("qwen3-max", "dashscope", &usage(40_000, 0, 0, 1000, 0), 1_780_000_000_000).unwrap();
    assert_eq!(charge.amount.to_string(), "0.176");
    // 2025-03-01T02:00+08:00: off-peak.
    let charge = book.charge("deepseek-reasoner", "deepseek", &usage(1_000_000, 0, 0, 0, 0), 1_740_765_600_000);
    assert_eq!(charge.unwrap().amount.to_string(), "1");
    assert!(book.charge("anything", "local", &usage(1, 0, 0, 1, 0), 0).is_some());
    assert!(book.charge("anything", "else", &usage(1, 0, 0, 1, 0), 0).is_none());
}

/// A price with every feature, at random.
fn any_price() -> impl Strategy<Value = String> {
    let price = || {
        (0u64..40_000_000_000).prop_map(|nanos| format!("\"{}.{:09}\"", nanos / 1_000_000_000, nanos % 1_000_000_000))
    };
    let optional = |name: &'static str| {
        proptest::option::of(price())
            .prop_map(move |price| price.map_or(String::new(), |price| format!("{name} = {price}\n")))
    };
    let tokens = move || {
        (price(), optional("cached_input"), optional("cache_write"), optional("output"), optional("reasoning"))
            .prop_map(|(input, a, b, c, d)| format!("input = {input}\n{a}{b}{c}{d}"))
    };
    let tiers =
        (proptest::collection::vec((1u32..60_000, tokens()), 1..5), any::<bool>()).prop_map(|(tiers, marginal)| {
            let mut text = format!("tiers = \"{}\"\n", if marginal { "marginal" } else { "whole" });
            let mut up_to = 0;
            for (more, tokens) in tiers {
                up_to += more;
                text += &format!("[[model.price.tier]]\nup_to = {up_to}\n{tokens}");
            }
            text
        });
    let window = proptest::option::of(0u16..=300).prop_map(|percent| {
        percent.map_or(String::new(), |percent| {
            format!("[[model.price.window]]\nname = \"w\"\nfrom = \"22:00\"\nto = \"06:00\"\noffset = \"-03:30\"\npercent = {percent}\n")
        })
    });
    (optional("request"), prop_oneof![tokens(), tiers], window)
        .prop_map(|(request, tokens, window)| request + &tokens + &window)
}

proptest! {
    #[test]
    fn a_reservation_is_never_less_than_the_charge(
        price in any_price(),
        prompt in 0u32..200_000,
        output in 0u32..50_000,
        at in 0i64..86_400_000,
        shares in proptest::array::uniform5(0.0f64..=1.0),
    ) {
        let book = book(&price);
        let part = |whole: u32, share: f64| (f64::from(whole) * share) as u32;
        // Whatever of the limits is used, however it is cached.
        let (used, generated) = (part(prompt, shares[0]), part(output, shares[1]));
        let (used, generated) = if shares[4] < 0.5 { (prompt, output) } else { (used, generated) };
        let cached = part(used, shares[2]);
        let usage = usage(used, cached, part(used - cached, shares[3]), generated, part(generated, shares[4]));
        let charge = book.charge("m", "", &usage, at).unwrap();
        let held = book.estimate("m", "", prompt, output, at).unwrap();
        prop_assert!(held >= charge.amount, "{held} < {} for {usage:?}\n{price}", charge.amount);
        // The short way gives the same, and every token is on one line.
        prop_assert_eq!(book.cost("m", "", &usage, at).unwrap().0, charge.amount);
        let tokens = |generated: bool| -> u64 {
            let of = |line: &&ChargeLine| line.what != What::Request && matches!(line.what, What::Output | What::Reasoning) == generated;
            charge.lines.iter().filter(of).map(|line| line.tokens).sum()
        };
        prop_assert_eq!((tokens(false), tokens(true)), (u64::from(used), u64::from(usage.completion_tokens)));
    }

    #[test]
    fn the_largest_numbers_saturate(prompt: u32, completion: u32) {
        let book = book("input = 1000000\noutput = 1000000\nrequest = 1000000");
        let usage = usage(prompt, 0, 0, completion, 0);
        prop_assert!(book.charge("m", "", &usage, i64::MAX).unwrap().amount <= book.estimate("m", "", u32::MAX, u32::MAX, i64::MAX).unwrap());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(\\[\\[model\\]\\]\n|name = \"[a-z*]{0,3}\"\n|version = \"1\"\n|\\[\\[model.price\\]\\]\n|input = [-0-9.e]{1,20}\n|valid_from = [0-9T:+-]{0,25}\n|from = \"\\PC{0,6}\"\n|\\PC{0,10}\n){0,12}") {
        let _ = PriceBook::parse(&format!("currency = \"X\"\n{text}"));
    }
}
