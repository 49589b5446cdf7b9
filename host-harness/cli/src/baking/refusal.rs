//! What of a policy cannot be baked in: whatever needs a secret. A component is a file, and files are copied.

use linkgate_policy::Mistake;
use serde_json::Value;

/// The mistakes, in the places of a document that is good otherwise.
pub(super) fn mistakes(document: &Value) -> Vec<Mistake> {
    let issuers = document.get("issuers").and_then(Value::as_array);
    let lists = issuers.into_iter().flatten().enumerate().flat_map(|(position, issuer)| {
        ["/algorithms", "/secondary/algorithms"].into_iter().flat_map(move |list| {
            let algorithms = issuer.pointer(list).and_then(Value::as_array);
            algorithms.into_iter().flatten().enumerate().filter_map(move |(place, algorithm)| {
                let name = algorithm.as_str()?;
                let pointer = format!("/issuers/{position}{list}/{place}");
                name.starts_with("HS").then(|| symmetric(pointer, name))
            })
        })
    });
    let credentials = document.pointer("/metadata/credentials").and_then(Value::as_str);
    lists.chain((credentials == Some("service")).then(service)).collect()
}

fn symmetric(pointer: String, algorithm: &str) -> Mistake {
    Mistake {
        pointer,
        message: format!(
            "expected an algorithm with public keys in a policy that is baked in, found `{algorithm}`"
        ),
        help: Some(
            "anyone with the component would have the secret, and could sign tokens with it; leave the policy outside, or have the issuer sign with RS256"
                .to_owned(),
        ),
    }
}

fn service() -> Mistake {
    Mistake {
        pointer: "/metadata/credentials".to_owned(),
        message: "expected no secret in a policy that is baked in, found credentials of the gateway's own, `service`".to_owned(),
        help: Some(
            "anyone with the component would have the token of the service; leave the policy outside of the component"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whatever_needs_a_secret_is_refused_in_its_place() {
        for (document, expected) in [
            (json!({ "issuers": [{ "algorithms": ["RS256"] }] }), &[][..]),
            (json!({ "metadata": { "credentials": "caller" } }), &[]),
            (
                json!({
                    "issuers": [
                        { "secondary": { "algorithms": ["HS512"] } },
                        { "algorithms": ["RS256", "HS256"] },
                    ],
                    "metadata": { "credentials": "service" },
                }),
                &[
                    "/issuers/0/secondary/algorithms/0",
                    "/issuers/1/algorithms/1",
                    "/metadata/credentials",
                ],
            ),
        ] {
            let found: Vec<String> =
                mistakes(&document).into_iter().map(|one| one.pointer).collect();
            assert_eq!(found, expected, "{document}");
        }
    }
}
