//! The policy.

use super::kind::Kind;
use super::{Answers, scalar};

/// The policy of an issuer, as YAML.
pub(super) fn text(answers: &Answers) -> String {
    let Answers { kind, issuer, audience, scope, origin, .. } = answers;
    let mut lines = vec![
        "# Who may link and unlink what. Every key: docs/configuration.md of linkgate.".to_owned(),
        "version: 1".to_owned(),
        "issuers:".to_owned(),
        format!("  - issuer: {}", scalar(issuer)),
    ];
    let parties = if *kind == Kind::Cognito { "clients" } else { "audiences" };
    lines.push(format!("    {parties}: [{}]", scalar(audience)));
    lines.extend(kind.lines().iter().map(|line| format!("    {line}")));
    lines.push(format!("    scopes: [{}]", scalar(scope)));
    lines.push("    secondary:".to_owned());
    lines.push("      max_age: 10m   # since the sign-in to the second account".to_owned());
    if kind.has_auth_time() {
        lines.push("      require: auth_time   # a silent renewal is no sign-in".to_owned());
    }
    lines.push(format!("cors: {{ origins: [{}] }}", scalar(origin)));
    lines.join("\n") + "\n"
}
