use super::{cut, pieces, request_tokens, scale, text_tokens};
use proptest::prelude::*;
use yizhan_domain::{Content, Message, Part, Role};
use yizhan_model::ChatRequest;

/// Counts by cl100k_base, o200k_base, DeepSeek's, Claude 2's and Qwen 2.5's own tokenizers, in this order.
const COUNTED: [(&str, &str, [u32; 5]); 5] = [
    ("english", include_str!("../testdata/texts/english.md"), [783, 739, 732, 822, 758]),
    ("chinese", include_str!("../testdata/texts/chinese.md"), [948, 752, 665, 884, 739]),
    ("code", include_str!("../testdata/texts/code.rs.txt"), [646, 649, 708, 732, 649]),
    ("table", include_str!("../testdata/texts/table.json"), [753, 689, 705, 776, 824]),
    ("languages", include_str!("../testdata/texts/languages.txt"), [395, 245, 270, 491, 270]),
];

#[test]
fn the_estimate_is_never_below_a_living_vocabulary_and_not_absurdly_above() {
    for (name, text, [cl100k, o200k, deepseek, claude, qwen]) in COUNTED {
        let estimate = text_tokens(text);
        // Claude 2's tokenizer is the only one of Anthropic's that is public.
        let most = cl100k.max(o200k).max(deepseek).max(qwen);
        let least = cl100k.min(o200k).min(deepseek).min(claude).min(qwen);
        assert!(estimate >= most, "{name}: {estimate} is below {most}");
        assert!(estimate <= least * 2, "{name}: {estimate} is more than twice {least}");
    }
}

/// Said in the documentation: rare characters may cost more than the estimate.
#[test]
fn rare_characters_are_the_known_exception() {
    let poem = include_str!("../testdata/texts/poem.txt");
    let (o200k, cl100k) = (105, 149);
    let estimate = text_tokens(poem);
    assert!(estimate < o200k && estimate * 2 > cl100k, "{estimate}");
}

#[test]
fn pieces_are_what_the_documentation_says() {
    let cut = |text: &str| pieces(text).map(|piece| text[piece.range].to_owned()).collect::<Vec<_>>();
    assert_eq!(cut("tokenization getName 2024"), ["toke", "niza", "tion", "get", "Name", "2", "0", "2", "4"]);
    assert_eq!(cut("你好, x"), ["你", "好", ",", "x"]);
    assert_eq!(cut("a    b\n"), ["a", "    ", "b", "\n"]);
    assert_eq!(text_tokens(""), 0);
}

#[test]
fn images_tools_and_reasoning_count() {
    let mut request = ChatRequest { messages: vec![Message::text(Role::User, "hi")], ..ChatRequest::default() };
    let plain = request_tokens(&request);
    request.messages[0].content = Content::Parts(vec![Part::text("hi"), Part::image("data:image/png;base64,AAAA")]);
    assert_eq!(request_tokens(&request), plain + 1_600, "whatever the image's length");
    request.messages[0].extra.insert("reasoning_content".to_owned(), "想".into());
    request.tools.push(serde_json::json!({"a": 1}));
    assert!(request_tokens(&request) > plain + 1_601);
}

#[test]
fn a_factor_rounds_up_and_saturates() {
    assert_eq!((scale(10, 0.55), scale(0, 2.0), scale(u32::MAX, 20.0)), (6, 0, u32::MAX));
}

proptest! {
    #[test]
    fn pieces_lie_in_order_on_characters_and_lose_no_word(text in "[a-zA-Z0-9 \t\r\n,{}é你の한😀ไ]{0,80}") {
        let mut at = 0;
        for piece in pieces(&text) {
            prop_assert!(text[at..piece.range.start].trim().is_empty());
            prop_assert!(!text[piece.range.clone()].is_empty());
            at = piece.range.end;
        }
        prop_assert!(text[at..].trim().is_empty());
    }

    #[test]
    fn a_cut_text_fits_and_could_not_be_longer(text in "\\PC{0,60}", most in 0usize..40) {
        let kept = cut(&text, most);
        prop_assert!(text_tokens(kept) as usize <= most);
        prop_assert!(kept.len() == text.len() || text_tokens(&text) as usize > most);
    }
}
