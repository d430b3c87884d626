//! Makes the guest page's files ready once, and not at every cold start: without what only their authors read, and with the digests by
//! which a browser knows them.

#[path = "src/systems/guest_page/compact.rs"]
mod compact;

use std::{
    env, fs,
    io::{self, Write as _},
    path::Path,
};

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

const TEMPLATES: &str = "../../templates";

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by the environment where to write")]
fn main() -> io::Result<()> {
    let out = env::var_os("OUT_DIR").expect("cargo names a folder");
    let out = Path::new(&out);
    for (name, compact) in [
        ("guest-page.html", compact::markup as fn(&str) -> String),
        ("guest-page.css", compact::style),
        ("guest-page.js", compact::script),
    ] {
        let source = Path::new(TEMPLATES).join(name);
        writeln!(io::stdout(), "cargo::rerun-if-changed={}", source.display())?;
        let text = compact(&fs::read_to_string(&source)?);
        fs::write(out.join(name), &text)?;
        fs::write(out.join(format!("{name}.sha256")), BASE64.encode(&Sha256::digest(&text)))?;
    }
    writeln!(io::stdout(), "cargo::rerun-if-changed=src/systems/guest_page/compact.rs")
}
