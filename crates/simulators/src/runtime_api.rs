//! Lambda, as far as a function can tell: the runtime API that its process polls, and the Invoke API that callers use.
//!
//! The function under test is the real binary in a process of its own, started cold, killed in the middle, timed out: what
//! Lambda does to it cannot be shown by calling a handler. Any number of environments may poll; each takes the next
//! invocation when it is free.

mod environment;
mod invocations;
mod log;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    response::{IntoResponse, Json, Response},
    routing::{get, post},
};
pub use environment::{Environment, FunctionProcess, InitError};
use http::{HeaderMap, StatusCode};
pub use invocations::{Invocation, InvokeError, PastInvocation};
use invocations::{Invocations, Outcome};
pub use log::Log;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// The name that the function is invoked by.
pub const FUNCTION_NAME: &str = "booking-webhook";
/// API Gateway's longest wait for an answer, less one second: the time-out that the function is deployed with.
pub const TIME_OUT: Duration = Duration::from_secs(29);

const PAYLOAD_LIMIT_BYTES: usize = 6 * 1024 * 1024;
const FUNCTION_ARN: &str = "arn:aws:lambda:us-west-2:123456789012:function:booking-webhook";

/// Lambda with one function. Dropping it stops the two APIs; environments are stopped by their own handles.
pub struct Lambda {
    invocations: Arc<Invocations>,
    log: Log,
    address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl Lambda {
    /// Serves the runtime API and the Invoke API on one free port of 127.0.0.1. An invocation may take `time_out`.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(time_out: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let invocations = Arc::new(Invocations::new(time_out));
        let router = router(Arc::clone(&invocations));
        // Not `Server`: a poll must end when the process that polls does, or a dead environment would take an invocation.
        let task = tokio::spawn(axum::serve(listener, router).into_future());
        Ok(Self { invocations, log: Log::default(), address, task })
    }

    /// Where both APIs listen: what `cargo lambda invoke --invoke-port` takes.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts a cold environment: a process of the function with only the environment variables given, `PATH` and Lambda's own.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn spawn(&self, process: &FunctionProcess) -> io::Result<Environment> {
        Environment::spawn(process, self.address, &self.invocations, self.log.clone())
    }

    /// Invokes the function and waits for its answer. What the function does wrong (an error, a time-out, its death) is an
    /// answer with a `function_error`, as Lambda has it.
    ///
    /// # Errors
    /// When no environment takes the invocation.
    pub async fn invoke(&self, payload: &Value) -> Result<Invocation, InvokeError> {
        self.invocations.invoke(Bytes::from(payload.to_string())).await
    }

    /// The newest 500 invocations that are over, in the order of their ends.
    #[must_use]
    pub fn past_invocations(&self) -> Vec<PastInvocation> {
        self.invocations.past()
    }

    /// What all environments have logged so far, in order of arrival.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.invocations.close();
        self.task.abort();
    }
}

fn router(invocations: Arc<Invocations>) -> Router {
    let runtime = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{request_id}/response", post(respond))
        .route("/2018-06-01/runtime/invocation/{request_id}/error", post(fail))
        .route("/2018-06-01/runtime/init/error", post(fail_init));
    Router::new()
        .nest("/.rt/{environment}", runtime.clone())
        .merge(runtime)
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .layer(DefaultBodyLimit::max(PAYLOAD_LIMIT_BYTES))
        .with_state(invocations)
}

type Named = Path<BTreeMap<String, String>>;

fn environment_in(path: &BTreeMap<String, String>) -> &str {
    path.get("environment").map_or("", String::as_str)
}

async fn next(State(invocations): State<Arc<Invocations>>, Path(path): Named) -> Response {
    let Some(taken) = invocations.take(environment_in(&path)).await else {
        return StatusCode::GONE.into_response();
    };
    let headers = [
        ("lambda-runtime-aws-request-id", taken.request_id.clone()),
        ("lambda-runtime-deadline-ms", taken.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", FUNCTION_ARN.to_owned()),
        ("lambda-runtime-trace-id", format!("Root=1-{};Sampled=0", taken.request_id)),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, taken.payload).into_response()
}

async fn respond(State(invocations): State<Arc<Invocations>>, Path(path): Named, body: Bytes) -> Response {
    accepted(invocations.finish(&path["request_id"], Outcome::Answered(body)))
}

async fn fail(State(invocations): State<Arc<Invocations>>, Path(path): Named, body: Bytes) -> Response {
    accepted(invocations.finish(&path["request_id"], Outcome::Failed(body)))
}

async fn fail_init(State(invocations): State<Arc<Invocations>>, Path(path): Named, body: Bytes) -> Response {
    invocations.init_failed(environment_in(&path), &String::from_utf8_lossy(&body));
    accepted(true)
}

fn accepted(known: bool) -> Response {
    if known {
        return (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response();
    }
    let error = json!({ "errorMessage": "Invalid request ID", "errorType": "InvalidRequestID" });
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}

async fn invoke(
    State(invocations): State<Arc<Invocations>>,
    Path(path): Named,
    headers: HeaderMap,
    payload: Bytes,
) -> Response {
    if path["name"].split(':').next() != Some(FUNCTION_NAME) {
        let message = format!("Function not found: {}; this one is {FUNCTION_NAME}", path["name"]);
        return (StatusCode::NOT_FOUND, Json(json!({ "Type": "User", "Message": message }))).into_response();
    }
    if headers.get("x-amz-invocation-type").is_some_and(|kind| kind == "Event") {
        tokio::spawn(async move { invocations.invoke(payload).await });
        return StatusCode::ACCEPTED.into_response();
    }
    match invocations.invoke(payload).await {
        Ok(invocation) => {
            let error = invocation.function_error.map(|error| [("x-amz-function-error", error)]);
            ([("x-amz-executed-version", "$LATEST")], error, Json(invocation.payload)).into_response()
        }
        Err(error) => {
            let message = json!({ "Type": "User", "Message": error.to_string() });
            (StatusCode::TOO_MANY_REQUESTS, Json(message)).into_response()
        }
    }
}
