use super::*;

#[test]
fn every_code_reads_back_and_has_a_real_status() {
    for &code in ErrorCode::ALL {
        assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
        assert!((400..600).contains(&code.status()), "{code:?}");
    }
}

#[test]
fn an_error_survives_the_pipe_to_a_worker() {
    let error = Error::invalid("messages[0].role", "Role 'x' is unknown.").context("chat");
    let text = serde_json::to_string(&error).unwrap();
    assert_eq!(serde_json::from_str::<Error>(&text).unwrap(), error);
}
