//! The results, and their display: a line for each measure, a column for each contender.

use std::fmt;

use crate::who::Who;

/// A quantity that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its name, with its unit.
    pub title: &'static str,
    /// Whether more is better.
    pub more_is_better: bool,
    /// The number of digits after the point.
    pub digits: usize,
}

impl Measure {
    /// A measure of which less is better.
    pub const fn less(title: &'static str, digits: usize) -> Measure {
        Measure {
            title,
            more_is_better: false,
            digits,
        }
    }

    /// A measure of which more is better.
    pub const fn more(title: &'static str, digits: usize) -> Measure {
        Measure {
            title,
            more_is_better: true,
            digits,
        }
    }
}

/// The result of one contender: a figure, or the reason why there is none.
pub type Outcome = Result<f64, String>;

/// One measure of all contenders.
#[derive(Clone, Debug)]
pub struct Row {
    /// The measure of all its figures.
    pub measure: Measure,
    cells: Vec<(Who, Outcome)>,
}

impl Row {
    /// A row without figures.
    pub fn new(measure: Measure) -> Row {
        let cells = Vec::new();
        Row { measure, cells }
    }

    /// Adds the result of a contender.
    pub fn put(&mut self, who: Who, outcome: Outcome) {
        self.cells.push((who, outcome));
    }

    /// The result of a contender; `None` if it took no part.
    pub fn outcome(&self, who: Who) -> Option<&Outcome> {
        self.cells.iter().find(|cell| cell.0 == who).map(|cell| &cell.1)
    }

    /// The figure of a contender.
    pub fn figure(&self, who: Who) -> Option<f64> {
        self.outcome(who)?.as_ref().ok().copied()
    }

    /// The best of the peers for which `takes_part`, and its figure.
    pub fn best_peer(&self, takes_part: impl Fn(Who) -> bool) -> Option<(Who, f64)> {
        let peers = Who::ALL
            .into_iter()
            .filter(|&who| who.is_peer() && takes_part(who));
        let figures = peers.filter_map(|who| Some((who, self.figure(who)?)));
        figures.reduce(|best, next| {
            let is_better = if self.measure.more_is_better {
                next.1 > best.1
            } else {
                next.1 < best.1
            };
            if is_better { next } else { best }
        })
    }

    fn cell(&self, who: Who) -> String {
        match self.outcome(who) {
            Some(Ok(figure)) => format!("{figure:.*}", self.measure.digits),
            Some(Err(_)) => "cannot".to_owned(),
            None => "–".to_owned(),
        }
    }

    fn ratio(&self) -> String {
        let ours = self.figure(Who::Ring);
        match ours.zip(self.best_peer(|_| true)) {
            Some((ours, (who, best))) if best != 0.0 => format!("{:.2} × {who}", ours / best),
            _ => "–".to_owned(),
        }
    }
}

/// All results, in the order in which they are shown. It displays as Markdown.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds a row.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Adds rows.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.rows.extend(rows);
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of a measure.
    pub fn row(&self, measure: Measure) -> Option<&Row> {
        self.rows.iter().find(|row| row.measure == measure)
    }

    /// The figure of a contender.
    pub fn figure(&self, measure: Measure, who: Who) -> Option<f64> {
        self.row(measure)?.figure(who)
    }

    /// The reasons why contenders cannot take part: each once, with its contenders.
    fn reasons(&self) -> Vec<(Vec<Who>, &str)> {
        let mut reasons: Vec<(Vec<Who>, &str)> = Vec::new();
        for (who, outcome) in self.rows.iter().flat_map(|row| &row.cells) {
            let Err(why) = outcome else { continue };
            match reasons.iter_mut().find(|reason| reason.1 == why) {
                Some((contenders, _)) if contenders.contains(who) => {}
                Some((contenders, _)) => contenders.push(*who),
                None => reasons.push((vec![*who], why)),
            }
        }
        reasons
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Who::ALL.map(Who::name).join(" | ");
        writeln!(f, "| | {names} | ours ÷ best peer |")?;
        writeln!(f, "|---|{}---|", "---:|".repeat(Who::ALL.len()))?;
        for row in &self.rows {
            let cells = Who::ALL.map(|who| row.cell(who)).join(" | ");
            writeln!(f, "| {} | {cells} | {} |", row.measure.title, row.ratio())?;
        }
        for (contenders, why) in self.reasons() {
            let names: Vec<_> = contenders.into_iter().map(Who::name).collect();
            write!(f, "\n- cannot: {}: {why}", names.join(", "))?;
        }
        writeln!(f)
    }
}
