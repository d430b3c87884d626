//! The one HTTP client and its pool, made anew when the process was frozen in between.
//!
//! A request on a connection that died unnoticed gets no answer, and its outcome is unknown: a creation would then have to
//! wait for its settling time, for nothing.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::{Client, redirect};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections are kept this long while the process runs, and across this long a pause between the beginnings of two invocations.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for calls that may be repeated. The networks between forget a silent connection after 350 s.
const REPEATABLE_IDLE_TIMEOUT: Duration = Duration::from_secs(240);

/// What goes over a connection, which says how sure it must be that it is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Calls {
    /// Also what must not be sent twice: on a connection that died unnoticed it would be in doubt.
    Any,
    /// What may be repeated: a dead connection costs an attempt, and a new one a handshake.
    Repeatable,
}

#[derive(Debug)]
pub(super) struct Connections {
    tls: rustls::ClientConfig,
    call_timeout: Duration,
    pool: RwLock<Pool>,
}

#[derive(Debug)]
struct Pool {
    client: Client,
    repeatable: Client,
    invoked_at: Option<Timestamp>,
}

impl Connections {
    pub(super) fn new(call_timeout: Duration) -> Result<Self, reqwest::Error> {
        let provider = rustls::crypto::ring::default_provider();
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let tls = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .expect("ring supports the default TLS versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let repeatable = client(tls.clone(), call_timeout, REPEATABLE_IDLE_TIMEOUT)?;
        let client = client(tls.clone(), call_timeout, IDLE_TIMEOUT)?;
        Ok(Self { tls, call_timeout, pool: RwLock::new(Pool { client, repeatable, invoked_at: None }) })
    }

    pub(super) fn client(&self, calls: Calls) -> Client {
        let pool = self.pool.read().unwrap_or_else(PoisonError::into_inner);
        match calls {
            Calls::Any => pool.client.clone(),
            Calls::Repeatable => pool.repeatable.clone(),
        }
    }

    pub(super) fn invoked_at(&self, now: Timestamp) -> Result<(), reqwest::Error> {
        let mut pool = self.pool.write().unwrap_or_else(PoisonError::into_inner);
        let before = pool.invoked_at.replace(now);
        let pause = before.and_then(|before| Duration::try_from(now.duration_since(before)).ok()).unwrap_or_default();
        if pause > IDLE_TIMEOUT {
            pool.client = client(self.tls.clone(), self.call_timeout, IDLE_TIMEOUT)?;
        }
        if pause > REPEATABLE_IDLE_TIMEOUT {
            pool.repeatable = client(self.tls.clone(), self.call_timeout, REPEATABLE_IDLE_TIMEOUT)?;
        }
        Ok(())
    }
}

fn client(tls: rustls::ClientConfig, call_timeout: Duration, idle: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("booking-webhook/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(call_timeout)
        .pool_idle_timeout(idle)
        .build()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::watch,
    };

    use super::*;

    /// Answers every request on every connection, and counts the connections.
    async fn server() -> (SocketAddr, watch::Receiver<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (count, counted) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                tokio::spawn(async move {
                    let mut request = [0; 1_024];
                    while connection.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                        if connection.write_all(answer).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        (address, counted)
    }

    #[tokio::test]
    async fn a_pause_ends_the_use_of_a_connection() {
        let (address, connections_made) = server().await;
        let connections = Connections::new(Duration::from_secs(5)).expect("compiled-in roots");
        for (second, expected) in [(0, 1), (1, 1), (11, 1), (22, 2), (23, 2), (90, 3)] {
            connections.invoked_at(Timestamp::from_second(second).expect("in range")).expect("compiled-in roots");
            connections.client(Calls::Any).get(format!("http://{address}/")).send().await.expect("an answer");
            assert_eq!(*connections_made.borrow(), expected, "at second {second}");
        }
    }

    #[tokio::test]
    async fn what_may_be_repeated_keeps_its_connection_for_longer() {
        let (address, connections_made) = server().await;
        let connections = Connections::new(Duration::from_secs(5)).expect("compiled-in roots");
        for (second, expected) in [(0, 1), (11, 1), (71, 1), (311, 1), (552, 2)] {
            connections.invoked_at(Timestamp::from_second(second).expect("in range")).expect("compiled-in roots");
            connections.client(Calls::Repeatable).get(format!("http://{address}/")).send().await.expect("an answer");
            assert_eq!(*connections_made.borrow(), expected, "at second {second}");
        }
    }
}
