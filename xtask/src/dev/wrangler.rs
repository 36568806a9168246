//! Runs `wrangler dev` as a child process, waits until the gate answers, and ends the process with
//! all processes that it started.

use crate::build::WITHOUT_PAGE;
use crate::process::TICK;
use crate::say;
use crate::tools::node::Packages;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How long wrangler may take to end after SIGTERM, before SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// How long the gate may take for one response. The first waits for the build.
const ANSWER: Duration = Duration::from_secs(5);

enum Event {
    Interrupted,
    Answers,
}

/// Returns the command `wrangler dev` for an environment. The empty name is the top level.
pub(crate) fn command(
    workspace: &Workspace,
    packages: &Packages,
    port: u16,
    environment: &str,
) -> Result<Command> {
    let mut command = packages.wrangler()?;
    command
        .args(["dev", "--ip", "127.0.0.1", "--port", &port.to_string(), "--env", environment])
        .args(["--local-protocol", "http", "--show-interactive-dev-session", "false"])
        .current_dir(workspace.root())
        .env(WITHOUT_PAGE, "1")
        .stdin(Stdio::null());
    // In a process group of its own, so that the processes that wrangler starts can be ended too.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    Ok(command)
}

/// Runs the command until it ends or is interrupted, and calls `ready` once the gate answers.
pub(crate) fn serve(
    command: &mut Command,
    port: u16,
    probe: &str,
    ready: impl FnOnce() -> Result<()>,
) -> Result<ExitCode> {
    let (sender, events) = mpsc::channel();
    let interrupted = sender.clone();
    ctrlc::set_handler(move || {
        // Fails only if the command is already ending.
        let _ = interrupted.send(Event::Interrupted);
    })
    .context("signals cannot be handled")?;

    let mut wrangler = Group::start(command)?;
    watch(port, probe.to_owned(), sender);
    let mut ready = Some(ready);
    loop {
        match events.recv_timeout(TICK) {
            Ok(Event::Interrupted) => {
                say::line("ending wrangler");
                return Ok(ExitCode::SUCCESS);
            }
            Ok(Event::Answers) => {
                if let Some(ready) = ready.take() {
                    ready()?;
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if let Some(status) = wrangler.child.try_wait().context("wrangler cannot be watched")? {
            bail!("wrangler ended by itself ({status})");
        }
    }
}

/// Sends requests until one is answered, then sends an event.
fn watch(port: u16, probe: String, sender: Sender<Event>) {
    thread::spawn(move || {
        while !answers(port, &probe) {
            thread::sleep(TICK);
        }
        // Fails only if wrangler has ended.
        let _ = sender.send(Event::Answers);
    });
}

/// Returns whether an HTTP response arrives. Its status does not matter.
fn answers(port: u16, probe: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, TICK)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let host = format!("127.0.0.1:{port}");
        write!(stream, "GET {probe} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let mut start = [0; 9];
        stream.read_exact(&mut start)?;
        Ok(start.starts_with(b"HTTP/1.1 "))
    };
    ask().unwrap_or(false)
}

/// A child process and the processes that it started. They are ended when this value is dropped.
struct Group {
    child: Child,
}

impl Group {
    fn start(command: &mut Command) -> Result<Self> {
        let child = command.spawn().context("wrangler could not be started")?;
        Ok(Self { child })
    }

    #[cfg(unix)]
    fn signal(&self, signal: nix::sys::signal::Signal) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            // Fails only if no process of the group is left.
            let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(id), signal);
        }
    }

    #[cfg(unix)]
    fn ask_to_end(&mut self) {
        self.signal(nix::sys::signal::Signal::SIGTERM);
    }

    #[cfg(unix)]
    fn force_to_end(&mut self) {
        self.signal(nix::sys::signal::Signal::SIGKILL);
    }

    /// Does nothing: the Windows console has already sent Ctrl-C to all of its processes.
    #[cfg(not(unix))]
    fn ask_to_end(&mut self) {}

    #[cfg(not(unix))]
    fn force_to_end(&mut self) {
        let _ = self.child.kill();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.ask_to_end();
        let started = Instant::now();
        while started.elapsed() < GRACE && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(TICK);
        }
        // Also ends processes that outlive wrangler.
        self.force_to_end();
        let _ = self.child.wait();
    }
}
