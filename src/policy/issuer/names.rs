//! Whose tokens they are, and for whom: `issuer`, `tenants` and `audience`.

use super::super::fault::Faults;
use super::super::reader::{Faulty, Table};
use crate::rules::{Expected, TenantClaim};

/// What `iss` must be: names, `"*"`, or one name with its tenants.
pub(super) fn compile_name(
    table: &Table<'_>,
    faults: &mut Faults,
) -> Result<(Expected, Option<TenantClaim>), Faulty> {
    let expected = expected(table, "issuer", "the token's iss, or \"*\" to waive it", faults);
    let tenants = table.texts("tenants", false, faults);
    let (expected, tenants) = (expected?, tenants?);
    let template = match &expected {
        Expected::OneOf(names) => names.iter().find(|name| name.contains(['{', '}'])),
        Expected::Any => None,
    };
    match (template, tenants) {
        (None, None) => Ok((expected, None)),
        (None, Some(_)) => {
            faults.fault(
                table.at("tenants"),
                "the issuer names no place for a tenant",
                "write the claim's name into it, such as https://login.example/{tid}/v2.0",
            );
            Err(Faulty)
        }
        (Some(_), None) => {
            faults.fault(
                table.at("issuer"),
                "it has a place for a tenant, and no tenants are named",
                "list those that you accept: tenants = [\"…\"]",
            );
            Err(Faulty)
        }
        (Some(template), Some(tenants)) => expand(table, &expected, template, &tenants, faults),
    }
}

/// Writes each tenant into its place in the issuer's name.
fn expand(
    table: &Table<'_>,
    expected: &Expected,
    template: &str,
    tenants: &[&str],
    faults: &mut Faults,
) -> Result<(Expected, Option<TenantClaim>), Faulty> {
    let single = matches!(expected, Expected::OneOf(names) if names.len() == 1);
    let parts = template
        .split_once('{')
        .and_then(|(prefix, rest)| Some((prefix, rest.split_once('}')?)))
        .filter(|(_, (claim, suffix))| {
            single && !claim.is_empty() && !claim.contains('{') && !suffix.contains(['{', '}'])
        });
    let Some((prefix, (claim, suffix))) = parts else {
        faults.fault(
            table.at("issuer"),
            "a tenant has one place, in an issuer with one name",
            "write one name with one {claim} in it",
        );
        return Err(Faulty);
    };
    let mut outcome = Ok(());
    for (index, tenant) in tenants.iter().enumerate() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if !tenant.bytes().all(plain) {
            faults.fault(
                format!("{}[{index}]", table.at("tenants")),
                "not the identifier of a tenant",
                "use letters, digits, hyphens, dots and underscores",
            );
            outcome = Err(Faulty);
        }
    }
    outcome?;
    let names = tenants.iter().map(|tenant| format!("{prefix}{tenant}{suffix}")).collect();
    let claim = TenantClaim {
        claim: claim.to_owned(),
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
    };
    Ok((Expected::OneOf(names), Some(claim)))
}

/// A string or list that a claim is compared with, or `"*"`.
pub(super) fn expected(
    table: &Table<'_>,
    key: &str,
    what: &str,
    faults: &mut Faults,
) -> Result<Expected, Faulty> {
    let found = table.texts(key, true, faults);
    let values = table.require(key, found, &format!("write {what}"), faults)?;
    if values.as_slice() == ["*"] {
        return Ok(Expected::Any);
    }
    if values.contains(&"*") {
        faults.fault(
            table.at(key),
            "\"*\" beside other values, which it would make pointless",
            "write \"*\" alone, or the values alone",
        );
        return Err(Faulty);
    }
    Ok(Expected::OneOf(values.into_iter().map(str::to_owned).collect()))
}

/// Warns of an `"*"`: where it stands, a check is waived.
pub(super) fn warn_of_waived(
    table: &Table<'_>,
    key: &str,
    expected: &Expected,
    faults: &mut Faults,
) {
    if *expected == Expected::Any {
        faults.warning(
            table.at(key),
            format!("any {key} is accepted"),
            format!("name the {key} unless other rules make up for it"),
        );
    }
}
