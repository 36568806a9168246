//! Formats an explanation as text.

use anstyle::{AnsiColor, Style};
use portcullis::time::UnixSeconds;
use serde_json::Value;

/// Formats the token, the faults, the steps and the verdict.
pub(super) fn shown(explained: &Value, now: UnixSeconds) -> String {
    let mut lines = Vec::new();
    token(explained, now, &mut lines);
    faults(explained, &mut lines);
    steps(explained, &mut lines);
    verdict(explained, &mut lines);
    lines.join("\n")
}

fn token(explained: &Value, now: UnixSeconds, lines: &mut Vec<String>) {
    let is_introspected =
        explained.get("steps").and_then(Value::as_array).into_iter().flatten().any(|step| {
            let is =
                |member: &str, value: &str| step.get(member).and_then(Value::as_str) == Some(value);
            is("name", "introspection") && !is("state", "skipped")
        });
    let credential = explained.get("credential").and_then(Value::as_str);
    if is_introspected && credential == Some("opaque") {
        lines.push("an opaque token, which only its provider can read".to_owned());
        lines.push(String::new());
        return;
    }
    for part in ["header", "claims"] {
        match explained.pointer(&format!("/token/{part}")) {
            None | Some(Value::Null) => lines.push(format!("{part}: not readable")),
            Some(value) => lines.push(format!("{part}: {}", printable(&format!("{value:#}")))),
        }
    }
    for name in ["iat", "nbf", "exp", "auth_time"] {
        let time = explained.pointer(&format!("/token/claims/{name}"));
        if let Some(time) = time.and_then(|time| UnixSeconds::from_numeric_date(time).ok()) {
            lines.push(format!("  {name}: {}", relative(time, now)));
        }
    }
    for part in ["header", "claims"] {
        if let Some(value) = explained.pointer(&format!("/proof/{part}")) {
            lines.push(format!("proof {part}: {}", printable(&format!("{value:#}"))));
        }
    }
    if let Some(because) = explained.pointer("/token/fault/because").and_then(Value::as_str) {
        lines.push(format!("  rejected as a token: {because}"));
    }
    lines.push(String::new());
}

fn relative(time: UnixSeconds, now: UnixSeconds) -> String {
    let (before, after) = (now.since(time).get(), time.since(now).get());
    let span = |seconds: u32| match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.wrapping_div(60)),
        7200..172_800 => format!("{} h", seconds.wrapping_div(3600)),
        _ => format!("{} days", seconds.wrapping_div(86_400)),
    };
    if after > 0 { format!("in {}", span(after)) } else { format!("{} ago", span(before)) }
}

fn faults(explained: &Value, lines: &mut Vec<String>) {
    for (kind, style) in [("faults", AnsiColor::Red), ("warnings", AnsiColor::Yellow)] {
        let style = style.on_default();
        for fault in explained.get(kind).and_then(Value::as_array).into_iter().flatten() {
            let text =
                |name: &str| printable(fault.get(name).and_then(Value::as_str).unwrap_or(""));
            let (path, problem, remedy) = (text("path"), text("problem"), text("remedy"));
            lines.push(format!("{style}POLICY.{path}{style:#}: {problem}\n    {remedy}"));
        }
    }
}

fn steps(explained: &Value, lines: &mut Vec<String>) {
    let text = |step: &Value, name: &str| step.get(name).and_then(Value::as_str).map(printable);
    for step in explained.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let (word, style) = match step.get("state").and_then(Value::as_str) {
            Some("passed") => ("passed", AnsiColor::Green.on_default()),
            Some("failed") => ("FAILED", AnsiColor::Red.on_default()),
            Some("unknown") => ("unknown", AnsiColor::Yellow.on_default()),
            Some("skipped") => ("not needed", Style::new().dimmed()),
            _ => ("not reached", Style::new().dimmed()),
        };
        let name = text(step, "name").unwrap_or_default();
        let code = text(step, "code").map(|code| format!("{code}: ")).unwrap_or_default();
        let told = text(step, "because").or_else(|| text(step, "detail")).unwrap_or_default();
        let line = format!("  {style}{word:<11}{style:#} {name:<13} {code}{told}");
        lines.push(line.trim_end().to_owned());
        if let Some(remedy) = text(step, "remedy") {
            lines.push(format!("{:28}{remedy}", ""));
        }
    }
}

fn verdict(explained: &Value, lines: &mut Vec<String>) {
    let text = |pointer: &str| explained.pointer(pointer).and_then(Value::as_str).map(printable);
    let request = format!(
        "{} {}",
        text("/request/method").unwrap_or_default(),
        text("/request/path").unwrap_or_default()
    );
    let verdict = match text("/verdict").as_deref() {
        Some("admitted") => match text("/reported/code") {
            Some(code) => format!("admitted; {code} is only reported"),
            None => "admitted".to_owned(),
        },
        Some("refused") => {
            let status = explained.pointer("/refusal/status").map(Value::to_string);
            format!("refused with {}", status.unwrap_or_default())
        }
        Some("answered") => "the gate responds itself".to_owned(),
        Some("unknown") => {
            "unknown, because it depends on data that is not on this machine".to_owned()
        }
        _ => "refused with 500, because the policy has faults".to_owned(),
    };
    lines.push(format!("\n{request}: {verdict}"));
    let names = explained.pointer("/outgoing/set").and_then(Value::as_array);
    let names: Vec<_> = names.into_iter().flatten().filter_map(Value::as_str).collect();
    if !names.is_empty() {
        lines.push(format!("headers that the gate sets: {}", printable(&names.join(", "))));
    }
    if let Some(claims) = explained.pointer("/outgoing/identity").filter(|it| !it.is_null()) {
        lines.push(format!("signed identity: {}", printable(&format!("{claims:#}"))));
    }
}

/// Escapes control characters, because a token can contain any text and terminals interpret them.
fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => "\n".to_owned(),
        // Characters that change the direction of text can hide parts of a line.
        c if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
        {
            c.escape_unicode().to_string()
        }
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}
