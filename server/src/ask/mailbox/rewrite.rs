//! Is the address one of this host's, and under which local part? What `qmail-send` makes of an envelope address.

use super::{Host, Looked, Trace, shown};

/// The local part as `qmail-lspawn` gets it. `Err` = the answer is known already.
pub(super) fn local(host: &dyn Host, address: &[u8], trace: &mut Trace) -> Result<Vec<u8>, Looked> {
    let address = percent_hacked(host, with_domain(host, address, trace), trace);
    let at = last(&address, b'@').unwrap_or(address.len());
    let (local, domain) = (&address[..at], address.get(at + 1..).unwrap_or_default());
    if host.is_local(&domain.to_ascii_lowercase()).map_err(Looked::trouble)? {
        trace.note("locals", || format!("{} is local", shown(domain)));
        return Ok(local.to_owned());
    }
    trace.note("locals", || format!("{} is not local", shown(domain)));
    let lower = address.to_ascii_lowercase();
    let Some((key, prepend)) = keys(&lower, at).find_map(|key| Some((key, host.virtualdomain(key)?))) else {
        trace.note("virtualdomains", || "no line covers it".to_owned());
        return Err(Looked::unknown(format!(
            "{} is neither local nor virtual: it is delivered elsewhere",
            shown(domain)
        )));
    };
    trace.note("virtualdomains", || format!("{}:{}", shown(key), shown(&prepend)));
    if prepend.is_empty() {
        let why = format!("virtualdomains says that {} is not virtual: it is delivered elsewhere", shown(key));
        return Err(Looked::unknown(why));
    }
    Ok([&prepend, b"-".as_slice(), local].concat())
}

fn with_domain(host: &dyn Host, address: &[u8], trace: &mut Trace) -> Vec<u8> {
    if address.contains(&b'@') {
        return address.to_owned();
    }
    let whole = [address, b"@", &host.envnoathost()].concat();
    trace.note("envnoathost", || format!("{} means {}", shown(address), shown(&whole)));
    whole
}

/// `a%b@c` means `a@b` where percenthack names `c`; and so on while it names what is found.
fn percent_hacked(host: &dyn Host, mut address: Vec<u8>, trace: &mut Trace) -> Vec<u8> {
    let Some(mut at) = last(&address, b'@') else { return address };
    while host.is_percent_hacked(&address[at + 1..].to_ascii_lowercase())
        && let Some(percent) = last(&address[..at], b'%')
    {
        address.truncate(at);
        address[percent] = b'@';
        at = percent;
        trace.note("percenthack", || format!("it means {}", shown(&address)));
    }
    address
}

/// The keys of virtualdomains that cover an address: all of it, its domain, what begins at each dot of that, and the empty
/// one.
fn keys(address: &[u8], at: usize) -> impl Iterator<Item = &[u8]> {
    let covers = move |&start: &usize| {
        let is_dot = start > at && address.get(start) == Some(&b'.');
        start == 0 || start == at + 1 || start == address.len() || is_dot
    };
    (0..=address.len()).filter(covers).map(|start| &address[start..])
}

fn last(octets: &[u8], wanted: u8) -> Option<usize> {
    octets.iter().rposition(|&octet| octet == wanted)
}
