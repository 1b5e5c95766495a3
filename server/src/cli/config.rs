//! `tollgate config`: what may be configured, is a file right, and what is in force?

use super::{Context, Failure, args::ConfigArgs, client::Server, exit, text::one_line};
use crate::{
    config::{self, Document},
    paths, reload,
};
use std::path::{Path, PathBuf};
use tollgate_proto::v1::EffectiveRequest;

pub(super) fn run(args: &ConfigArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    match args {
        ConfigArgs { check: Some(file), .. } => check(file.as_deref(), context)?,
        ConfigArgs { effective: Some(None), .. } => effective_of_server(context)?,
        ConfigArgs { effective: Some(Some(file)), .. } => {
            let document = read(Some(file))?;
            write!(context.out, "{}", config::effective(&document))?;
        }
        _ => write!(context.out, "{}", config::default_file())?,
    }
    Ok(exit::FINE)
}

fn check(file: Option<&Path>, context: &mut Context<'_>) -> Result<(), Failure> {
    let file: Option<PathBuf> =
        file.map(Path::to_owned).or_else(|| paths::config_file(context.common.config.as_deref()));
    let loaded = reload::load(file.as_deref(), 0).map_err(Failure::from_faults)?;
    for warning in loaded.policy.warnings() {
        writeln!(context.err, "warning: {}", one_line(&warning))?;
    }
    match file {
        Some(file) => writeln!(context.out, "{}: no mistakes", file.display())?,
        None => writeln!(context.out, "no configuration file: the built-in defaults have no mistakes")?,
    }
    Ok(())
}

/// Reads the file and everything it names, as the daemon does at its start.
fn read(file: Option<&Path>) -> Result<Document, Failure> {
    Ok(reload::load(file, 0).map_err(Failure::from_faults)?.document)
}

fn effective_of_server(context: &mut Context<'_>) -> Result<(), Failure> {
    let reply = Server::connect(context)?.ask(async |mut admin| admin.effective(EffectiveRequest {}).await)?;
    writeln!(context.out, "# in force: policy generation {}", reply.generation)?;
    write!(context.out, "{}", reply.text)?;
    Ok(())
}
