//! An HTTP server on this machine.

use crate::clock;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
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
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    responses.get(path).unwrap_or(&Response::status(404)).send(stream)
}
