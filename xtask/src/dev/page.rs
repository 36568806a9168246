//! Builds the console's page while the gate already runs.

use super::samples::Samples;
use crate::build::{self, page};
use crate::process::{Stop, TICK};
use crate::say;
use crate::tools::node::Packages;
use crate::workspace::Workspace;
use anyhow::Result;
use std::sync::{Mutex, PoisonError};
use std::{fs, thread};

/// The page of the gate that `cargo xtask dev` runs.
pub(super) struct Page<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) packages: &'a Packages,
    pub(super) options: &'a build::Options,
    pub(super) samples: &'a Samples<'a>,
    pub(super) ready: Mutex<Ready>,
}

/// What the user can use.
#[derive(Debug, Default)]
pub(super) struct Ready {
    gate: bool,
    page: bool,
}

impl Page<'_> {
    /// Builds the page, and again each time wrangler has built the Worker from changed sources,
    /// until `stop` is requested. wrangler serves the new files by itself.
    pub(super) fn keep_current(&self, stop: &Stop) {
        let stamp = build::worker_stamp(self.workspace);
        let mut built_for = None;
        while !stop.is_requested() {
            let worker = Some(fs::read(&stamp).unwrap_or_default());
            if worker == built_for {
                thread::sleep(TICK);
                continue;
            }
            match page::page(self.workspace, self.packages, self.options, stop) {
                Ok(()) => self.page_is_ready(),
                Err(_) if stop.is_requested() => {}
                Err(error) => say::error(&error.context("the console's page was not built")),
            }
            built_for = worker;
        }
    }

    /// Prints the example commands.
    pub(super) fn gate_is_ready(&self) -> Result<()> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.gate = true;
        self.samples.print(self.workspace, ready.page)
    }

    /// Announces the page if the example commands said that it was not ready.
    fn page_is_ready(&self) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.gate
            && !ready.page
            && let Some(console) = self.samples.console()
        {
            say::line(&format!("the console's page is ready: {console}"));
        }
        ready.page = true;
    }
}
