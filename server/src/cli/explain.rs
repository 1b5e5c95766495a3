//! `tollgate explain`: why did a decision fall?

use super::{Context, Failure, args::ExplainArgs, client::Server, decision, exit, json};
use crate::pipeline::DecisionId;
use tollgate_proto::v1::ExplainRequest;

pub(super) fn run(args: ExplainArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let id: DecisionId = args.id.parse().map_err(|error: String| Failure::new(exit::USAGE, error))?;
    let request = ExplainRequest { decision_id: id.to_string() };
    let reply = Server::connect(context)?.ask(async |mut admin| admin.explain(request).await)?;
    let Some(found) = reply.decision else {
        let line = format!(
            "{id} is not known (any more): the daemon keeps recent decisions only; older ones stand in its log"
        );
        return Err(Failure::new(exit::NO, line));
    };
    if context.common.json {
        json::print(context.out, &json::decision(&found))?;
    } else {
        decision::session(context.out, &found)?;
        decision::print(context.out, &found)?;
        writeln!(context.out, "policy generation {}", found.generation)?;
    }
    Ok(exit::FINE)
}
