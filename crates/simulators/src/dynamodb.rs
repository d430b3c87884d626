//! A second DynamoDB (dynoxide), in our own process: each test that wants one gets it empty, and within milliseconds.
//!
//! It shares no code with ministack, so a condition that holds on both holds because DynamoDB says so, not because one
//! emulator is lenient. `tests/dynamodb.rs` holds them against each other.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use dynoxide::{Database, server::serve_with_shutdown};
use tokio::{net::TcpListener, sync::oneshot};

/// Which emulator stands in for DynamoDB. All else that is AWS is ministack's, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DynamoDbKind {
    /// The emulator of everything: one more table in a process that is there anyway.
    #[default]
    Ministack,
    /// One of our own, gone with the rehearsal.
    Dynoxide,
}

/// A running DynamoDB without tables. Dropping it stops it, as does the end of the runtime that started it.
#[derive(Debug)]
pub struct DynamoDb {
    address: SocketAddr,
    /// The server runs until this is dropped.
    _running: oneshot::Sender<()>,
}

impl DynamoDb {
    /// Starts one on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port can be bound, or SQLite has no memory.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let database = Database::memory().map_err(io::Error::other)?;
        let (running, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve_with_shutdown(listener, database, async {
            let _dropped = stopped.await;
        }));
        Ok(Self { address, _running: running })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    #[tokio::test]
    async fn answers_while_held_and_hangs_up_when_dropped() {
        let dynamodb = DynamoDb::start().await.expect("a free port");
        let mut connection = TcpStream::connect(dynamodb.address).await.expect("somebody listens");
        connection.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("a request");
        let mut status = [0; 15];
        connection.read_exact(&mut status).await.expect("an answer");
        assert_eq!(&status, b"HTTP/1.1 200 OK");

        drop(dynamodb);
        connection.read_to_end(&mut Vec::new()).await.expect("the connection ends, and in order");
    }
}
