//! `tollgate reload`: is the new policy in force, and every list with it?

use super::{Context, Failure, client::Server, exit, json, text::one_line};
use serde_json::json;
use tollgate_proto::v1::ReloadRequest;

/// `force`: lists that grew or shrank out of bounds, that hold all addresses or cover our own hosts, too.
pub(super) fn run(context: &mut Context<'_>, force: bool) -> Result<u8, Failure> {
    let request = ReloadRequest { force };
    let reply = Server::connect(context)?.ask_to_work(async |mut admin| admin.reload(request).await)?;
    if context.common.json {
        let said = json!({ "generation": reply.generation, "faults": reply.faults, "refused": reply.refused });
        json::print(context.out, &said)?;
    } else {
        for line in reply.faults.iter().chain(&reply.refused) {
            writeln!(context.out, "{}", one_line(line))?;
        }
        let generation = reply.generation;
        if reply.faults.is_empty() {
            writeln!(context.out, "policy generation {generation} is in force")?;
        } else {
            writeln!(context.out, "nothing was changed: policy generation {generation} stays in force")?;
        }
    }
    let all_is_new = reply.faults.is_empty() && reply.refused.is_empty();
    Ok(if all_is_new { exit::FINE } else { exit::USAGE })
}
