//! Examines the signed identity: whether the deployed gate publishes the keys of this policy.

use super::fetch;
use super::report::IssuerReport;
use portcullis::json;
use portcullis::signed_identity::SignedIdentity;
use serde_json::Value;

const PATH: &str = "forward.identity";

/// Fetches the key set as an API does, and compares it with the policy's keys. If those are
/// placeholders, because their bindings are not on this machine, only fetches it.
pub(crate) fn examine(identity: &SignedIdentity, has_placeholder_keys: bool) -> IssuerReport {
    let url = identity.key_set_url();
    let mut report = IssuerReport {
        name: "the signed identity".to_owned(),
        source: url.clone(),
        has_placeholder_keys,
        ..IssuerReport::default()
    };
    let published = fetch::get(&url).and_then(|response| match response.status {
        200 => json::parse_object(&response.body).map_err(|reason| format!("the key set {reason}")),
        status => Err(format!("the response has the status {status} instead of 200")),
    });
    let published = match published {
        Ok(set) => ids(set.get("keys")),
        Err(problem) => {
            report.warning(
                format!("{PATH}.issuer"),
                format!("APIs cannot fetch the key set at {url}: {problem}"),
                "deploy the gate, and check that issuer is a URL under which it is reached",
            );
            return report;
        }
    };
    if has_placeholder_keys {
        report.facts.push(format!("the gate publishes the keys {}", published.join(", ")));
        return report;
    }
    let held = json::parse_object(identity.key_set.as_bytes()).unwrap_or_default();
    for id in ids(held.get("keys")) {
        let is_published = published.contains(&id);
        report.keys.push(id.clone());
        if is_published {
            continue;
        }
        let problem = format!("the key set at {url} does not contain the key {id}");
        let remedy = "deploy this policy with its keys, and check that issuer is the URL of this \
                      gate";
        if id == identity.key.id() {
            let problem = format!("{problem}, which signs: APIs reject the identities");
            report.fault(format!("{PATH}.key"), problem, remedy);
        } else {
            report.warning(format!("{PATH}.key"), problem, remedy);
        }
    }
    report
}

/// The IDs of the keys in a key set.
fn ids(keys: Option<&Value>) -> Vec<String> {
    let keys = keys.and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(|key| key.get("kid")?.as_str().map(str::to_owned)).collect()
}
