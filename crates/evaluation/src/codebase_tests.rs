use super::*;

const CHUNKS: &str = r#"[
    {"doc_id":"doc_1","original_uuid":"u1","content":"ab","chunks":[
        {"chunk_id":"c0","original_index":0,"content":"a"},{"chunk_id":"c1","original_index":1,"content":"b"}]},
    {"doc_id":"doc_2","original_uuid":"u2","content":"c","chunks":[{"chunk_id":"c0","original_index":0,"content":"c"}]}]"#;

#[test]
fn golden_chunks_become_positions() {
    let queries = "{\"query\":\"q1\",\"golden_chunk_uuids\":[[\"u2\",0],[\"u1\",1],[\"u1\",1]]}\n\n\
                   {\"query\":\"q2\",\"golden_chunk_uuids\":[[\"u1\",0],[\"gone\",3]]}\n";
    let set = RetrievalSet::from_codebase(CHUNKS, queries).unwrap();
    assert_eq!(set.passages.iter().map(|passage| &*passage.text).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(set.questions[0].relevant, [1, 2]);
    assert_eq!((set.questions[1].text.as_str(), set.questions[1].relevant.as_slice()), ("q2", [0].as_slice()));
}

#[test]
fn a_fault_names_file_and_line() {
    let good = "{\"query\":\"q\",\"golden_chunk_uuids\":[[\"u1\",0]]}\n";
    for (chunks, queries, reason) in [
        ("{}", good, "chunks"),
        (CHUNKS, "", "there are none"),
        (CHUNKS, &format!("{good}{{}}"), "line 2"),
        (CHUNKS, "{\"query\":\"q\",\"golden_chunk_uuids\":[[\"x\",0]]}", "not among the chunks"),
    ] {
        let error = RetrievalSet::from_codebase(chunks, queries).unwrap_err();
        assert!(error.message().contains(reason), "{error}");
    }
}
