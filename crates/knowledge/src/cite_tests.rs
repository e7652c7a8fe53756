use super::*;
use crate::search::Found;
use yizhan_domain::{ChunkId, DocumentId, FileId, Rect};
use yizhan_store::Chunk;

fn grounding(texts: &[&str]) -> Grounding {
    let found: Vec<Found> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| {
            let mut lines = crate::lines::plain_lines(text);
            lines.iter_mut().enumerate().for_each(|(at, line)| {
                line.page = Some(n as u32 + 1);
                line.rect = Some(Rect([0.0, at as f32, 10.0, at as f32 + 1.0]));
            });
            let chunk = Chunk {
                id: ChunkId(n as u64 + 1),
                document: DocumentId(n as u64 + 1),
                file: FileId::new(format!("file-{n}")),
                name: format!("{n}.txt"),
                ordinal: 0,
                text: (*text).to_owned(),
                heading: vec![],
                lines,
                tokens: 1,
            };
            Found { chunk, score: 1.0, cosine: None, bm25: None }
        })
        .collect();
    Grounding::new("What is asked?", &found, 10)
}

fn run(sources: &[&str], pieces: &[&str]) -> (String, Vec<Citation>) {
    let mut filter = CitationFilter::new(grounding(sources));
    let mut text: String = pieces.iter().map(|piece| filter.push(piece)).collect();
    let cited = filter.finish();
    text.push_str(&cited.text);
    (text, cited.citations)
}

#[test]
fn a_number_that_points_nowhere_is_removed_wherever_the_stream_is_cut() {
    let answer = "Returns take 30 days [2]. Refunds follow [7][1]. See array[0] and [link](x) and [1, 9].";
    let expected = "Returns take 30 days [2]. Refunds follow [1]. See array and [link](x) and [1].";
    for at in 0..=answer.len() {
        let (text, citations) = run(&["refunds", "returns"], &[&answer[..at], &answer[at..]]);
        assert_eq!(text, expected, "cut at {at}");
        assert_eq!(citations.iter().map(|c| c.index).collect::<Vec<_>>(), [1, 2]);
    }
}

#[test]
fn chinese_brackets_and_words_are_citations_too() {
    let (text, citations) = run(&["一", "二"], &["退货期为30天【", "2", "】。运费见[来源1]。"]);
    assert_eq!(text, "退货期为30天[2]。运费见[1]。");
    assert_eq!(citations.len(), 2);
}

#[test]
fn the_quote_is_the_line_that_the_statement_rests_on() {
    let source = "Opening hours are nine to five.\nReturns are accepted within 30 days.\nShipping is free.";
    let (_, citations) = run(&[source], &["You may return goods within 30 days [1]."]);
    let citation = &citations[0];
    assert_eq!(citation.quote, "Returns are accepted within 30 days.");
    assert_eq!((citation.page, citation.boxes[0].0[1]), (Some(1), 1.0));
    assert_eq!((citation.file_id.as_str(), citation.filename.as_str()), ("file-0", "0.txt"));
}

#[test]
fn an_answer_without_numbers_is_attributed_when_a_source_has_its_words() {
    let sources = ["the weather is fine", "the package manager apt resolves dependencies automatically"];
    let (text, citations) = run(&sources, &["apt resolves dependencies automatically."]);
    assert_eq!(text, "apt resolves dependencies automatically. [2]");
    assert_eq!(citations[0].index, 2);
    let (text, citations) = run(&sources, &["Bananas ripen quickly in summer."]);
    assert_eq!((text.as_str(), citations.len()), ("Bananas ripen quickly in summer.", 0));
}

#[test]
fn a_short_answer_is_attributed_to_the_source_that_says_it() {
    let sources = ["备件 30 天内可以退货。", "整机自签收之日起 15 天内可以退货。"];
    let (text, citations) = run(&sources, &["15天"]);
    assert_eq!((text.as_str(), citations[0].quote.as_str()), ("15天 [2]", sources[1]));
    assert!(run(&sources, &["是"]).1.is_empty(), "one character proves nothing");
}

#[test]
fn nothing_but_a_number_is_completed_by_the_line_it_points_to() {
    let (text, citations) = run(&["Intro.\nWhat is asked is answered here.\nEnd."], &["[1]"]);
    assert_eq!(text, "[1] What is asked is answered here.");
    assert_eq!(citations.len(), 1);
}

#[test]
fn an_unfinished_mark_at_the_end_is_text() {
    assert_eq!(run(&["x"], &["see [1"]).0, "see [1");
    assert_eq!(run(&["x"], &["a [[1]]"]).0, "a [[1]]");
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_in_any_pieces_gives_the_same_answer(answer in "[a-c\\[\\]【】0-3, 来源。]{0,40}", cut in 0usize..40) {
            let at = answer.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(answer.len());
            let whole = run(&["abc", "来源"], &[&answer]);
            prop_assert_eq!(&whole, &run(&["abc", "来源"], &[&answer[..at], &answer[at..]]));
            for number in ["[0]", "[3]"] {
                prop_assert!(!whole.0.contains(number), "{:?}", whole.0);
            }
        }
    }
}
