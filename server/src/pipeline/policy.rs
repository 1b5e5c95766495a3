//! What is in force? All checks with their modes and texts, built from the configuration in one pass; immutable.

use super::{Settings, table, template::Template};
use crate::{
    ask::dns,
    check::{Check, Def, Exemption, Finding, Outcome, Rule},
    checks,
    config::{Build, Document, Fault, Field, Kind, Section, Settled, refuse_unknown_sections, spelling},
    dns_lists::{Declared, gone},
    files::{self, Files, LoadedFile},
    metrics::{CheckCounters, EngineCounters},
    mode::Mode,
    session::{Facts, Stage},
};
use std::cell::RefCell;

/// What the sum of scores says. It names no finding: who learns which list weighs how much evades the heaviest.
static SCORE: Rule = Rule::policy("score", "sorry, too much speaks against this message", "the sum of scores");

/// The keys every check has, besides its own.
pub fn common_fields(def: &Def) -> [Field; 4] {
    [
        Field {
            name: "mode",
            kind: Kind::Mode(def.mode.name()),
            doc: "How strongly its findings are meant: enforce, soft (5xx becomes 4xx), monitor (only counted and \
                  logged) or off (not evaluated). The most lenient of all modes that apply to a finding wins.",
        },
        Field {
            name: "voice",
            kind: Kind::Choice(&["rcpt", "now"]),
            doc: "When its refusals are spoken: at RCPT, as qmail does, or at once at connect, HELO and MAIL. At once \
                  hits postmaster too, and does not hold at connect where AUTH is offered.",
        },
        Field {
            name: "voice_rules",
            kind: Kind::Texts(&[]),
            doc: "The rules for which `voice = \"now\"` holds; empty = all of the check's.",
        },
        Field {
            name: "reply",
            kind: Kind::TextMap,
            doc: "Replies by rule, in place of its own: `{ listed = \"554 5.7.1 no thanks, %{client_ip}\" }`. Code and \
                  status may be left out; a code of 5xx is the refusal's, one of 4xx the deferral's.",
        },
    ]
}

/// One check as configured.
pub(super) struct Step {
    /// In the order of precedence, from 0.
    pub(super) place: usize,
    pub(super) def: &'static Def,
    pub(super) check: Box<dyn Check>,
    /// As configured; `None` = the configuration does not say.
    mode: Option<Mode>,
    /// By rule: it is spoken at once, not at RCPT.
    pub(super) voiced_now: Vec<bool>,
    /// Others are voiced at once, and its allowance holds against them: it speaks before RCPT to say that.
    spares_early: bool,
    /// By rule.
    pub(super) templates: Vec<Template>,
    pub(super) counters: CheckCounters,
}

impl Step {
    fn build(place: usize, def: &'static Def, section: &Section<'_>, build: &mut Build<'_>) -> Self {
        Self {
            place,
            def,
            check: (def.build)(section, build),
            mode: section.is_set("mode").then(|| section.mode("mode")),
            voiced_now: voiced_now(def, section),
            spares_early: false,
            templates: templates(def, section),
            counters: CheckCounters::new(def),
        }
    }

    /// How strongly it is meant in this session, other grains apart.
    pub(super) fn mode(&self, facts: &Facts) -> Mode {
        self.mode.or_else(|| self.check.usual_mode(facts)).unwrap_or(self.def.mode)
    }

    /// Is what it finds before RCPT heard at once?
    pub(super) fn is_heard_early(&self, finding: &Finding) -> bool {
        let spares = self.spares_early && finding.outcome == Outcome::Allow;
        spares || self.voiced_now.get(finding.rule).copied().unwrap_or(false)
    }

    /// Does an allowance of this name speak for the client?
    pub(super) fn vouches(&self, rule: &str) -> bool {
        self.def.rules.iter().position(|known| known.name == rule).is_some_and(|rule| self.check.vouches(rule))
    }

    pub(super) fn is_despite(&self, exemption: Exemption) -> bool {
        self.def.despite.contains(&exemption)
    }

    /// Does what this rule finds count whoever is allowed?
    pub(super) fn is_despite_allowed(&self, rule: usize) -> bool {
        self.is_despite(Exemption::Allowed) || self.check.counts_despite_allowed(rule)
    }

    /// Does it speak at `stage`, other than by what it will say at RCPT?
    pub(super) fn speaks_at(&self, stage: Stage) -> bool {
        match stage {
            Stage::Connect | Stage::Helo | Stage::Mail => {
                self.spares_early || (self.def.stages.contains(&stage) && self.voiced_now.contains(&true))
            }
            Stage::Rcpt => self.def.stages.iter().any(|&known| known <= Stage::Rcpt),
            Stage::Data => self.def.stages.contains(&Stage::Data),
            Stage::Outcome => false,
        }
    }
}

/// Everything that decides, but for facts and answers.
pub struct Policy {
    generation: u64,
    settings: Settings,
    pub(super) steps: Vec<Step>,
    /// The place in `steps` before which rcpthosts stands.
    pub(super) rcpthosts: usize,
    files: Vec<LoadedFile>,
    lists: files::Settings,
    dns_lists: Vec<Declared>,
    resolvers: Vec<String>,
    pub(super) score: Template,
    pub(super) counters: EngineCounters,
}

impl Policy {
    /// Builds everything from the configuration, reading the files it names. Gives all faults at once, in file order.
    /// Install the metrics recorder before: handles are resolved here.
    pub fn build(document: &Document, generation: u64) -> Result<Self, Vec<Fault>> {
        Self::build_from(document, generation, Files::default())
    }

    /// The same, sharing what has not changed with the policy that `files` comes after.
    pub fn build_from(document: &Document, generation: u64, files: Files) -> Result<Self, Vec<Fault>> {
        let build = |files| {
            let faults = RefCell::default();
            refuse_unknown_sections(document, &faults);
            Self::assemble(checks::ALL, document, (generation, files), faults)
        };
        let again = files.clone();
        build(files).or_else(|faults| match again.holding_back(&faults) {
            // One of our domains may be at odds with a list: that costs the news of our domains, and nothing else.
            Some(files) => build(files).map_err(|_| faults),
            None => Err(faults),
        })
    }

    /// The same over any list of checks.
    pub(super) fn assemble(
        defs: &[&'static Def],
        document: &Document,
        (generation, mut files): (u64, Files),
        faults: RefCell<Vec<Fault>>,
    ) -> Result<Self, Vec<Fault>> {
        let (mut dns_lists, mut settled) = (Vec::new(), Settled::default());
        let lists = files::Settings::read(document, &faults);
        files.set_guard(lists.guard);
        let settings = Settings::read(document, &mut files, &faults);
        let resolvers = dns::Config::read(document, &faults).names();
        let mut steps = Vec::with_capacity(defs.len());
        // Those that settle something for others are built first.
        let settles = |def: &Def| checks::SETTLING.contains(&def.name);
        let mut places: Vec<(usize, &'static Def)> = defs.iter().copied().enumerate().collect();
        places.sort_by_key(|(_, def)| !settles(def));
        for (place, def) in places {
            let common = common_fields(def);
            let path = format!("check.{}", def.name);
            let section = Section::new(document, &path, &[&common, def.fields], def.tables, &faults);
            let mut build = Build {
                check: def.name,
                mode: section.mode("mode"),
                control: &settings.control,
                resolvers: &resolvers,
                domains: &settings.domains,
                own_addresses: &settings.own_addresses,
                defer_at: settings.defer_at,
                files: &mut files,
                dns_lists: &mut dns_lists,
                settled: &mut settled,
            };
            steps.push(Step::build(place, def, &section, &mut build));
        }
        steps.sort_by_key(|step| step.place);
        if steps.iter().any(|step| step.voiced_now.contains(&true)) {
            steps.iter_mut().for_each(|step| step.spares_early = step.check.spares_early());
        }
        let faults = faults.into_inner();
        if !faults.is_empty() {
            return Err(Fault::sorted(faults));
        }
        let speaks_after = |step: &Step| step.def.stages.first().is_some_and(|&stage| stage >= Stage::Rcpt);
        let rcpthosts = steps.iter().position(speaks_after).unwrap_or(steps.len());
        let (score, counters) = (Template::of_rule(&SCORE), EngineCounters::new());
        let place_of =
            |file: &LoadedFile| defs.iter().position(|def| def.name == file.check).map_or(0, |place| place + 1);
        let mut files = files.into_loaded();
        files.sort_by_key(place_of);
        Ok(Self { generation, settings, steps, rcpthosts, files, lists, dns_lists, resolvers, score, counters })
    }

    /// Number of this policy since the start: 1 is the first.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Every file it was built from.
    pub fn files(&self) -> &[LoadedFile] {
        &self.files
    }

    /// `[lists]`.
    pub fn lists(&self) -> files::Settings {
        self.lists
    }

    /// The DNS lists its checks ask.
    pub fn dns_lists(&self) -> &[Declared] {
        &self.dns_lists
    }

    /// Oddities that keep nothing from being used, a line each: of its files, and lists that are known to be gone.
    pub fn warnings(&self) -> Vec<String> {
        let of_file = |file: &LoadedFile| {
            let path = file.path.display().to_string();
            file.warnings.clone().into_iter().map(move |warning| format!("{path}: {warning}"))
        };
        let of_files = self.files.iter().flat_map(of_file);
        let dead = |list: &Declared| Some(format!("{}: {}", list.name, gone(list.zone.expose())?));
        of_files.chain(self.dns_lists.iter().filter_map(dead)).collect()
    }

    /// `[policy]`.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Names of the resolvers its checks refer to. They must be those the process started with.
    pub fn resolvers(&self) -> &[String] {
        &self.resolvers
    }

    /// A check by its name.
    pub fn check(&self, name: &str) -> Option<&dyn Check> {
        self.steps.iter().find(|step| step.def.name == name).map(|step| &*step.check)
    }

    /// Which check speaks at which stage, in order of precedence: `tollgate pipeline`.
    pub fn table(&self) -> String {
        table::of(self)
    }
}

fn rule_index(def: &Def, key: &str, name: &str, section: &Section<'_>) -> Option<usize> {
    let found = def.rules.iter().position(|rule| rule.name == name);
    if found.is_none() {
        let names: Vec<&str> = def.rules.iter().map(|rule| rule.name).collect();
        section.fault(key, format!("{name} is no rule of this check: {}", spelling::expected(name, &names)));
    }
    found
}

fn voiced_now(def: &Def, section: &Section<'_>) -> Vec<bool> {
    let now = section.choice("voice") == "now";
    let names = section.texts("voice_rules");
    if !now && !names.is_empty() {
        section.fault("voice_rules", "has no effect without voice = \"now\"");
    }
    if now && !def.stages.iter().any(|&stage| stage < Stage::Rcpt) {
        section.fault("voice", "this check knows nothing before RCPT: expected \"rcpt\"");
    }
    let chosen: Vec<usize> = names.iter().filter_map(|name| rule_index(def, "voice_rules", name, section)).collect();
    (0..def.rules.len()).map(|rule| now && (chosen.is_empty() || chosen.contains(&rule))).collect()
}

fn templates(def: &Def, section: &Section<'_>) -> Vec<Template> {
    let mut templates: Vec<Template> = def.rules.iter().map(Template::of_rule).collect();
    for (name, written) in section.text_map("reply") {
        let Some(rule) = rule_index(def, "reply", &name, section) else { continue };
        match templates[rule].clone().replaced(&written) {
            Ok(template) => templates[rule] = template,
            Err(error) => section.fault("reply", format!("{name}: {error}")),
        }
    }
    templates
}
