//! Signs a body as a sender would, and says which part of a signature does not fit.

use std::fmt::Write as _;

use booking_webhook::Verifier;
use jiff::Timestamp;

use crate::{Options, Outcome};

pub(crate) fn sign(options: &Options<'_>, now: Timestamp) -> Outcome {
    let verifier = verifier(options)?;
    let id = options.optional("id").unwrap_or("msg_1");
    let mut out = String::new();
    for (name, value) in verifier.sign(id, now, &options.file("body")?) {
        let _infallible = writeln!(out, "{name}: {value}");
    }
    Ok((out, true))
}

pub(crate) fn verify(options: &Options<'_>, now: Timestamp) -> Outcome {
    let verifier = verifier(options)?;
    options.needed("headers")?;
    let reasons = verifier.explain(&options.headers()?, &options.file("body")?, now);
    if reasons.is_empty() {
        return Ok(("authentic: the header is right for this body and secret\n".into(), true));
    }
    let lines: Vec<String> = reasons.into_iter().map(|reason| format!("  {reason}\n")).collect();
    Ok((format!("not authentic:\n{}", lines.concat()), false))
}

fn verifier(options: &Options<'_>) -> Result<Verifier, String> {
    let faults = |faults: Vec<String>| format!("the secret {}", faults.join(", and "));
    Verifier::parse(&options.text("secret")?).map_err(faults)
}
