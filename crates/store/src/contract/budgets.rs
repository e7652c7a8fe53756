//! Money that is drawn ahead.

use super::Subject;
use crate::{BudgetLine, Draw};
use futures_util::future::join_all;
use yizhan_domain::Money;

fn line(account: &str, period: &str) -> BudgetLine {
    BudgetLine { account: account.to_owned(), period: period.to_owned() }
}

fn wish(account: &str, used: i64, wanted: i64, limit: i64) -> Draw {
    Draw { line: line(account, "2026-11"), used: Money(used), wanted: Money(wanted), limit: Money(limit) }
}

/// What the holder then has, and the others.
async fn draw(s: &Subject, holder: &str, wish: Draw) -> (i64, i64) {
    let drawn = s.budgets.draw(holder, vec![wish]).await.unwrap()[0];
    (drawn.total.0, drawn.others.0)
}

async fn spent(s: &Subject, account: &str) -> i64 {
    s.budgets.spent(&line(account, "2026-11")).await.unwrap().0
}

pub async fn holders_together_never_draw_more_than_the_limit(s: &Subject) {
    assert_eq!(draw(s, "one", wish("a", 0, 60, 100)).await, (60, 0));
    assert_eq!(draw(s, "two", wish("a", 0, 60, 100)).await, (40, 60));
    assert_eq!(draw(s, "one", wish("a", 60, 61, 100)).await, (60, 40));
    assert_eq!(draw(s, "three", wish("a", 0, 1, 100)).await, (0, 100));
    assert_eq!(spent(s, "a").await, 100);
}

pub async fn drawing_less_gives_back(s: &Subject) {
    draw(s, "one", wish("a", 0, 60, 100)).await;
    assert_eq!(draw(s, "one", wish("a", 10, 10, 100)).await, (10, 0));
    assert_eq!(draw(s, "two", wish("a", 0, 100, 100)).await, (90, 10));
}

pub async fn a_repeated_wish_changes_nothing(s: &Subject) {
    for _ in 0..3 {
        assert_eq!(draw(s, "one", wish("a", 5, 60, 100)).await, (60, 0));
    }
    assert_eq!(spent(s, "a").await, 60);
}

pub async fn what_was_used_is_granted_in_any_case(s: &Subject) {
    assert_eq!(draw(s, "one", wish("a", 130, 130, 100)).await, (130, 0));
    assert_eq!(draw(s, "two", wish("a", 0, 10, 100)).await, (0, 130));
    // A limit that was lowered leaves what is promised already.
    assert_eq!(draw(s, "one", wish("a", 130, 200, 50)).await, (130, 0));
}

pub async fn lines_are_apart(s: &Subject) {
    let wishes = vec![wish("a", 0, 60, 100), wish("b", 0, 60, 10)];
    let drawn = s.budgets.draw("one", wishes).await.unwrap();
    assert_eq!(drawn.iter().map(|drawn| drawn.total.0).collect::<Vec<_>>(), [60, 10]);
    assert_eq!(s.budgets.spent(&line("a", "2026-12")).await.unwrap(), Money::ZERO);
    s.budgets.forget_period("2026-12").await.unwrap();
    assert_eq!(spent(s, "a").await, 60);
    s.budgets.forget_period("2026-11").await.unwrap();
    assert_eq!((spent(s, "a").await, spent(s, "b").await), (0, 0));
}

pub async fn what_was_spent_can_be_set(s: &Subject) {
    draw(s, "killed", wish("a", 0, 100, 100)).await;
    s.budgets.set_spent(&line("a", "2026-11"), Money(30)).await.unwrap();
    assert_eq!(spent(s, "a").await, 30);
    assert_eq!(draw(s, "two", wish("a", 0, 100, 100)).await, (70, 30));
}

pub async fn many_holders_at_once(s: &Subject) {
    let holders = (0..32).map(|number| async move {
        let holder = format!("holder {number}");
        draw(s, &holder, wish("a", 0, 7, 100)).await.0
    });
    assert_eq!(join_all(holders).await.into_iter().sum::<i64>(), 100);
}
