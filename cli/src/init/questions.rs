//! Asks for the answers at a terminal.

use super::{Answers, preset_names};
use anyhow::Result;
use portcullis::policy::Preset;
use serde_json::json;

/// Asks one question after the other. `ask` prints a question and returns the answer.
pub(super) fn ask(ask: &mut dyn FnMut(&str) -> Result<String>) -> Result<Answers> {
    let mut answers = Answers::default();
    let names = preset_names();
    let question = format!("Identity provider: {} (press Enter for a demo): ", names.join(", "));
    let preset = ask(&question)?;
    if preset.is_empty() {
        return Ok(answers);
    }
    // An unknown name is reported with all other faults.
    let parameters = Preset::all().find(|(name, _)| *name == preset).map(|(_, names)| names);
    answers.preset = Some(preset);
    for name in parameters.unwrap_or_default() {
        let value = ask(&format!("{name}: "))?;
        if !value.is_empty() {
            answers.parameters.insert((*name).to_owned(), json!(value));
        }
    }
    let audience = ask("Audience of the tokens (press Enter if they have none): ")?;
    answers.audience.extend(Some(audience).filter(|audience| !audience.is_empty()));
    let origin =
        ask("URL of your API (press Enter to get each forwarded request back as the response): ")?;
    answers.origin = Some(origin).filter(|origin| !origin.is_empty());
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    fn answered(answers: &[&str]) -> (Answers, Vec<String>) {
        let mut left = answers.iter();
        let mut asked = Vec::new();
        let answers = ask(&mut |question| {
            asked.push(question.to_owned());
            Ok((*left.next().unwrap()).to_owned())
        });
        assert_eq!(left.next(), None, "{asked:?}");
        (answers.unwrap(), asked)
    }

    #[test]
    fn no_provider_is_the_demo() {
        let (answers, asked) = answered(&[""]);
        assert_eq!(answers, Answers::default());
        assert!(asked[0].contains("auth0, cloudflare-access, cognito"), "{asked:?}");
    }

    #[test]
    fn the_parameters_of_the_preset_are_asked_for() {
        let given = ["auth0", "tenant.eu.auth0.com", "api", "https://api.example.com"];
        let (answers, asked) = answered(&given);
        assert_eq!(asked[1], "domain: ");
        let expected = Answers {
            preset: Some("auth0".to_owned()),
            parameters: Map::from_iter([("domain".to_owned(), json!("tenant.eu.auth0.com"))]),
            audience: vec!["api".to_owned()],
            origin: Some("https://api.example.com".to_owned()),
        };
        assert_eq!(answers, expected);
    }

    #[test]
    fn questions_without_an_answer_are_left_to_the_compiler() {
        let (answers, _) = answered(&["keycloak", "", "", "", ""]);
        assert_eq!(answers.parameters, Map::new());
        assert_eq!((answers.audience, answers.origin), (Vec::new(), None));
    }
}
