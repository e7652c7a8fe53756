use super::*;
use crate::gguf::{ElementType, GgufWriter};
use crate::testing::{unigram_model, wordpiece_model};
use proptest::prelude::*;

fn tokenizer(bytes: &[u8]) -> Tokenizer {
    let file = Gguf::parse(bytes).unwrap();
    let count = file.array("tokenizer.ggml.tokens").unwrap().count;
    Tokenizer::from_gguf(&file, count).unwrap()
}

/// Each token's number and text.
fn cut<'t>(tokenizer: &Tokenizer, text: &'t str) -> Vec<(u32, &'t str)> {
    let tokens = tokenizer.tokens(text);
    tokens.into_iter().map(|token| (token.id, &text[token.start as usize..token.end as usize])).collect()
}

#[test]
fn unigram_takes_the_best_pieces() {
    let tokenizer = tokenizer(&unigram_model(ElementType::F32));
    for (text, expected) in [
        ("", &[][..]),
        ("   ", &[]),
        ("驿站", &[(4, ""), (7, "驿站")]),
        ("驿站是站。", &[(4, ""), (7, "驿站"), (8, "是"), (6, "站"), (9, "。")]),
        ("the station", &[(15, "the"), (17, "station")]),
        ("  the \n\t stations ", &[(15, "the"), (17, "station"), (19, "s")]),
        // Full-width forms are the same letters and digits.
        ("Ａ１２，", &[(4, ""), (12, "Ａ"), (14, "１２"), (11, "，")]),
        // A letter with a combining accent is one character of the vocabulary.
        ("e\u{301}!", &[(4, ""), (20, "e\u{301}"), (21, "!")]),
        // Unknown characters in a row are one token and keep their place.
        ("站😀👍🏽站", &[(4, ""), (6, "站"), (3, "😀👍🏽"), (6, "站")]),
        // Control tokens in a text are text.
        ("</s>1", &[(4, ""), (3, "</"), (19, "s"), (3, ">"), (13, "1")]),
    ] {
        assert_eq!(cut(&tokenizer, text), expected, "{text:?}");
    }
}

#[test]
fn wordpiece_cuts_words_greedily() {
    let tokenizer = tokenizer(&wordpiece_model());
    for (text, expected) in [
        ("", &[][..]),
        ("The STATIONS", &[(4, "The"), (5, "STATION"), (6, "S")]),
        ("Café!", &[(14, "Café"), (13, "!")]),
        ("Cafe\u{301}1", &[(14, "Cafe"), (15, "1")]),
        ("驿站。", &[(9, "驿"), (10, "站"), (11, "。")]),
        ("the-a's", &[(4, "the"), (19, "-"), (17, "a"), (18, "'"), (1, "s")]),
        // A word with an unknown part is unknown as a whole.
        ("stationz 😀", &[(1, "stationz"), (1, "😀")]),
        ("\u{200b}a\u{0}\u{feff}", &[(17, "a")]),
        ("[CLS]", &[(1, "["), (1, "CLS"), (1, "]")]),
    ] {
        assert_eq!(cut(&tokenizer, text), expected, "{text:?}");
    }
    let long = "a".repeat(101);
    assert_eq!(cut(&tokenizer, &long), [(1, long.as_str())]);
}

/// A double array for a few keys: each node has a block of 256 units of its own.
fn double_array(keys: &[(&str, u32)]) -> Vec<u8> {
    let mut units = vec![0u32; 256];
    let unit = |label: u32, offset: usize| label | 0x200 | ((offset as u32 >> 8) << 10);
    units[0] = unit(0, 256);
    let mut nodes = std::collections::HashMap::from([(Vec::new(), 256usize)]);
    units.resize(512, 0x8000_0000);
    for (key, value) in keys {
        for (index, &byte) in key.as_bytes().iter().enumerate() {
            let place = nodes[&key.as_bytes()[..index]] ^ usize::from(byte);
            let next = key.as_bytes()[..=index].to_vec();
            nodes.entry(next).or_insert_with(|| {
                let base = units.len() | place & 0xff;
                units.resize(units.len() + 256, 0x8000_0000);
                units[place] = unit(byte.into(), place ^ base);
                base
            });
            if index + 1 == key.len() {
                units[place] |= 0x100;
                units[nodes[key.as_bytes()]] = 0x8000_0000 | value;
            }
        }
    }
    units.iter().flat_map(|unit| unit.to_le_bytes()).collect()
}

#[test]
fn a_compiled_map_replaces_the_longest_sequence() {
    let array = double_array(&[("Ａ", 0), ("e\u{301}", 2), ("㍿", 5), ("Ａ１", 12)]);
    let mut bytes = (array.len() as u32).to_le_bytes().to_vec();
    bytes.extend(array);
    bytes.extend("A\0é\0株式\0!\0".bytes());
    let map = charsmap::Charsmap::read(&bytes).unwrap();
    let run = |text: &str| {
        let mut seen = Vec::new();
        map.run(text, |character, start, end| seen.push((character, start, end)));
        seen
    };
    assert_eq!(run("Ａ"), [('A', 0, 3)]);
    assert_eq!(run("xＡe\u{301}e"), [('x', 0, 1), ('A', 1, 4), ('é', 4, 7), ('e', 7, 8)]);
    assert_eq!(run("㍿"), [('株', 0, 3), ('式', 0, 3)]);
    assert_eq!(run("Ａ１Ａ"), [('!', 0, 6), ('A', 6, 9)]);
    assert!(charsmap::Charsmap::read(&bytes[..100]).is_err());
}

#[test]
fn a_map_of_code_points_replaces_and_removes() {
    let mut file = GgufWriter::default();
    file.words(NORMALIZATION_KEY, [0x7f, 0, 0x337f, 2, 0x682a, 0x5f0f, 0xff21, 1, 0x41].into_iter());
    let mut bytes = Vec::new();
    file.write_to(&mut bytes).unwrap();
    let normalizer = normalize::Normalizer::from_gguf(&Gguf::parse(&bytes).unwrap()).unwrap();
    let mut seen = Vec::new();
    normalizer.run("\u{7f}Ａb㍿", |character, start, end| seen.push((character, start, end)));
    assert_eq!(seen, [('A', 1, 4), ('b', 4, 5), ('株', 5, 8), ('式', 5, 8)]);
}

proptest! {
    #[test]
    fn ranges_are_in_order_and_on_characters(
        text in prop_oneof![any::<String>(), "[驿站是。the stations\\s!Ａ１😀]{0,60}"],
        wordpiece: bool,
    ) {
        let tokenizer = tokenizer(&if wordpiece { wordpiece_model() } else { unigram_model(ElementType::F32) });
        let mut end = 0;
        for token in tokenizer.tokens(&text) {
            prop_assert!(token.start >= end && token.end >= token.start);
            prop_assert!(text.get(token.start as usize..token.end as usize).is_some());
            end = token.end;
        }
    }
}
