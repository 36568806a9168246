//! The calls of an introspection endpoint. The gate is whole; this file stands in for
//! `src/edge/introspection.rs`.

use super::{DOCUMENT, HOUR, ISOLATES, LOCATIONS, REQUEST_EVERY, STARTS_WITHIN, grouped};
use crate::kit::{Call, Gate, Held, NOW, hs_issuer, policy, with};
use portcullis::gate::{Decision, Evaluation, Need};
use portcullis::introspection::{Endpoint, IntrospectionRequest, Lease, Response};
use portcullis::time::UnixSeconds;
use serde_json::json;

/// Isolates do not affect each other. Therefore one in a hundred is simulated, and its counts are
/// multiplied by a hundred.
const SIMULATED_ISOLATES: usize = LOCATIONS * ISOLATES / 100;

/// The duration of a call in seconds.
const CALL_TAKES: i64 = 1;

/// What happens in the second hour, which is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hour {
    Quiet,
    /// The endpoint answers with 503.
    Outage,
    /// Every isolate gets a made-up token as often as it gets the customer's.
    Flood,
    /// One isolate gets this many made-up tokens per second.
    FloodOfOne(usize),
}

/// The counts of one hour.
#[derive(Default)]
struct Count {
    calls: Vec<usize>,
    /// The number of valid tokens that were rejected.
    rejected: usize,
}

struct Isolate {
    gate: Gate,
    /// The calls in progress: the request, when it began, and the response.
    calls: Vec<(Box<IntrospectionRequest>, i64, Response)>,
}

fn time(seconds: i64) -> UnixSeconds {
    UnixSeconds::new(NOW + seconds)
}

impl Isolate {
    fn new() -> Self {
        let introspection = json!({
            "endpoint": "https://i/introspect", "client_id": "c", "client_secret": "CLIENT_SECRET",
        });
        let changes = json!({ "keys": null, "algorithms": null, "introspection": introspection });
        let gate = Gate::bound(&policy(with(hs_issuer(), changes)), &Held::usual());
        Self { gate, calls: Vec::new() }
    }

    /// Ends the calls that have taken long enough.
    fn end_calls(&mut self, now: i64) {
        let ended = self.calls.extract_if(.., |(_, began, _)| *began + CALL_TAKES <= now);
        for (request, began, response) in ended {
            let Gate { policy, memory } = &self.gate;
            let (asked, now) = (time(began), time(now));
            if memory.introspected(policy, &request, &response, asked, now).is_err() {
                memory.introspections.failed(&request, asked, now);
            }
        }
    }

    /// Handles a request with a token. Returns whether it is admitted, at once or after a call that
    /// succeeds, and whether it causes a call.
    fn request(&mut self, token: &str, is_valid: bool, is_down: bool, now: i64) -> (bool, bool) {
        let call = Call::get("/").bearer(token);
        let Gate { policy, memory } = &self.gate;
        let mut evaluation = Evaluation::new(policy, call.request());
        let request = match evaluation.run(memory, time(now)) {
            Ok(Decision::Forward(_)) => return (true, false),
            Ok(Decision::Refuse(_) | Decision::Respond(_)) => return (false, false),
            Err(Need::Introspection(request)) => request,
            Err(need) => panic!("nothing else is needed: {need:?}"),
        };
        let endpoint = Endpoint::Url("https://i/introspect".to_owned());
        let lease = memory.introspections.take_lease(&request, &endpoint, time(now));
        let is_admitted = is_valid && !is_down;
        if lease != Lease::Taken {
            return (is_admitted, false);
        }
        let body = if is_valid {
            json!({ "active": true, "iss": "https://i", "aud": "api", "exp": NOW + 4 * HOUR })
        } else {
            json!({ "active": false })
        };
        let response = Response {
            status: if is_down { 503 } else { 200 },
            content_type: Some("application/json".to_owned()),
            body: body.to_string().into_bytes(),
        };
        self.calls.push((request, now, response));
        (is_admitted, true)
    }
}

/// Simulates two hours of isolates and counts the second.
fn count(hour: Hour) -> (Count, usize) {
    let isolates = if matches!(hour, Hour::FloodOfOne(_)) { 1 } else { SIMULATED_ISOLATES };
    let minutes = usize::try_from(2 * HOUR / 60).unwrap();
    let mut count = Count { calls: vec![0; minutes], rejected: 0 };
    let mut random = fastrand::Rng::with_seed(1);
    let mut made_up = 0_usize;
    for _ in 0..isolates {
        let mut isolate = Isolate::new();
        let (customer, attacker) = (random.i64(0..REQUEST_EVERY), random.i64(0..REQUEST_EVERY));
        for now in random.i64(0..STARTS_WITHIN)..2 * HOUR {
            isolate.end_calls(now);
            let counted = now >= HOUR;
            let is_down = hour == Hour::Outage && counted;
            let minute = usize::try_from(now / 60).unwrap();
            if now % REQUEST_EVERY == customer {
                let (admitted, calls) = isolate.request("a-customers-token", true, is_down, now);
                count.calls[minute] += usize::from(calls);
                count.rejected += usize::from(counted && !admitted);
            }
            let floods = match hour {
                Hour::Flood if counted && now % REQUEST_EVERY == attacker => 1,
                Hour::FloodOfOne(tokens) if counted => tokens,
                _ => 0,
            };
            for _ in 0..floods {
                made_up += 1;
                let (_, calls) = isolate.request(&format!("made-up-{made_up}"), false, false, now);
                count.calls[minute] += usize::from(calls);
            }
        }
    }
    let factor = if isolates == 1 { 1 } else { LOCATIONS * ISOLATES / isolates };
    (count, factor)
}

/// Simulates an hour, and compares the counts with the hour's row in the document.
fn check(hour: Hour, row: &str) {
    let (count, factor) = count(hour);
    let counted = &count.calls[count.calls.len() / 2..];
    let cells = [
        counted.iter().sum::<usize>() * factor,
        counted.iter().copied().max().unwrap() * factor,
        count.rejected * factor,
    ];
    let expected = format!("| {row} | {} |", cells.map(grouped).join(" | "));
    let written: Vec<_> =
        DOCUMENT.lines().filter(|line| line.starts_with(&format!("| {row} |"))).collect();
    assert_eq!(written, [expected]);
}

#[test]
fn the_document_states_the_introspections_of_a_quiet_hour() {
    check(Hour::Quiet, "quiet introspections");
}

#[test]
fn the_document_states_the_introspections_of_an_hour_of_outage() {
    check(Hour::Outage, "an outage of the endpoint");
}

#[test]
fn attack_introspection_the_document_states_the_introspections_of_an_hour_of_made_up_tokens() {
    check(Hour::Flood, "a flood of made-up tokens");
}

#[test]
fn attack_introspection_the_document_states_the_introspections_of_a_flood_at_one_isolate() {
    check(Hour::FloodOfOne(100), "a flood at one isolate");
}
