//! What do the daemon's counters say? The text exposition, read and summed over labels.

/// One scrape.
#[derive(Clone, Debug, Default)]
pub struct Scrape(Vec<Sample>);

#[derive(Clone, Debug)]
struct Sample {
    name: String,
    labels: String,
    value: f64,
}

impl Scrape {
    /// Reads Prometheus' text format; lines that are not samples are passed over.
    pub fn read(text: &str) -> Self {
        Self(text.lines().filter_map(sample).collect())
    }

    /// The sum of all series called `name` whose labels contain every `key="value"` of `labels`.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let fits = |sample: &&Sample| sample.name == name && wanted.iter().all(|label| sample.labels.contains(label));
        self.0.iter().filter(fits).map(|sample| sample.value).sum()
    }

    /// Is there a series called `name`?
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|sample| sample.name == name)
    }
}

fn sample(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    Some(Sample { name: name.to_owned(), labels: labels.trim_end_matches('}').to_owned(), value: value.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::Scrape;

    #[test]
    fn series_are_summed_by_label() {
        let scrape =
            Scrape::read("# TYPE a counter\na{x=\"1\",y=\"2\"} 3\na{x=\"1\",y=\"3\"} 4\na{x=\"2\"} 8\nb 1.5\n");
        assert!((scrape.sum("a", &[("x", "1")]) - 7.0).abs() < f64::EPSILON);
        assert!((scrape.sum("a", &[]) - 15.0).abs() < f64::EPSILON);
        assert!((scrape.sum("b", &[]) - 1.5).abs() < f64::EPSILON);
        assert!(scrape.has("b") && !scrape.has("c"));
    }
}
