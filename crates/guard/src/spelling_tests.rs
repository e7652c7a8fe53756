use super::*;

#[test]
fn a_chinese_word_has_no_boundary_and_a_latin_one_has() {
    assert_eq!(spellings("賭博", false, false, true), [Spelling::Plain("赌博".into())]);
    assert_eq!(spellings("Ass", false, false, true), [Spelling::Whole("ass".into())]);
    assert_eq!(spellings("Ass", false, false, false), [Spelling::Plain("ass".into())]);
    assert_eq!(spellings("\u{200b}", true, true, true), []);
}

#[test]
fn gaps_are_for_characters_and_for_letters_that_stand_alone() {
    assert_eq!(spellings("敏感词", true, false, true), [Spelling::Gapped("敏感词".into())]);
    let both = [Spelling::Spelled("fuck".into()), Spelling::Whole("fuck".into())];
    assert_eq!(spellings("fuck", true, false, true), both);
    assert_eq!(spellings("加v信", true, false, true), [Spelling::Gapped("加v信".into())]);
    assert_eq!(spellings("毒", true, false, true), [Spelling::Plain("毒".into())]);
}

#[test]
fn pinyin_stands_for_some_or_all_characters() {
    let texts = in_pinyin("赌博");
    for text in ["dubo", "du bo", "du-bo", "du'bo", "du博", "赌bo"] {
        assert!(texts.iter().any(|t| t == text), "{text} in {texts:?}");
    }
    assert_eq!(texts.len(), 6);
    assert!(in_pinyin("赌").is_empty() && in_pinyin("a赌").is_empty());
}
