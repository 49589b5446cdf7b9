//! What there is to try while the demo stays: a page for a browser, and lines for a shell with the answer to expect.

use std::fmt;

use bytes::Bytes;

use super::story::{Before, metadata};
use super::tokens::Tokens;
use super::{Stage, calls, page};
use crate::operation::line;
use crate::paint::Paint;

/// A line for a shell.
struct Line {
    what: &'static str,
    status: u16,
    /// What is in the answer, headers or body.
    holds: &'static str,
    curl: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, status, holds, curl } = self;
        write!(f, "# {what}: answers {status}, with `{holds}`\n{curl}\n")
    }
}

/// Makes all accounts new, says what to try, and prints each decision until it is asked to stop.
///
/// # Errors
///
/// A sign-in did not work, or the gateway does not take the policy.
pub(crate) async fn offer(mut stage: Stage, stop: impl Future<Output = ()>) -> Result<(), String> {
    stage.tenant.clear_faults();
    stage.set(&Before::AccountsAnew).await?;
    stage.set(&Before::Merging(metadata())).await?;
    let tokens = Tokens::of(&stage).await?;
    let url = page::url(stage.page.local_addr().map_err(|error| error.to_string())?);
    let html = Bytes::from(page::html(&stage, &url));
    println!("\nin a browser, a page that signs in, links and unlinks: {url}\n");
    println!("in a shell, one after another; the tokens are good for an hour:\n");
    println!("ALICE={}\nBOB={}\nSECOND={}\n", tokens.alice, tokens.bob, tokens.elsewhere);
    for line in lines(&stage) {
        println!("{line}");
    }
    println!("stop with Ctrl-C");
    let (page, paint) = (stage.page, Paint::of_stdout());
    tokio::spawn(page::serve(page, html));
    let decisions = async {
        while let Some(decision) = stage.decisions.recv().await {
            println!("{}", line::human(&decision, paint));
        }
    };
    tokio::select! {
        () = decisions => {}
        () = stop => {}
    }
    Ok(())
}

/// The lines, in an order in which each works and which leaves things as they were.
fn lines(stage: &Stage) -> [Line; 6] {
    let gate = format!("http://{}", stage.gateway);
    let audience = stage.tenant.tenant().settings().management_audience();
    let alice = format!("{gate}/api/v2/users/auth0%7Calice-5f7c8ec7");
    let google = "google-oauth2/115015401343387192604";
    let bearer = |name: &str| format!("-H \"authorization: Bearer ${name}\"");
    let linking =
        |headers: &str| format!("curl -i '{alice}/identities' {headers}-d \"link_with=$SECOND\"");
    let line = |what, status, holds, curl| Line { what, status, holds, curl };
    [
        line(
            "Alice signs in; the gate passes that on to the tenant",
            200,
            "access_token",
            format!(
                "curl -i '{gate}/oauth/token' -d grant_type=password -d client_id=spa -d username=alice@example.com \
                 -d password=alice-pw -d 'audience={audience}' --data-urlencode 'scope={}'",
                calls::SCOPE
            ),
        ),
        line(
            "she links her second account, with the form that a browser sends",
            201,
            "google-oauth2",
            linking(&(bearer("ALICE") + " ")),
        ),
        line(
            "she reads her account, which now has the second one's metadata too",
            200,
            "newsletter",
            format!("curl -i '{alice}' {}", bearer("ALICE")),
        ),
        line(
            "Bob links to Alice's account",
            403,
            "subject-mismatch",
            linking(&(bearer("BOB") + " ")),
        ),
        line("a request without a token", 401, "bearer-missing", linking("")),
        line(
            "Alice unlinks her second account",
            200,
            "alice-5f7c8ec7",
            format!("curl -i -X DELETE '{alice}/identities/{google}' {}", bearer("ALICE")),
        ),
    ]
}
