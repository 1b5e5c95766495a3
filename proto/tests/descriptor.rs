//! Does a change of the protocol break a client or server of an older release? The committed descriptor says what was
//! promised: nothing in it may be removed, renamed, renumbered or retyped. Additions are written down with
//! `TOLLGATE_BLESS=1 cargo test -p tollgate-proto`.

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use std::{collections::BTreeSet, fs, path::Path};

const SNAPSHOT: &str = "tollgate.v1.descriptor.txt";

/// Every promise as one line.
fn promises(set: &FileDescriptorSet) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for file in &set.file {
        let package = file.package();
        file.message_type.iter().for_each(|message| of_message(package, message, &mut lines));
        file.enum_type.iter().for_each(|values| of_enum(package, values, &mut lines));
        file.service.iter().for_each(|service| of_service(package, service, &mut lines));
    }
    lines
}

fn of_message(scope: &str, message: &DescriptorProto, lines: &mut BTreeSet<String>) {
    let name = format!("{scope}.{}", message.name());
    lines.insert(format!("message {name}"));
    for field in &message.field {
        let label = match field.label() {
            Label::Repeated => "repeated ",
            Label::Required => "required ",
            Label::Optional if field.proto3_optional() => "optional ",
            Label::Optional => "",
        };
        let kind = match field.r#type() {
            Type::Message | Type::Enum | Type::Group => field.type_name().trim_start_matches('.').to_owned(),
            scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
        };
        lines.insert(format!("field {name}.{} = {} {label}{kind}", field.name(), field.number()));
    }
    message.nested_type.iter().for_each(|nested| of_message(&name, nested, lines));
    message.enum_type.iter().for_each(|nested| of_enum(&name, nested, lines));
}

fn of_enum(scope: &str, values: &EnumDescriptorProto, lines: &mut BTreeSet<String>) {
    for value in &values.value {
        lines.insert(format!("value {scope}.{}.{} = {}", values.name(), value.name(), value.number()));
    }
}

fn of_service(scope: &str, service: &ServiceDescriptorProto, lines: &mut BTreeSet<String>) {
    for method in &service.method {
        let stream = |is_stream| if is_stream { "stream " } else { "" };
        lines.insert(format!(
            "rpc {scope}.{}.{} ({}{}) returns ({}{})",
            service.name(),
            method.name(),
            stream(method.client_streaming()),
            method.input_type().trim_start_matches('.'),
            stream(method.server_streaming()),
            method.output_type().trim_start_matches('.'),
        ));
    }
}

/// What was promised and is not kept.
fn broken<'a>(promised: &'a BTreeSet<String>, kept: &'a BTreeSet<String>) -> Vec<&'a str> {
    promised.difference(kept).map(String::as_str).collect()
}

fn current() -> FileDescriptorSet {
    FileDescriptorSet::decode(tollgate_proto::FILE_DESCRIPTOR_SET).expect("the descriptor built with this crate")
}

fn committed() -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(SNAPSHOT)).unwrap_or_default();
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(ToOwned::to_owned).collect()
}

#[test]
fn no_promise_is_broken() {
    let (promised, kept) = (committed(), promises(&current()));
    assert_eq!(broken(&promised, &kept), Vec::<&str>::new(), "removed, renamed, renumbered or retyped");
    if std::env::var_os("TOLLGATE_BLESS").is_some() {
        let mut text =
            "# What the protocol promises; nothing in here may change. Additions: TOLLGATE_BLESS=1.\n".to_owned();
        kept.iter().for_each(|line| text += &format!("{line}\n"));
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(SNAPSHOT), text).expect("writes");
        return;
    }
    assert_eq!(broken(&kept, &promised), Vec::<&str>::new(), "new: write them down with TOLLGATE_BLESS=1");
}

/// A change of the protocol.
type Edit<'a> = &'a dyn Fn(&mut FileDescriptorSet);

/// The check itself: each kind of breach must be seen, and an addition must not.
#[test]
fn every_kind_of_breach_is_seen() {
    let promised = promises(&current());
    let change = |edit: Edit<'_>| {
        let mut set = current();
        edit(&mut set);
        promises(&set)
    };
    fn verdict(set: &mut FileDescriptorSet) -> &mut DescriptorProto {
        let mut messages = set.file.iter_mut().flat_map(|file| &mut file.message_type);
        messages.find(|message| message.name() == "Verdict").expect("Verdict")
    }
    let breaches: [(&str, Edit<'_>); 6] = [
        ("removed", &|set| drop(verdict(set).field.remove(0))),
        ("renumbered", &|set| verdict(set).field[1].number = Some(99)),
        ("renamed", &|set| verdict(set).field[1].name = Some("kode".to_owned())),
        ("retyped", &|set| verdict(set).field[1].set_type(Type::String)),
        ("repeated", &|set| verdict(set).field[1].set_label(Label::Repeated)),
        ("a method removed", &|set| {
            set.file.iter_mut().flat_map(|file| &mut file.service).for_each(|service| drop(service.method.pop()));
        }),
    ];
    for (what, edit) in breaches {
        assert!(!broken(&promised, &change(edit)).is_empty(), "{what}");
    }
    let added = change(&|set| {
        let mut field = verdict(set).field[0].clone();
        (field.name, field.number) = (Some("more".to_owned()), Some(100));
        verdict(set).field.push(field);
    });
    assert!(broken(&promised, &added).is_empty() && !broken(&added, &promised).is_empty());
}
