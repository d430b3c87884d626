//! ShipCaptainCrew of staging: `simulators::scc` as a Lambda.

use std::process::ExitCode;

use simulators::staging;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    Box::pin(staging::serve(staging::scc())).await
}
