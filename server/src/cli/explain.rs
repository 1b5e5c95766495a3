//! `tollgate explain`: why did a decision fall?

use super::{Context, Failure, args::ExplainArgs, client::Server, decision, exit, explained, json};
use crate::pipeline::DecisionId;
use tollgate_proto::v1::ExplainRequest;

pub(super) fn run(args: ExplainArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let id: DecisionId = args.id.parse().map_err(|error: String| Failure::new(exit::USAGE, error))?;
    let request = ExplainRequest { decision_id: id.to_string() };
    let reply = Server::connect(context)?.ask(async |mut admin| admin.explain(request).await)?;
    let Some(found) = &reply.decision else {
        let line = format!(
            "{id} is not known (any more): decisions are kept as long as [decisions] says; refusals stand in the log too"
        );
        return Err(Failure::new(exit::NO, line));
    };
    if context.common.json {
        json::print(context.out, &json::explained(&reply))?;
    } else {
        decision::session(context.out, found)?;
        decision::print(context.out, found)?;
        explained::print(context.out, found)?;
        writeln!(context.out, "{}", explained::policy(&reply, found.generation))?;
    }
    Ok(exit::FINE)
}
