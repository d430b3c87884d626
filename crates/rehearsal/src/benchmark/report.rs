//! The figures in a terminal, each with what it means.

use std::io::{self, Write};

use super::{Figures, Program, sample::Sample};

const MEANING: &str = "
cold start       from the start of the process to its first poll of Lambda's runtime API: what the first delivery after a
                 pause waits for on our account. The function's holds one secrets call, made to the emulator directly.
  secrets call   the same call by itself, made from here: the emulator's share, connection included.
  processor      what the program's thread computed until then; the rest of the cold start is waiting.
peak memory      the most that the process ever held (VmHWM), after it answered its first delivery.
warm delivery    a second, new booking from the marketplace to the answer, with stand-ins that do not wait. Most of it is
                 the emulator and the stand-ins, a debug build: the bare one's is what our Lambda and API Gateway take.
  processor      what the program's thread computed for it: the function's own share.
binary           the program, stripped. The zip that is deployed is about half.

Where the medians are far from the least, the machine was busy with something else: run it again. Memory and
processor time come from /proc, on Linux only.";

impl Figures {
    /// Prints the figures side by side, and what each means.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\nStarts of each program, by turns: {}. Release profile. Median (least to most).\n", self.runs)?;
        writeln!(out, "{:<19} {:<24} {:<24} ratio", "", "booking-webhook", "bare lambda_http")?;
        self.compare(out, "cold start, ms", |program| &program.cold_start_ms)?;
        writeln!(out, "{:<19} {}", "  secrets call, ms", self.secrets_call_ms)?;
        self.compare(out, "  processor, ms", |program| &program.cold_start_processor_ms)?;
        self.compare(out, "peak memory, MB", |program| &program.peak_memory_mb)?;
        self.compare(out, "warm delivery, ms", |program| &program.warm_delivery_ms)?;
        self.compare(out, "  processor, ms", |program| &program.warm_delivery_processor_ms)?;
        let (function, hello_world) = (self.function.binary_mb, self.hello_world.binary_mb);
        writeln!(out, "{:<19} {function:<24.2} {hello_world:<24.2} {:>5.1}", "binary, MB", function / hello_world)?;
        writeln!(out, "{MEANING}")
    }

    fn compare(&self, out: &mut impl Write, name: &str, figure: impl Fn(&Program) -> &Sample) -> io::Result<()> {
        let (function, hello_world) = (figure(&self.function), figure(&self.hello_world));
        let ratio = function.median().zip(hello_world.median()).map(|(function, bare)| function / bare);
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:>5.1}"));
        writeln!(out, "{name:<19} {function:<24} {hello_world:<24} {ratio}")
    }
}
