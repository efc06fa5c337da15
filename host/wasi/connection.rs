//! The streams of a TCP connection.
//!
//! wasmtime's input stream is ready after the last byte was read, and its output stream waits in
//! `close` until the peer has taken all bytes. Both block an event loop's other connections.

use crate::wasi::descriptors::DescriptorCharge;
use crate::wasi::{HasWasi, Wasi};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Result;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, Host};
use wasmtime_wasi::p2::bindings::sockets::tcp::HostTcpSocket;
use wasmtime_wasi::p2::pipe::{ClosedInputStream, ClosedOutputStream};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, SocketResult,
    StreamError, StreamResult, TcpSocket,
};
use wasmtime_wasi::sockets::WasiSocketsView;

/// The maximum number of bytes that are read to find out whether there are any.
const LOOK_AHEAD: usize = 4096;

/// The maximum time for the peer to take the bytes that were written before the connection was
/// closed.
const LINGER: Duration = Duration::from_secs(60);

/// The input stream.
struct Incoming {
    inner: DynInputStream,
    /// Bytes that were read to find out whether there are any.
    ahead: Bytes,
    /// The end or the error that was found in the same way.
    end: Option<StreamError>,
}

impl Incoming {
    /// Returns whether there is something to read: bytes, the end, or an error.
    fn has_some(&mut self) -> bool {
        if self.ahead.is_empty() && self.end.is_none() {
            match self.inner.read(LOOK_AHEAD) {
                Ok(bytes) => self.ahead = bytes,
                Err(end) => self.end = Some(end),
            }
        }
        !self.ahead.is_empty() || self.end.is_some()
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Incoming {
    async fn ready(&mut self) {
        while !self.has_some() {
            self.inner.ready().await;
        }
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Incoming {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if self.ahead.is_empty() {
            return match self.end.take() {
                Some(end) => Err(end),
                None => self.inner.read(size),
            };
        }
        let first = self.ahead.split_to(size.min(self.ahead.len()));
        let rest = size - first.len();
        if rest == 0 {
            return Ok(first);
        }
        match self.inner.read(rest) {
            Ok(more) if more.is_empty() => Ok(first),
            Ok(more) => {
                let mut whole = BytesMut::with_capacity(first.len() + more.len());
                whole.extend_from_slice(&first);
                whole.extend_from_slice(&more);
                Ok(whole.freeze())
            }
            Err(end) => {
                self.end = Some(end);
                Ok(first)
            }
        }
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

/// The output stream.
struct Outgoing {
    inner: DynOutputStream,
    /// Its descriptor, which counts until the peer has taken all bytes.
    held: Option<Arc<DescriptorCharge>>,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Outgoing {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Outgoing {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }

    async fn cancel(&mut self) {
        let mut inner = std::mem::replace(&mut self.inner, Box::new(ClosedOutputStream));
        let held = self.held.take();
        tokio::spawn(async move {
            // A timeout has the effect of a broken connection.
            let _ = tokio::time::timeout(LINGER, inner.cancel()).await;
            drop((inner, held));
        });
    }
}

/// Adds the functions to `linker` that differ from wasmtime's sockets.
pub(super) fn add_to_linker<T: HasWasi>(linker: &mut Linker<T>) -> Result<()> {
    let mut tcp = linker.instance("wasi:sockets/tcp@0.2.12")?;
    tcp.func_wrap(
        "[method]tcp-socket.finish-connect",
        |mut store, (socket,): (Resource<TcpSocket>,)| {
            let state = store.data_mut().wasi_mut();
            let connected = state.connected(socket);
            Ok((state.for_guest(connected)?,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.local-address",
        |mut store, (socket,): (Resource<TcpSocket>,)| {
            let state = store.data_mut().wasi_mut();
            let address = HostTcpSocket::local_address(&mut state.sockets(), socket);
            Ok((state.for_guest(address)?,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.remote-address",
        |mut store, (socket,): (Resource<TcpSocket>,)| {
            let state = store.data_mut().wasi_mut();
            let address = HostTcpSocket::remote_address(&mut state.sockets(), socket);
            Ok((state.for_guest(address)?,))
        },
    )?;
    tcp.resource(
        "tcp-socket",
        ResourceType::host::<TcpSocket>(),
        |mut store, number| {
            let state = store.data_mut().wasi_mut();
            HostTcpSocket::drop(&mut state.sockets(), Resource::new_own(number))?;
            state.closed_socket(number);
            Ok(())
        },
    )
}

impl Wasi {
    /// Converts an outcome for the guest. WASI reports `invalid-state` for a connection that the
    /// peer has reset, and the guest's libc aborts on that code.
    fn for_guest<T>(
        &mut self,
        result: SocketResult<T>,
    ) -> Result<std::result::Result<T, ErrorCode>> {
        match result {
            Ok(outcome) => Ok(Ok(outcome)),
            Err(error) => Ok(Err(match self.sockets().convert_error_code(error)? {
                ErrorCode::InvalidState => ErrorCode::ConnectionReset,
                code => code,
            })),
        }
    }

    /// Finishes connecting, and wraps the streams.
    fn connected(
        &mut self,
        socket: Resource<TcpSocket>,
    ) -> SocketResult<(Resource<DynInputStream>, Resource<DynOutputStream>)> {
        let held = self.held_by_socket(&socket);
        let (input, output) = HostTcpSocket::finish_connect(&mut self.sockets(), socket)?;
        let place = self.table.get_mut(&input)?;
        let inner = std::mem::replace(place, Box::new(ClosedInputStream));
        *place = Box::new(Incoming {
            inner,
            ahead: Bytes::new(),
            end: None,
        });
        let place = self.table.get_mut(&output)?;
        let inner = std::mem::replace(place, Box::new(ClosedOutputStream));
        *place = Box::new(Outgoing { inner, held });
        Ok((input, output))
    }
}
