use super::*;

const HEAD: &str = "currency = \"CNY\"\n";

fn refusal(text: &str) -> String {
    let error = PriceBook::parse(&format!("{HEAD}{text}")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidConfig);
    error.message().to_owned()
}

fn price(lines: &str) -> String {
    format!("[[model]]\nname = \"m\"\n[[model.price]]\nversion = \"1\"\n{lines}\n")
}

#[test]
fn mistakes_are_told_with_their_line() {
    for (text, line, words) in [
        ("[[model]]\nname = \"m\"\nprize = 1\n", 4, "prize"),
        ("[[model]]\nname = \"m\"\nprice = []\n", 3, "free = true"),
        (&price("input = -1"), 6, "not negative"),
        (&price("input = 0.1234567891"), 6, "9 decimals"),
        (&price("input = \"1,5\""), 6, "is no price"),
        (&price("input = 2000000"), 5, "1,000,000"),
        (&price("output = 1"), 5, "free = true"),
        (&price("free = true\ninput = 1"), 5, "has prices"),
        (&price("valid_from = 2025-01-01\ninput = 1"), 6, "zone"),
        (&price("input = 1\n[[model.price.tier]]\ninput = 1"), 5, "in the tiers alone"),
        (&price("[[model.price.tier]]\ninput = 1\n[[model.price.tier]]\ninput = 2"), 6, "Only the last"),
        (
            &price("[[model.price.tier]]\nup_to = 9\ninput = 1\n[[model.price.tier]]\nup_to = 9\ninput = 2"),
            9,
            "in order",
        ),
        (
            &price(
                "input = 1\n[[model.price.window]]\nname = \"n\"\nfrom = \"8:00\"\nto = \"09:00\"\noffset = \"Z\"\npercent = 5",
            ),
            7,
            "time of day",
        ),
        (
            &price(
                "input = 1\n[[model.price.window]]\nname = \"n\"\nfrom = \"08:00\"\nto = \"08:00\"\noffset = \"Z\"\npercent = 5",
            ),
            7,
            "the same",
        ),
        (
            &price(
                "input = 1\n[[model.price.window]]\nname = \"n\"\nfrom = \"08:00\"\nto = \"09:00\"\noffset = \"北京\"\npercent = 5",
            ),
            7,
            "zone",
        ),
        (&(price("input = 1") + "[[model.price]]\nversion = \"2\"\ninput = 2"), 8, "begin at the same time"),
    ] {
        let message = refusal(text);
        assert!(message.contains(&format!("line {line}:")) && message.contains(words), "{text}\n{message}");
    }
    assert!(PriceBook::parse("currency = \" \"").unwrap_err().message().contains("line 1"));
}

#[test]
fn the_nearest_name_and_the_version_of_the_day_hold() {
    let text = r#"
        currency = "CNY"
        [[model]]
        name = "*"
        price = [{ version = "any", input = 1 }]
        [[model]]
        name = "qwen-*"
        price = [{ version = "qwen", input = 1 }]
        [[model]]
        name = "qwen-max"
        provider = "dashscope*"
        price = [
            { version = "late", valid_from = 2025-06-01T00:00:00+08:00, input = 1 },
            { version = "early", valid_from = 2025-01-01T00:00:00Z, input = 2 },
        ]
    "#;
    let book = PriceBook::parse(text).unwrap();
    let june = 1_748_707_200_000; // 2025-05-31T16:00:00Z
    let name = |model: &str, provider: &str, at| book.version(model, provider, at).map(|version| version.name.as_str());
    assert_eq!(name("qwen-max", "dashscope-cn", june), Some("late"));
    assert_eq!(name("qwen-max", "dashscope-cn", june - 1), Some("early"));
    assert_eq!(name("qwen-max", "dashscope-cn", 0), None);
    assert_eq!(name("qwen-max", "vllm", june), Some("any"));
    assert_eq!(name("deepseek", "", june), Some("any"));
    assert!(PriceBook::default().version("m", "", 0).is_none());
}
