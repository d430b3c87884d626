//! Says what is measured while it is measured, and how long it took: nobody waits for minutes before an unmoving screen.

use std::{
    io::{self, Write},
    time::Instant,
};

/// Where to say it, and what is under way.
pub struct Progress<'a> {
    out: &'a mut (dyn Write + Send),
    since: Instant,
}

impl<'a> Progress<'a> {
    /// Says it to `out`.
    pub fn to(out: &'a mut (dyn Write + Send)) -> Self {
        Self { out, since: Instant::now() }
    }

    pub(super) fn begin(&mut self, name: &str, what: &str) -> io::Result<()> {
        self.since = Instant::now();
        write!(self.out, "{name:<10} {what:<78}")?;
        self.out.flush()
    }

    pub(super) fn end(&mut self) -> io::Result<()> {
        writeln!(self.out, " {:>5.1} s", self.since.elapsed().as_secs_f64())
    }
}
