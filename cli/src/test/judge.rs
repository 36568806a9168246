//! Judges cases with the gate's own code.

use super::case::{Case, Credential, Introspection, Signed, SignedProof};
use super::stand_in::{KID, StandIns};
use crate::config::Environment;
use crate::config::dev_vars::DevVars;
use crate::dpop::{ProofKey, Proven};
use crate::mint::{self, issuer::Issuer};
use crate::token_request::with_token;
use anyhow::{Context as _, Result};
use portcullis::gate::{Decision, Memory};
use portcullis::introspection::{Failure, IntrospectionRequest, Response};
use portcullis::issuer;
use portcullis::outgoing::Outgoing;
use portcullis::policy::Policy;
use portcullis::refusal::remedy::{self, Readable};
use portcullis::refusal::{Code, Refusal, Step};
use portcullis::request::{Headers as _, Request};
use portcullis::response::OwnResponse;
use portcullis::revocation::{Entry, Standing};
use portcullis::time::UnixSeconds;
use portcullis_console::offline::{self, Outside};
use serde_json::{Map, Value, json};
use std::ptr;

/// What stands for the token in headers and in the URL.
const PLACEHOLDER: &str = "{token}";

/// Judges cases by a policy: with stand-in keys, or tokens that are given with the policy's own.
pub(super) struct Judge {
    own: Policy,
    stand_ins: StandIns,
    issuers: Vec<Issuer>,
    /// The key that bound tokens are bound to, and another one.
    proof_keys: [ProofKey; 2],
}

/// The verdict on a case.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) method: String,
    /// The position of the route in the policy's table, if there is one.
    pub(super) route: Option<usize>,
    /// The issuer's name in the policy, if one was selected.
    pub(super) issuer: Option<String>,
    pub(super) status: u16,
    /// The reason for the refusal, or for the one that report mode sets aside.
    pub(super) reason: Option<Reason>,
    /// The headers of a response of the gate's own.
    pub(super) response_headers: Vec<(String, String)>,
    /// What the API receives, if anything.
    pub(super) api: Option<Received>,
}

/// Why a request is refused, and what to do about it.
#[derive(Clone, Debug)]
pub(super) struct Reason {
    pub(super) code: Code,
    pub(super) step: Step,
    pub(super) because: String,
    pub(super) remedy: String,
}

/// What the API receives.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    /// The claims of the signed identity, if there is one.
    pub(super) identity: Option<Map<String, Value>>,
}

impl Judged {
    /// Returns a header of a response of the gate's own.
    pub(super) fn response_header(&self, name: &str) -> Option<&str> {
        let mut headers = self.response_headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Judge {
    /// Prepares a policy.
    pub(super) fn new(
        environment: &Environment<'_>,
        policy: Policy,
        raw: &Value,
        dev_vars: DevVars,
    ) -> Result<Self> {
        let stand_ins = StandIns::of(environment, &policy, raw, dev_vars)?;
        let issuers = mint::issuer::issuers(&stand_ins.policy, raw);
        let proof_keys = [ProofKey::generate()?, ProofKey::generate()?];
        Ok(Self { own: policy, stand_ins, issuers, proof_keys })
    }

    /// The policy, with stand-in keys.
    pub(super) const fn policy(&self) -> &Policy {
        &self.stand_ins.policy
    }

    /// Judges a case.
    ///
    /// # Errors
    ///
    /// If its token cannot be made.
    pub(super) fn judge(&self, case: &Case) -> Result<Judged> {
        // The routes of both are the same, and so are their positions. Only the stand-in keys sign
        // an introspection response.
        let policy = match (&case.credential, &case.introspection) {
            (Credential::Token(_), None) => &self.own,
            _ => self.policy(),
        };
        let token = self.token(case).with_context(|| format!("{:?}", case.name))?;
        let (url, mut headers) = request(policy, case, token.as_deref());
        if let (Some(proof), Some(token)) = (&case.proof, &token) {
            let text = self.proof(proof, token, &url, case, policy);
            let text = text.with_context(|| format!("{:?}", case.name))?;
            headers.push(("DPoP".to_owned(), text));
        }
        let request = Request { method: &case.method, url: &url, headers: &headers };
        let standing = |entry: &Entry| {
            if case.revoked.contains(&entry.subject) { Standing::Revoked } else { Standing::Good }
        };
        let mut memory = Memory::new(policy);
        let introspect = |request: &IntrospectionRequest| Some(self.introspected(request, case));
        let outside = Outside { standing: &standing, introspect: &introspect };
        let offline = offline::decide(policy, &mut memory, request, case.now, outside);
        let trace = offline.trace;
        let issuer = policy.issuers().iter().find(|issuer| Some(issuer.name()) == trace.issuer);
        let readable = Readable::of(token.as_deref().unwrap_or_default());
        let reason = |refusal: &Refusal| Reason {
            code: refusal.code(),
            step: refusal.step(),
            because: refusal.because().to_owned(),
            remedy: remedy::Case {
                policy,
                issuer,
                route: trace.route,
                token: &readable,
                now: case.now,
            }
            .remedy(refusal.code()),
        };
        let mut judged = Judged {
            method: case.method.clone(),
            route: trace
                .route
                .and_then(|route| policy.routes().iter().position(|known| ptr::eq(known, route))),
            issuer: trace.issuer.map(str::to_owned),
            status: 200,
            reason: None,
            response_headers: Vec::new(),
            api: None,
        };
        let decision = offline.decision.unwrap_or(Decision::Refuse(Refusal::new(
            Code::KeysUnavailable,
            "the issuer publishes its keys, and this command does not fetch them",
        )));
        match decision {
            Decision::Respond(response) => judged.respond(&response),
            Decision::Refuse(refusal) => {
                judged.reason = Some(reason(&refusal));
                judged.respond(&policy.error_responses().respond(&refusal, &request, None));
            }
            Decision::Forward(outgoing) => {
                judged.reason = outgoing.reported().map(reason);
                judged.api = Some(received(&outgoing, &request, case));
            }
        }
        Ok(judged)
    }

    /// Returns what the endpoint of an issuer answers in a case.
    fn introspected(
        &self,
        request: &IntrospectionRequest,
        case: &Case,
    ) -> Result<Response, Failure> {
        let failure = || Failure::new("the case has no response", "write introspection = { … }");
        let Some(Introspection::Members(given)) = &case.introspection else {
            return Err(failure());
        };
        let compiled = self.policy().issuer(request.issuer).ok_or_else(failure)?;
        let issuer = self.issuers.iter().find(|one| one.name == compiled.name());
        let claims = mint::claims(&mint::Options::default(), issuer, case.now.get());
        let mut members = claims.unwrap_or_default();
        members.insert("active".to_owned(), json!(true));
        members.extend(given.clone());
        members.retain(|_, value| !value.is_null());
        let settings = compiled.introspection().ok_or_else(failure)?;
        let (content_type, body) = if settings.signed {
            let body = self.signed_response(compiled, &settings.client.id, members, case.now);
            ("application/token-introspection+jwt", body.ok_or_else(failure)?)
        } else {
            ("application/json", json!(members).to_string())
        };
        let content_type = Some(content_type.to_owned());
        Ok(Response { status: 200, content_type, body: body.into_bytes() })
    }

    /// Signs a response (RFC 9701 section 5).
    fn signed_response(
        &self,
        issuer: &issuer::Issuer,
        client_id: &str,
        members: Map<String, Value>,
        now: UnixSeconds,
    ) -> Option<String> {
        let signer = self.stand_ins.signer(issuer.id(), *issuer.algorithms().first()?).ok()?;
        let claims = json!({
            "iss": members.get("iss"), "aud": client_id, "iat": now.get(),
            "token_introspection": members,
        });
        let mut header = Map::new();
        header.insert("typ".to_owned(), json!("token-introspection+jwt"));
        mint::sign(signer, header, claims.as_object()?.clone()).ok()
    }

    fn proof(
        &self,
        proof: &SignedProof,
        token: &str,
        url: &str,
        case: &Case,
        policy: &Policy,
    ) -> Result<String> {
        let [key, other] = &self.proof_keys;
        let key = if proof.is_of_other_key { other } else { key };
        let nonce = policy.possession().dpop.nonces.as_ref().map(|nonces| nonces.issue(case.now));
        let (method, nonce) = (case.method.as_str(), nonce.as_deref());
        let proven = Proven { token, method, url, nonce, now: case.now };
        let text = key.proof(proven, &proof.changes)?;
        Ok(if proof.has_wrong_signature { with_wrong_signature(&text) } else { text })
    }

    fn token(&self, case: &Case) -> Result<Option<String>> {
        match &case.credential {
            Credential::None => Ok(None),
            Credential::Token(token) => Ok(Some(token.clone())),
            Credential::Signed(signed) => self.signed(signed, case).map(Some),
        }
    }

    fn signed(&self, signed: &Signed, case: &Case) -> Result<String> {
        let names = || self.issuers.iter().map(|issuer| issuer.name.as_str()).collect::<Vec<_>>();
        let named = |wanted: &String| {
            let found = self.issuers.iter().find(|issuer| issuer.name == *wanted);
            found.with_context(|| {
                format!("the policy has no issuer {wanted}: choose from {}", names().join(", "))
            })
        };
        let issuer = match &signed.issuer {
            Some(wanted) => named(wanted)?,
            None => self.issuers.first().context("the policy has no issuer that signs tokens")?,
        };
        let compiled = self.policy().issuers().iter().find(|one| one.name() == issuer.name);
        let compiled: &issuer::Issuer = compiled.context("the policy has no such issuer")?;
        let algorithm = signed.algorithm.or_else(|| issuer.algorithms.first().copied());
        let algorithm = algorithm.context("the issuer has no algorithm")?;
        let signer = self.stand_ins.signer(compiled.id(), algorithm)?;
        let mut claims = mint::claims(&mint::Options::default(), Some(issuer), case.now.get())?;
        if case.proof.is_some() {
            let [key, _] = &self.proof_keys;
            claims.insert("cnf".to_owned(), key.confirmation()?);
        }
        claims.extend(signed.claims.clone());
        claims.retain(|name, _| !signed.omit.contains(name));
        let media_type = issuer.types.first().map_or("JWT", String::as_str);
        let mut header = Map::new();
        header.insert("typ".to_owned(), json!(media_type));
        if !algorithm.is_symmetric() {
            header.insert("kid".to_owned(), json!(KID));
        }
        header.extend(signed.header.clone());
        header.retain(|name, _| !signed.omit.contains(&format!("header.{name}")));
        let token = mint::sign(signer, header, claims)?;
        Ok(if signed.has_wrong_signature { with_wrong_signature(&token) } else { token })
    }
}

impl Judged {
    fn respond(&mut self, response: &OwnResponse) {
        self.status = response.status;
        let headers = response.headers.iter();
        self.response_headers =
            headers.map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    }
}

/// Returns the URL and the headers. The token is where the case says, or else in the first of the
/// policy's sources.
fn request(policy: &Policy, case: &Case, token: Option<&str>) -> (String, Vec<(String, String)>) {
    let Some(token) = token else { return (case.url.clone(), case.headers.clone()) };
    let mut headers = case.headers.clone();
    let is_placed = case.url.contains(PLACEHOLDER)
        || headers.iter().any(|(_, value)| value.contains(PLACEHOLDER));
    if !is_placed {
        let (url, more) = with_token(policy, token, case.url.clone());
        // What the case says takes precedence over what a browser would send.
        headers.extend(more.into_iter().filter(|(name, _)| case.headers.get(name).is_none()));
        return (url, headers);
    }
    for (_, value) in &mut headers {
        *value = value.replace(PLACEHOLDER, token);
    }
    (case.url.replace(PLACEHOLDER, token), headers)
}

/// Changes the signature.
fn with_wrong_signature(token: &str) -> String {
    let Some((signed, signature)) = token.rsplit_once('.') else { return token.to_owned() };
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let rest = signature.get(1..).unwrap_or_default();
    format!("{signed}.{other}{rest}")
}

fn received(outgoing: &Outgoing<'_>, request: &Request<'_>, case: &Case) -> Received {
    let is_removed = |name: &str| outgoing.remove.iter().any(|one| one.eq_ignore_ascii_case(name));
    let set: Vec<(String, String)> = outgoing
        .shown_headers(case.now)
        .map(|(name, value)| (name.to_owned(), value.into_owned()))
        .chain(
            outgoing
                .proof(&outgoing.url, request.method, || case.now)
                .map(|(name, value)| (name.to_owned(), value)),
        )
        .collect();
    let is_set = |name: &str| set.get(name).is_some();
    let mut headers: Vec<(String, String)> = Vec::new();
    for name in request.headers.names() {
        if !is_removed(&name) && !is_set(&name) && headers.get(&name).is_none() {
            let value = request.headers.get(&name).unwrap_or_default().into_owned();
            headers.push((name.into_owned(), value));
        }
    }
    headers.extend(set);
    let identity = outgoing.identity_claims(case.now).map(|(_, claims)| claims);
    Received { url: outgoing.url.to_string(), headers, identity }
}
