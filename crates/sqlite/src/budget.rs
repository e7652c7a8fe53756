//! Drawn money in the database.
//!
//! It does not know transactions: it works inside the caller's.

use crate::fault::Fault;
use rusqlite::{Connection, params};
use yizhan_domain::Money;
use yizhan_store::{BudgetLine, Draw, Drawn};

pub(crate) fn draw(db: &Connection, holder: &str, draws: &[Draw]) -> Result<Vec<Drawn>, Fault> {
    draws.iter().map(|wish| draw_one(db, holder, wish)).collect()
}

fn draw_one(db: &Connection, holder: &str, wish: &Draw) -> Result<Drawn, Fault> {
    let BudgetLine { account, period } = &wish.line;
    let others = "SELECT coalesce(sum(drawn), 0) FROM budget WHERE period = ? AND account = ? AND holder <> ?";
    let others = db.prepare_cached(others)?.query_row([period, account, holder], |row| row.get(0)).map(Money)?;
    let drawn = Drawn::grant(wish, others);
    let write = "INSERT INTO budget (period, account, holder, drawn) VALUES (?, ?, ?, ?) \
                 ON CONFLICT DO UPDATE SET drawn = excluded.drawn WHERE drawn <> excluded.drawn";
    db.prepare_cached(write)?.execute(params![period, account, holder, drawn.total.0])?;
    Ok(drawn)
}

pub(crate) fn spent(db: &Connection, line: &BudgetLine) -> Result<Money, Fault> {
    let sql = "SELECT coalesce(sum(drawn), 0) FROM budget WHERE period = ? AND account = ?";
    Ok(db.prepare_cached(sql)?.query_row([&line.period, &line.account], |row| row.get(0)).map(Money)?)
}

pub(crate) fn set_spent(db: &Connection, line: &BudgetLine, amount: Money) -> Result<(), Fault> {
    let BudgetLine { account, period } = line;
    db.prepare_cached("DELETE FROM budget WHERE period = ? AND account = ?")?.execute([period, account])?;
    let sql = "INSERT INTO budget (period, account, holder, drawn) VALUES (?, ?, '', ?)";
    db.prepare_cached(sql)?.execute(params![period, account, amount.0])?;
    Ok(())
}

pub(crate) fn forget_period(db: &Connection, period: &str) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM budget WHERE period = ?")?.execute([period])?;
    Ok(())
}
