//! Calls introspection endpoints as the gate does.

use super::fetch::{self, FetchedResponse};
use super::report::IssuerReport;
use portcullis::budget;
use portcullis::gate::Memory;
use portcullis::introspection::{
    Endpoint, Failure, Fresh, IntrospectionRequest, Response, Standing, TokenId, Unjudged,
    too_large,
};
use portcullis::issuer::Issuer;
use portcullis::keys::remote::{self, INTROSPECTION_ENDPOINT};
use portcullis::policy::Policy;
use portcullis::time::UnixSeconds;

const CHECK: &str = "correct issuer, or write endpoint instead of discovery";

/// Asks an issuer's endpoint about a token that nobody has, to find out whether it accepts the
/// client's credentials. `memory` has the keys of signed responses.
pub(super) fn examine(
    policy: &Policy,
    issuer: &Issuer,
    memory: &Memory,
    now: UnixSeconds,
    report: &mut IssuerReport,
) {
    let path = format!("issuers[{}].introspection", issuer.id().index());
    let Some(introspection) = issuer.introspection() else { return };
    let token = format!("doctor-{}", random_id());
    let asked = locate(&introspection.endpoint).and_then(|url| {
        report.facts.push(format!("opaque tokens are introspected at {url}"));
        call_at(&url, issuer, &token, now)
    });
    let judged = asked.map_err(Unjudged::Failed).and_then(|response| {
        let request = IntrospectionRequest {
            issuer: issuer.id(),
            id: TokenId::of(&token),
            token: token.into(),
            standing: Standing::New,
            arrived: 0,
            signature: None,
            confirmation: None,
        };
        memory.introspected(policy, &request, &response, now, now)
    });
    match judged {
        Ok(()) => {
            let client = &introspection.client.id;
            report.facts.push(format!("the endpoint accepts the credentials of {client}"));
        }
        Err(Unjudged::Failed(failure)) => {
            report.fault(path, failure.problem().to_owned(), failure.remedy());
        }
        Err(Unjudged::Keys(_)) => report.fault(
            path,
            "the signed response cannot be verified, because the issuer's keys are not here",
            "correct what is reported about its keys",
        ),
    }
}

/// Asks the endpoint of an issuer about a token.
///
/// # Errors
///
/// Why there was no response.
pub(super) fn call(issuer: &Issuer, token: &str, now: UnixSeconds) -> Result<Response, Failure> {
    let introspection = issuer.introspection();
    let introspection =
        introspection.ok_or_else(|| Failure::new("the issuer does not introspect", CHECK))?;
    call_at(&locate(&introspection.endpoint)?, issuer, token, now)
}

fn call_at(url: &str, issuer: &Issuer, token: &str, now: UnixSeconds) -> Result<Response, Failure> {
    let introspection = issuer.introspection();
    let introspection =
        introspection.ok_or_else(|| Failure::new("the issuer does not introspect", CHECK))?;
    let form = introspection.request(url, token, Fresh { now, id: &random_id() });
    let remedy = "check endpoint, and that the provider can be reached";
    let response: FetchedResponse = fetch::post(url, &form)
        .map_err(|error| Failure::new(format!("{url} could not be called: {error}"), remedy))?;
    if response.body.len() > budget::INTROSPECTION_BYTES {
        return Err(too_large());
    }
    let FetchedResponse { status, content_type, body, .. } = response;
    Ok(Response { status, content_type, body })
}

/// Returns the URL of an endpoint.
fn locate(endpoint: &Endpoint) -> Result<String, Failure> {
    let issuer = match endpoint {
        Endpoint::Url(url) => return Ok(url.clone()),
        Endpoint::Discovery(issuer) => issuer,
    };
    let urls = remote::metadata_urls(issuer).map_err(|problem| Failure::new(problem, CHECK))?;
    let found = urls.iter().filter_map(|url| fetch::get(url).ok());
    let found = found.into_iter().find(|response| response.status == 200);
    let metadata = found.ok_or_else(|| {
        Failure::new(format!("there is no metadata at {}", urls.join(" or ")), CHECK)
    })?;
    remote::url_in_metadata(&metadata.body, issuer, INTROSPECTION_ENDPOINT)
        .map_err(|fault| Failure::new(fault.to_string(), CHECK))
}

/// A random ID, in hexadecimal. Empty if the system has no random numbers.
fn random_id() -> String {
    let mut bytes = [0_u8; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Err(_) => String::new(),
    }
}
