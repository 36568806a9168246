//! An HTTP server on this machine.

use crate::clock;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

/// A response.
pub(super) struct Response {
    status: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
}

impl Response {
    pub(super) fn status(status: u16) -> Self {
        let date = httpdate::fmt_http_date(clock::now());
        let headers =
            [("date", date), ("cache-control", "max-age=3600".to_owned())].into_iter().collect();
        Self { status, headers, body: String::new() }
    }

    pub(super) fn text(body: &str) -> Self {
        Self { body: body.to_owned(), ..Self::status(200) }
    }

    pub(super) fn json(body: &Value) -> Self {
        Self::text(&body.to_string())
    }

    pub(super) fn set(&mut self, name: &'static str, value: Option<&str>) {
        match value {
            Some(value) => self.headers.insert(name, value.to_owned()),
            None => self.headers.remove(name),
        };
    }

    fn send(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let length = self.body.len();
        write!(stream, "HTTP/1.1 {} Status\r\nContent-Length: {length}\r\n", self.status)?;
        for (name, value) in &self.headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        write!(stream, "Connection: close\r\n\r\n{}", self.body)
    }
}

/// A server that sends the given responses, and 404 for all other paths, until the tests end.
pub(super) struct Server {
    pub(super) url: String,
}

impl Server {
    /// Starts a server. `responses` returns the responses by their paths; its argument is the
    /// server's URL.
    pub(super) fn start(responses: impl FnOnce(&str) -> Vec<(&'static str, Response)>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let responses: BTreeMap<&str, Response> = responses(&url).into_iter().collect();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client may close the connection early.
                let _ = respond(stream.unwrap(), &responses);
            }
        });
        Self { url }
    }
}

fn respond(stream: TcpStream, responses: &BTreeMap<&str, Response>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut request, mut length) = (String::new(), 0);
    reader.read_line(&mut request)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    let path = request.split(' ').nth(1).unwrap_or_default();
    responses.get(path).unwrap_or(&Response::status(404)).send(stream)
}
