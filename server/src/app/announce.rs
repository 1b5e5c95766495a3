//! What does a stranger want to know when the daemon has started? Where it listens, and what to try next.

use super::Settings;
use crate::paths;
use std::{env, net::SocketAddr, path::Path};

/// Where the daemon listens, for `tollgate status`: kind and place.
pub(super) fn listening(server: &Settings, tcp: Option<SocketAddr>, metrics: Option<SocketAddr>) -> Vec<String> {
    let mut places = vec![format!("unix:{}", server.socket.path.display())];
    places.extend(tcp.map(|address| format!("tcp:{address}")));
    places.push(format!("admin:{}", server.admin.path.display()));
    places.extend(metrics.map(|address| format!("http://{address}/metrics")));
    places
}

/// Some lines for standard error.
pub(super) fn lines(config: Option<&Path>, server: &Settings, listening: &[String]) -> String {
    let config = config.map_or_else(|| "built-in defaults".to_owned(), |path| path.display().to_string());
    let command = command(&server.admin.path);
    format!(
        "tollgated {version} is ready: {config}\n\
         \x20 listens on  {places}\n\
         \x20 keeps state in  {state}\n\
         Try next:\n\
         \x20 {command} check --ip 192.0.2.1 --helo client.example --from ann@example.org --rcpt bob@example.net\n\
         \x20 {command} status\n",
        version = env!("CARGO_PKG_VERSION"),
        places = listening.join("  "),
        state = server.state_folder.display(),
    )
}

/// How to call the command line from here: with its path if it lies beside the daemon's program, and with the socket
/// where it would not find it by itself.
fn command(admin: &Path) -> String {
    let beside = env::current_exe().ok().map(|program| program.with_file_name("tollgate"));
    let is_installed = |path: &Path| path.starts_with("/usr");
    let program = match beside.filter(|path| path.exists() && !is_installed(path)) {
        Some(path) => env::current_dir()
            .ok()
            .and_then(|here| path.strip_prefix(here).ok().map(|short| short.display().to_string()))
            .unwrap_or_else(|| path.display().to_string()),
        None => "tollgate".to_owned(),
    };
    if paths::admin_sockets().iter().any(|known| known == admin) {
        program
    } else {
        format!("{program} --socket {}", admin.display())
    }
}
