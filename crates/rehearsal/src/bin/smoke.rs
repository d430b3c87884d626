//! The smoke test of a deployment, see `rehearsal::smoke`. Ends with 0 when all is well, with 1 when something is not, and with 2
//! when it could not be run.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use rehearsal::smoke::{Services, SmokeError, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Box::pin(smoke()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "The smoke test cannot be run: {error}"); // Where nobody reads, nobody is told.
            ExitCode::from(2)
        }
    }
}

async fn smoke() -> Result<bool, SmokeError> {
    run(&Services::from_env().await?, &mut io::stdout()).await
}
