use super::*;

#[tokio::test]
async fn each_work_hears_its_own_replies() {
    let (outer, inner, silent) = (Heard::default(), Heard::default(), Heard::default());
    let both = async {
        Heard::tell(200);
        inner.along(async { Heard::tell(429) }).await;
        silent.along(async {}).await;
    };
    outer.along(both).await;
    assert_eq!((outer.status(), inner.status(), silent.status()), (Some(200), Some(429), None));
    // Nobody listens.
    Heard::tell(500);
    assert_eq!(outer.status(), Some(200));
}

#[tokio::test]
async fn what_was_heard_outlives_the_work() {
    let heard = Heard::default();
    let work = async {
        Heard::tell(200);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        () = heard.along(work) => {}
        () = std::future::ready(()) => {}
    }
    assert_eq!(heard.status(), Some(200));
}
