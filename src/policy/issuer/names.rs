//! Compiles `issuer`, `tenants` and `audience`.

use super::super::fault::Faults;
use super::super::reader::{Faulty, Table};
use crate::rules::{Expected, TenantClaim};

/// Compiles the accepted values of `iss`: a list, `"*"`, or a template with its tenants.
pub(super) fn compile_name(
    table: &Table<'_>,
    faults: &mut Faults,
) -> Result<(Expected, Option<TenantClaim>), Faulty> {
    let expected = expected(table, "issuer", "the token's iss, or \"*\" to accept any", faults);
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
                "the issuer contains no placeholder for the tenant",
                "write the name of the tenant's claim in braces, such as \
                 https://login.example/{tid}/v2.0",
            );
            Err(Faulty)
        }
        (Some(_), None) => {
            faults.fault(
                table.at("issuer"),
                "it contains a placeholder for the tenant, but no tenants are listed",
                "list the tenants that you accept: tenants = [\"…\"]",
            );
            Err(Faulty)
        }
        (Some(template), Some(tenants)) => expand(table, &expected, template, &tenants, faults),
    }
}

/// Inserts each tenant into the issuer's template.
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
            "an issuer with tenants must be a single value with a single placeholder",
            "write one value that contains one {claim}",
        );
        return Err(Faulty);
    };
    let mut outcome = Ok(());
    for (index, tenant) in tenants.iter().enumerate() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if !tenant.bytes().all(plain) {
            faults.fault(
                format!("{}[{index}]", table.at("tenants")),
                "not a tenant ID",
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

/// Compiles the accepted values of a claim: a string, a list, or `"*"`.
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
            "\"*\" accepts every value, so the other values have no effect",
            "write only \"*\", or remove it",
        );
        return Err(Faulty);
    }
    Ok(Expected::OneOf(values.into_iter().map(str::to_owned).collect()))
}

/// Warns of `"*"`, which turns a check off.
pub(super) fn warn_of_any(table: &Table<'_>, key: &str, expected: &Expected, faults: &mut Faults) {
    if *expected == Expected::Any {
        faults.warning(
            table.at(key),
            format!("every {key} is accepted"),
            format!("write the {key} unless other rules restrict the tokens"),
        );
    }
}
