//! The key endpoint of a scene, for editions that are driven step by step: each fetch that the policy
//! wants gets the scene's next answer.

use linkgate_policy::{Answer, Failure, Now};

use crate::edition::{Due, Edition, PolicyId};
use crate::scene::Response;
use crate::trouble::Trouble;

/// An endpoint, and what was made of its answers.
pub(crate) struct Endpoint<'s> {
    /// One after another; the last for good.
    answers: &'s [Result<Response, Failure>],
    asked: usize,
    /// Lines for the operator.
    pub(crate) notices: Vec<String>,
}

/// Whether a fetch says who asks. Auth0 and others answer 403 to one that does not.
fn names_itself(due: &Due) -> bool {
    let agent = due.headers.iter().find(|line| line.name == "user-agent");
    agent.is_some_and(|line| line.value.starts_with(b"linkgate/"))
}

fn forbidden() -> Answer {
    Answer { status: 403, headers: Vec::new(), body: Vec::new() }
}

/// More fetches in a row than any policy of a case wants: discovery takes two for an issuer.
const MAX_FETCHES: usize = 10;

impl<'s> Endpoint<'s> {
    pub(crate) fn new(answers: &'s [Result<Response, Failure>]) -> Self {
        Self { answers, asked: 0, notices: Vec::new() }
    }

    /// Performs the fetches that wait, as a driver does. Says whether there was anything.
    pub(crate) fn serve(
        &mut self,
        edition: &mut dyn Edition,
        policy: PolicyId,
        now: Now,
    ) -> Result<bool, Trouble> {
        for round in 0..MAX_FETCHES {
            let Some(due) = edition.due(policy, now)? else { return Ok(round > 0) };
            let answer = self.answer()?;
            let answer = if names_itself(&due) { answer } else { Ok(forbidden()) };
            self.notices.extend(edition.fetched(policy, &due.source, answer, now)?);
        }
        Err(Trouble::new(format!("more than {MAX_FETCHES} fetches in a row")))
    }

    fn answer(&mut self) -> Result<Result<Answer, String>, Trouble> {
        let answer = self
            .answers
            .get(self.asked)
            .or(self.answers.last())
            .ok_or_else(|| Trouble::new("a fetch, where the case has no `keys`"))?;
        self.asked += 1;
        Ok(match answer {
            Ok(answer) => Ok(Answer {
                status: answer.status,
                headers: answer.headers.clone(),
                body: answer.body.clone(),
            }),
            Err(Failure::NotSent) => Err("expected a connection, found none".to_owned()),
            Err(Failure::Unknown) => {
                Err("expected an answer, found the connection closed".to_owned())
            }
        })
    }
}
