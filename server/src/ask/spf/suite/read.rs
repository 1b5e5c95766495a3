//! How is a suite read? The YAML of openspf.org: documents with `tests` and `zonedata`.

use super::{
    super::{
        dns::Data,
        zone::{Entry, Zone},
    },
    Case, Scenario, SpfResult,
};
use saphyr::{LoadableYamlNode, Scalar, Yaml};

/// Scenarios of one file.
const SCENARIOS_MAX: usize = 1_000;

/// Reads a file.
///
/// # Errors
/// One line: what is no YAML, or no suite, and where.
pub fn read(text: &str) -> Result<Vec<Scenario>, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| format!("no YAML: {error}"))?;
    if documents.len() > SCENARIOS_MAX {
        return Err(format!("{} documents: expected at most {SCENARIOS_MAX}", documents.len()));
    }
    documents.iter().filter(|document| !document.is_null()).map(scenario).collect()
}

fn scenario(document: &Yaml<'_>) -> Result<Scenario, String> {
    let description = document.as_mapping_get("description").and_then(scalar).unwrap_or_default();
    let within = |error: String| format!("scenario \"{description}\": {error}");
    let tests = document.as_mapping_get("tests").and_then(Yaml::as_mapping);
    let tests = tests.ok_or_else(|| within("no tests: expected a mapping".to_owned()))?;
    let cases = tests.iter().map(|(name, test)| case(&scalar(name).unwrap_or_default(), test));
    let cases = cases.collect::<Result<_, _>>().map_err(within)?;
    let mut zone = Zone::default();
    for (name, entries) in document.as_mapping_get("zonedata").and_then(Yaml::as_mapping).into_iter().flatten() {
        let name = scalar(name).unwrap_or_default();
        fill(&mut zone, &name, entries).map_err(|error| within(format!("{name}: {error}")))?;
    }
    Ok(Scenario { description, cases, zone })
}

fn case(name: &str, test: &Yaml<'_>) -> Result<Case, String> {
    let given =
        |key: &str| test.as_mapping_get(key).and_then(scalar).ok_or_else(|| format!("test {name}: {key} is missing"));
    let result = test.as_mapping_get("result").ok_or_else(|| format!("test {name}: result is missing"))?;
    let words = match result.as_sequence() {
        Some(words) => words.iter().filter_map(scalar).collect(),
        None => scalar(result).into_iter().collect::<Vec<_>>(),
    };
    let results = words.iter().map(|word| {
        let known = SpfResult::ALL.into_iter().find(|result| result.name().eq_ignore_ascii_case(word));
        known.ok_or_else(|| format!("test {name}: {word} is no result"))
    });
    let host = given("host")?;
    Ok(Case {
        name: name.to_owned(),
        ip: host.parse().map_err(|_| format!("test {name}: {host} is no address"))?,
        helo: given("helo")?,
        mail_from: given("mailfrom")?,
        results: results.collect::<Result<_, _>>()?,
        explanation: test.as_mapping_get("explanation").and_then(scalar),
    })
}

/// Adds a name's entries. Records of the type SPF, which nobody uses any more, count as TXT where the name has no TXT
/// of its own; `TXT: NONE` says that it has none.
fn fill(zone: &mut Zone, name: &str, entries: &Yaml<'_>) -> Result<(), String> {
    let entries = entries.as_sequence().ok_or("expected a list of records")?;
    let has = |kind: &str| entries.iter().any(|entry| entry.as_mapping_get(kind).is_some());
    let has_text = has("TXT");
    for entry in entries {
        if scalar(entry).as_deref() == Some("TIMEOUT") {
            zone.add(name, Entry::Silence);
            continue;
        }
        let (kind, value) =
            entry.as_mapping().and_then(|mapping| mapping.iter().next()).ok_or("expected TYPE: VALUE")?;
        let kind = scalar(kind).unwrap_or_default();
        let is_silent = scalar(value).as_deref() == Some("TIMEOUT");
        let entry = match (kind.as_str(), scalar(value)) {
            ("SPF", _) if has_text => continue,
            ("TXT", Some(none)) if none == "NONE" => continue,
            _ if is_silent => Entry::Silence,
            ("SPF" | "TXT", _) => Entry::Record(Data::Txt(strings(value).into_bytes().into())),
            ("MX", _) => Entry::Record(exchange(value)?),
            ("CNAME", Some(to)) => Entry::Cname(to.trim_end_matches('.').to_owned()),
            ("A", Some(ip)) => Entry::Record(Data::A(ip.parse().map_err(|_| format!("{ip} is no address"))?)),
            ("AAAA", Some(ip)) => Entry::Record(Data::Aaaa(ip.parse().map_err(|_| format!("{ip} is no address"))?)),
            ("PTR", Some(to)) => Entry::Record(Data::Ptr(to.trim_end_matches('.').to_ascii_lowercase().into())),
            _ => return Err(format!("{kind}: expected A, AAAA, CNAME, MX, PTR, SPF or TXT with its value")),
        };
        zone.add(name, entry);
    }
    Ok(())
}

/// One text, or several strings that are one.
fn strings(value: &Yaml<'_>) -> String {
    match value.as_sequence() {
        Some(strings) => strings.iter().filter_map(scalar).collect(),
        None => scalar(value).unwrap_or_default(),
    }
}

fn exchange(value: &Yaml<'_>) -> Result<Data, String> {
    let pair: Vec<String> = value.as_sequence().into_iter().flatten().filter_map(scalar).collect();
    match pair.as_slice() {
        [preference, exchange] => {
            let preference = preference.parse().map_err(|_| format!("{preference} is no preference"))?;
            Ok(Data::Mx(preference, exchange.trim_end_matches('.').to_ascii_lowercase().into()))
        }
        _ => Err("MX: expected [PREFERENCE, EXCHANGE]".to_owned()),
    }
}

/// A scalar as text, whatever YAML takes it for.
fn scalar(value: &Yaml<'_>) -> Option<String> {
    match value {
        Yaml::Value(Scalar::String(text)) => Some(text.to_string()),
        Yaml::Value(Scalar::Integer(number)) => Some(number.to_string()),
        Yaml::Value(Scalar::FloatingPoint(number)) => Some(number.to_string()),
        Yaml::Value(Scalar::Boolean(value)) => Some(value.to_string()),
        Yaml::Value(Scalar::Null) => Some(String::new()),
        Yaml::Representation(text, ..) => Some(text.to_string()),
        _ => None,
    }
}
