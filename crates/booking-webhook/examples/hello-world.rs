//! The least that a function of `lambda_http` can be: what `make bench` holds the webhook's cold start against.

use std::convert::Infallible;

use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |_: Request| Ok::<_, Infallible>("Hello, world!"))).await
}
