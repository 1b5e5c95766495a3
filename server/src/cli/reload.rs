//! `tollgate reload`: is the new policy in force?

use super::{Context, Failure, client::Server, exit, json, text::one_line};
use serde_json::json;
use tollgate_proto::v1::ReloadRequest;

pub(super) fn run(context: &mut Context<'_>) -> Result<u8, Failure> {
    let reply = Server::connect(context)?.ask_to_work(async |mut admin| admin.reload(ReloadRequest {}).await)?;
    if context.common.json {
        json::print(context.out, &json!({ "generation": reply.generation, "faults": reply.faults }))?;
    } else if reply.faults.is_empty() {
        writeln!(context.out, "policy generation {} is in force", reply.generation)?;
    } else {
        for fault in &reply.faults {
            writeln!(context.out, "{}", one_line(fault))?;
        }
        writeln!(context.out, "nothing was changed: policy generation {} stays in force", reply.generation)?;
    }
    Ok(if reply.faults.is_empty() { exit::FINE } else { exit::USAGE })
}
