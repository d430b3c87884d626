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

#[derive(Debug)]
pub(super) struct Connections {
    tls: rustls::ClientConfig,
    call_timeout: Duration,
    pool: RwLock<Pool>,
}

#[derive(Debug)]
struct Pool {
    client: Client,
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
        let client = client(tls.clone(), call_timeout)?;
        Ok(Self { tls, call_timeout, pool: RwLock::new(Pool { client, invoked_at: None }) })
    }

    pub(super) fn client(&self) -> Client {
        self.pool.read().unwrap_or_else(PoisonError::into_inner).client.clone()
    }

    pub(super) fn invoked_at(&self, now: Timestamp) -> Result<(), reqwest::Error> {
        let mut pool = self.pool.write().unwrap_or_else(PoisonError::into_inner);
        let before = pool.invoked_at.replace(now);
        if before.is_some_and(|before| {
            Duration::try_from(now.duration_since(before)).is_ok_and(|pause| pause > IDLE_TIMEOUT)
        }) {
            pool.client = client(self.tls.clone(), self.call_timeout)?;
        }
        Ok(())
    }
}

fn client(tls: rustls::ClientConfig, call_timeout: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("booking-webhook/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(call_timeout)
        .pool_idle_timeout(IDLE_TIMEOUT)
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
            connections.client().get(format!("http://{address}/")).send().await.expect("an answer");
            assert_eq!(*connections_made.borrow(), expected, "at second {second}");
        }
    }
}
