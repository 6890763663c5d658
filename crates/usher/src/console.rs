//! What people read: standard output for what they asked for, standard error for the rest. Where
//! nobody listens any more, nothing is said.

use std::io::{self, Write};

/// A line, or several, on standard output.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// A line, or several, on standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Progress on standard error, in the place of the progress before.
pub(crate) fn overwrite(text: &str) {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "\r{text}").and_then(|()| stderr.flush());
}

/// Columns that are as wide as what was in them so far, and a last one of any width. The head is said before the
/// first row.
pub(crate) struct Table<const N: usize> {
    widths: [usize; N],
    head: Option<([&'static str; N], &'static str)>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(head: [&'static str; N], last: &'static str) -> Self {
        Self { widths: [0; N], head: Some((head, last)) }
    }

    pub(crate) fn say(&mut self, rows: Vec<([String; N], &str)>) {
        if rows.is_empty() {
            return;
        }
        let head = self.head.take().map(|(head, last)| (head.map(str::to_owned), last));
        let rows: Vec<_> = head.into_iter().chain(rows).collect();
        for (cells, _) in &rows {
            for (width, cell) in self.widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.len());
            }
        }
        for (cells, last) in rows {
            let cells = self.widths.iter().zip(&cells).map(|(width, cell)| format!("{cell:<width$}  "));
            say(format!("{}{last}", cells.collect::<String>()).trim_end());
        }
    }
}
