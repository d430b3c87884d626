//! HTTP/1.1 on a free loopback port, with faults in front of the routes.
//!
//! A service that fails halfway is what the function has to survive, so the stand-ins fail for real: a dropped connection is
//! a closed socket, and a service goes on acting when its caller has gone away, as a Lambda behind a gateway does.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
};
use futures::{
    StreamExt as _,
    future::{BoxFuture, FutureExt},
};
use http::{Request, Response, StatusCode, header, request};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde_json::{Map, Value};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::{JoinHandle, JoinSet},
};

use crate::traffic::{Fault, Running, Service, Traffic};

const BODY_LIMIT_BYTES: usize = 32 * 1024 * 1024;
const WORK_QUEUE: usize = 1024;

/// The operation of a request of AWS's query protocol: `Action=Publish&…` in its body says which.
pub(crate) const SAID_BY_THE_BODY: &str = "";

type Work = BoxFuture<'static, ()>;
type Name = dyn Fn(&request::Parts) -> Option<(Service, String)> + Send + Sync;

/// A running server; dropping it stops it and aborts what it was doing.
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `router` on a free port of 127.0.0.1.
    ///
    /// `name` tells which service and operation a request is, for the log and the script of faults; what it answers `None`
    /// to is neither logged nor failed (the pages that people look at).
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(
        router: Router,
        traffic: Traffic,
        name: impl Fn(&request::Parts) -> Option<(Service, String)> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (work, queue) = mpsc::channel(WORK_QUEUE);
        let front = Front { routes: TowerToHyperService::new(router), traffic, name: Arc::new(name), work };
        let task = tokio::spawn(serve(listener, front, queue));
        Ok(Self { address, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Owns the connections and the work behind them: when this task ends, all of it ends.
async fn serve(listener: TcpListener, front: Front, mut queue: mpsc::Receiver<Work>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                // Head and body of an answer are two writes; without this the second waits 40 ms for the first one's acknowledgement.
                let _ = stream.set_nodelay(true);
                front.traffic.connected();
                let front = front.clone();
                let service = service_fn(move |request| front.clone().answer(request));
                running.spawn(async move {
                    // A connection ends with an error whenever a fault or the client cuts it: nothing to report.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(work) = queue.recv() => { running.spawn(work); }
            Some(_) = running.join_next() => {}
        }
    }
}

/// Closes the connection without a byte of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
struct HangUp;

/// Stands in front of the routes: logs each call and makes it meet its fault.
#[derive(Clone)]
struct Front {
    routes: TowerToHyperService<Router>,
    traffic: Traffic,
    name: Arc<Name>,
    work: mpsc::Sender<Work>,
}

impl Front {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, HangUp> {
        let (parts, body) = request.into_parts();
        let Some((service, operation)) = (self.name)(&parts) else {
            return self.act(Request::from_parts(parts, Body::new(body))).await;
        };
        let Ok(bytes) = axum::body::to_bytes(Body::new(body), BODY_LIMIT_BYTES).await else {
            return Ok(scripted(StatusCode::PAYLOAD_TOO_LARGE, None));
        };
        let operation = if operation == SAID_BY_THE_BODY { action(&bytes) } else { operation };
        let (running, fault) = self.traffic.arrive(service, operation, &parts.headers, &bytes);
        let request = Request::from_parts(parts, Body::from(bytes));
        let answer = self.meet(fault, request).await?;
        distance(self.traffic.latency()).await;
        Ok(tell(running, answer))
    }

    async fn meet(&self, fault: Option<Fault>, request: Request<Body>) -> Result<Response<Body>, HangUp> {
        match fault {
            None => self.act(request).await,
            Some(Fault::Answer { status, acted, retry_after }) => {
                if acted {
                    self.act(request).await?;
                }
                Ok(scripted(status_code(status), retry_after))
            }
            Some(Fault::ArriveLate { milliseconds }) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                self.act(request).await
            }
            Some(Fault::Delay { milliseconds }) => {
                let answer = self.act(request).await;
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                answer
            }
            Some(Fault::Hold) => {
                let held = self.traffic.held();
                let answer = self.act(request).await;
                held.await;
                answer
            }
            Some(Fault::DropBefore) => Err(HangUp),
            Some(Fault::DropAfter) => {
                self.act(request).await?;
                Err(HangUp)
            }
            Some(Fault::ActLate { milliseconds, status }) => {
                let routes = self.routes.clone();
                self.queue(async move {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                    let Ok(_unheard) = routes.call(request).await;
                })
                .await?;
                status.map(|status| scripted(status_code(status), None)).ok_or(HangUp)
            }
            Some(Fault::AnswerWith { status, acted, headers, body }) => {
                if acted {
                    self.act(request).await?;
                }
                Ok(answer_with(status_code(status), &headers, body))
            }
            Some(Fault::AlterAnswer { properties }) => altered(self.act(request).await?, properties).await,
            Some(Fault::LongAnswer { bytes }) => Ok(lengthened(self.act(request).await?, bytes)),
        }
    }

    /// Runs the route to its end, whether or not the caller waits for it.
    async fn act(&self, request: Request<Body>) -> Result<Response<Body>, HangUp> {
        let routes = self.routes.clone();
        let (answer, answered) = oneshot::channel();
        self.queue(async move {
            let Ok(response) = routes.call(request).await;
            let _ = answer.send(response); // The caller may have gone away.
        })
        .await?;
        answered.await.map_err(|_route_panicked| HangUp)
    }

    async fn queue(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), HangUp> {
        let acting = self.traffic.act();
        let work = async move {
            work.await;
            drop(acting);
        };
        self.work.send(work.boxed()).await.map_err(|_server_stopped| HangUp)
    }
}

/// On a thread of its own: the runtime's timer rounds up to whole milliseconds, which would be measured once for every call.
async fn distance(latency: Duration) {
    if !latency.is_zero() {
        // An error: the world has ended.
        let _ = tokio::task::spawn_blocking(move || std::thread::sleep(latency)).await;
    }
}

fn tell(running: Running, answer: Response<Body>) -> Response<Body> {
    running.answered(answer.status());
    answer
}

fn action(form: &[u8]) -> String {
    let action = form_urlencoded::parse(form).find(|(name, _)| name == "Action");
    action.map(|(_, action)| action.into_owned()).unwrap_or_default()
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a scripted fault has a valid HTTP status")
}

/// What a gateway says by itself. Browsers may read it, so that a page's own words about a failure can be tested.
fn scripted(status: StatusCode, retry_after: Option<u64>) -> Response<Body> {
    let mut answer = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    if let Some(seconds) = retry_after {
        answer = answer.header(header::RETRY_AFTER, seconds);
    }
    let words = status.canonical_reason().unwrap_or("scripted fault");
    answer
        .body(Body::from(serde_json::json!({ "message": words }).to_string()))
        .expect("the status and the headers are valid")
}

fn answer_with(status: StatusCode, headers: &BTreeMap<String, String>, body: String) -> Response<Body> {
    let mut answer = Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(name, value);
    }
    answer.body(Body::from(body)).expect("a scripted fault has valid headers")
}

/// The same answer with other `properties`; as it is when it is no JSON object.
async fn altered(answer: Response<Body>, properties: Map<String, Value>) -> Result<Response<Body>, HangUp> {
    let (mut parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, BODY_LIMIT_BYTES).await.map_err(|_route_failed| HangUp)?;
    let Ok(mut object) = serde_json::from_slice::<Map<String, Value>>(&bytes) else {
        return Ok(Response::from_parts(parts, Body::from(bytes)));
    };
    object.extend(properties);
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(Value::Object(object).to_string())))
}

/// The same answer, followed by so many blanks, of which no more exist at a time than the caller reads.
fn lengthened(answer: Response<Body>, bytes: usize) -> Response<Body> {
    const PIECE: &[u8] = &[b' '; 16 * 1024];
    let (mut parts, body) = answer.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let pieces = (0..bytes).step_by(PIECE.len()).map(move |sent| &PIECE[..PIECE.len().min(bytes - sent)]);
    let blanks = futures::stream::iter(pieces.map(|piece| Ok::<_, axum::Error>(Bytes::from_static(piece))));
    Response::from_parts(parts, Body::from_stream(body.into_data_stream().chain(blanks)))
}

#[cfg(test)]
mod tests;
