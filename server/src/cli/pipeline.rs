//! `tollgate pipeline`: which check speaks at which stage?

use super::{Context, Failure, client::Server, exit, json};
use crate::{paths, reload};
use serde_json::json;
use std::path::Path;
use tollgate_proto::v1::PipelineRequest;

pub(super) fn run(context: &mut Context<'_>) -> Result<u8, Failure> {
    let table = match context.common.config.clone() {
        Some(file) => from_file(Some(&file))?,
        None => match Server::connect(context) {
            Ok(server) => server.ask(async |mut admin| admin.pipeline(PipelineRequest {}).await)?.table,
            Err(failure) if failure.code == exit::UNREACHABLE && context.common.socket.is_none() => {
                from_file(paths::config_file(None).as_deref())?
            }
            Err(failure) => return Err(failure),
        },
    };
    if context.common.json {
        json::print(context.out, &json!({ "table": table }))?;
    } else {
        write!(context.out, "{table}")?;
    }
    Ok(exit::FINE)
}

fn from_file(path: Option<&Path>) -> Result<String, Failure> {
    Ok(reload::load(path, 0).map_err(Failure::from_faults)?.policy.table())
}
