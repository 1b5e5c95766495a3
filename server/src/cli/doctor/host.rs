//! Is this host fit: is the clock right, can state be kept?

use super::{Patient, Report};
use crate::{cli::units::utc, clock::Clock};
use std::{fs, io, path::Path, time::UNIX_EPOCH};

/// Free space below which the daemon may soon have to start with an empty store, in octets.
const FREE_MIN: u64 = 64 * 1024 * 1024;

pub(super) fn examine(patient: &Patient, report: &mut Report) {
    clock(report);
    state(&patient.server.state_folder, report);
}

/// A clock before the time at which this very program was put here is wrong: expiry and greylisting would be.
fn clock(report: &mut Report) {
    const TEST: &str = "clock";
    let now = Clock::system().now().unix_seconds();
    let installed = std::env::current_exe().and_then(fs::metadata).and_then(|found| found.modified());
    let installed =
        installed.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |time| time.as_secs());
    if now < installed {
        let text = format!("it is {}, before this program was installed ({})", utc(now), utc(installed));
        report.fail(TEST, format!("{text}: set the clock, run an NTP client"));
    } else {
        report.ok(TEST, utc(now));
    }
}

fn state(folder: &Path, report: &mut Report) {
    const TEST: &str = "state folder";
    let shown = folder.display();
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return report.warn(TEST, format!("{shown} is not there: the daemon makes it at its first start"));
        }
        Err(error) => return report.warn(TEST, format!("{shown}: {error}: run the doctor as root")),
        Ok(found) if !found.is_dir() => return report.fail(TEST, format!("{shown} is not a folder: move it away")),
        Ok(_) => {}
    }
    if let Err(error) = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK) {
        return report.warn(TEST, format!("{shown}: {error}: run the doctor as root, or as the daemon's user"));
    }
    match rustix::fs::statvfs(folder) {
        Ok(system) if system.f_bavail.saturating_mul(system.f_frsize) < FREE_MIN => {
            let free = system.f_bavail.saturating_mul(system.f_frsize) / 1024 / 1024;
            report.fail(TEST, format!("{shown}: {free} MiB free: make room, or state is lost at the next restart"));
        }
        Ok(_) => report.ok(TEST, format!("{shown} can be written")),
        Err(error) => report.warn(TEST, format!("{shown}: {error}")),
    }
}
