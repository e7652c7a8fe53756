use super::*;
use std::collections::BTreeMap;

const TABLE: &str = "macro_rules! error_codes { }\n\nerror_codes! {\n    /// Not of the\n    /// right form.\n    \
                     Bad = \"bad\", 400, \"invalid\";\n    /// Busy.\n    Full = \"full\", 503, \"server\";\n}\n";

fn tree(document: &str) -> Tree {
    let files = [(SOURCE, TABLE), (TARGET, document)].map(|(path, text)| (path.to_owned(), text.to_owned()));
    Tree { root: ".".into(), files: BTreeMap::from(files) }
}

#[test]
fn rows_carry_their_comments() {
    let text = document(TABLE).unwrap();
    assert!(text.ends_with(
        "| --- | --- | --- | --- |\n| `bad` | 400 | `invalid` | Not of the right form. |\n| `full` | 503 | `server` | Busy. |\n"
    ));
}

#[test]
fn an_old_document_is_found_where_it_differs() {
    let text = document(TABLE).unwrap();
    assert_eq!(check(&tree(&text)).unwrap(), []);
    let old = check(&tree(&text.replace("503", "500"))).unwrap();
    assert_eq!((old[0].path.as_str(), old[0].line), (TARGET, 11));
    assert_eq!(check(&tree("")).unwrap()[0].line, 1);
}

#[test]
fn a_table_of_another_form_is_an_error() {
    for source in
        ["", "\nerror_codes! {\n}", "\nerror_codes! {\n X = 1;\n}", "\nerror_codes! {\n X = \"x\", 400, \"k\";\n"]
    {
        assert!(document(source).is_err(), "{source}");
    }
}
