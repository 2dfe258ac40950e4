//! The public items of rustdoc's JSON, one line each.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::signature::{Names, array, entry, text};

/// A line and what it is sorted by: what belongs to a type stands below it.
type Line = (String, String);

/// The lines for all that users can name, sorted.
pub(super) fn lines(crate_: &Value) -> Vec<String> {
    let homes = homes(crate_);
    let local = homes.iter().map(|(id, path)| (id.clone(), path.rsplit("::").next().unwrap_or_default().to_owned()));
    let names = Names::new(crate_, local.collect());
    let mut found = Vec::new();
    for (id, path) in &homes {
        item(crate_, &names, id, path, &mut found);
    }
    for (path, target, source) in uses(crate_) {
        match homes.get(&target) {
            Some(home) if *home == path => {}
            Some(home) => found.push((path.clone(), format!("use {path} = {home}"))),
            None => found.push((path.clone(), format!("use {path} = {source}"))),
        }
    }
    found.sort();
    found.dedup();
    found.into_iter().map(|(_, line)| line).collect()
}

fn id_of(value: &Value) -> String {
    value.to_string()
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}::{name}") }
}

/// Every public path: the path, the id of what stands there, and where a re-export says it is from. Modules come before
/// those in them, so that the shorter of two paths is met first.
fn uses(crate_: &Value) -> Vec<(String, String, String)> {
    let mut found: Vec<(String, String, String)> = Vec::new();
    let mut modules = VecDeque::from([(id_of(&crate_["root"]), String::new())]);
    while let Some((module, path)) = modules.pop_front() {
        for child in array(&crate_["index"][&module]["inner"]["module"]["items"]) {
            let item = &crate_["index"][&id_of(child)];
            let (kind, inner) = entry(&item["inner"]);
            match kind {
                "module" => modules.push_back((id_of(child), joined(&path, text(&item["name"])))),
                "use" if inner["is_glob"] == true => modules.push_back((id_of(&inner["id"]), path.clone())),
                "use" => {
                    let at = joined(&path, text(&inner["name"]));
                    found.push((at, id_of(&inner["id"]), text(&inner["source"]).to_owned()));
                    continue;
                }
                _ => {}
            }
            found.push((joined(&path, text(&item["name"])), id_of(child), String::new()));
        }
    }
    found.retain(|(path, _, _)| !path.is_empty());
    found
}

/// Where each item of the crate stands: of several paths the one with the fewest parts.
fn homes(crate_: &Value) -> BTreeMap<String, String> {
    let mut homes = BTreeMap::<String, String>::new();
    let parts = |path: &str| (path.split("::").count(), path.to_owned());
    for (path, id, _) in uses(crate_) {
        let kind = entry(&crate_["index"][&id]["inner"]).0;
        if !kind.is_empty() && kind != "use" {
            let home = homes.entry(id).or_insert_with(|| path.clone());
            if parts(&path) < parts(home) {
                *home = path;
            }
        }
    }
    homes
}

fn item(crate_: &Value, names: &Names<'_>, id: &str, path: &str, found: &mut Vec<Line>) {
    let item = &crate_["index"][id];
    let (kind, inner) = entry(&item["inner"]);
    let mut open = String::new();
    if !item["deprecation"].is_null() {
        open.push_str("deprecated ");
    }
    if array(&item["attrs"]).any(|attr| attr == "non_exhaustive") {
        open.push_str("non_exhaustive ");
    }
    let generics = names.generics(&inner["generics"]);
    let bounds = names.where_(&inner["generics"]);
    let mut push = |line: String| found.push((path.to_owned(), format!("{open}{line}")));
    match kind {
        "module" => push(format!("mod {path}")),
        "function" => push(names.function(inner, path)),
        "struct" => {
            let hidden = inner["kind"]["plain"]["has_stripped_fields"] == true
                || array(&inner["kind"]["tuple"]).any(Value::is_null);
            let end = if hidden { " { .. }" } else { "" };
            push(format!("struct {path}{generics}{bounds}{end}"));
        }
        "enum" => push(format!("enum {path}{generics}{bounds}")),
        "trait" => {
            let above = names.bounds(&inner["bounds"]);
            let colon = if above.is_empty() { "" } else { ": " };
            let object = if inner["is_dyn_compatible"] == true { "" } else { " (no dyn)" };
            push(format!("trait {path}{generics}{colon}{above}{bounds}{object}"));
        }
        "variant" => push(format!("variant {path}{}", variant(crate_, names, inner))),
        "struct_field" => push(format!("field {path}: {}", names.type_(inner))),
        "type_alias" => push(format!("type {path}{generics} = {}", names.type_(&inner["type"]))),
        "constant" | "assoc_const" | "static" => push(format!("{kind} {path}: {}", names.type_(&inner["type"]))),
        "assoc_type" => push(format!("type {path}: {}", names.bounds(&inner["bounds"]))),
        // A kind that this crate has not had: its path is kept at least.
        _ => push(format!("{kind} {path}")),
    }
    let fields = [&inner["kind"]["plain"]["fields"], &inner["kind"]["tuple"]].into_iter().flat_map(array);
    // A variant's line has its fields.
    let fields = fields.filter(|field| kind == "struct" && !field.is_null());
    for child in fields.chain(array(&inner["variants"])) {
        let name = text(&crate_["index"][&id_of(child)]["name"]);
        self::item(crate_, names, &id_of(child), &joined(path, name), found);
    }
    if kind == "trait" {
        for child in array(&inner["items"]) {
            let member = &crate_["index"][&id_of(child)];
            let required = entry(&member["inner"]).1["has_body"] == false;
            let mut lines = Vec::new();
            self::item(crate_, names, &id_of(child), &joined(path, text(&member["name"])), &mut lines);
            let mark = if required { " (required)" } else { "" };
            found.extend(lines.into_iter().map(|(key, line)| (key, line + mark)));
        }
        for implementation in array(&inner["implementations"]) {
            let inner = &crate_["index"][&id_of(implementation)]["inner"]["impl"];
            if inner["for"]["resolved_path"]["id"].is_null() || !names.is_local(&inner["for"]["resolved_path"]["id"]) {
                let for_ = names.type_(&inner["for"]);
                found.push((
                    format!("{path} "),
                    format!("impl{} {path} for {for_}", names.generics(&inner["generics"])),
                ));
            }
        }
    }
    implementations(crate_, names, id, path, found);
}

fn variant(crate_: &Value, names: &Names<'_>, inner: &Value) -> String {
    let field = |id: &Value| match &crate_["index"][&id_of(id)]["inner"]["struct_field"] {
        Value::Null => "_".to_owned(),
        type_ => names.type_(type_),
    };
    let (kind, fields) = entry(&inner["kind"]);
    match kind {
        "tuple" => format!("({})", array(fields).map(field).collect::<Vec<_>>().join(", ")),
        "struct" => {
            let whole = |id: &Value| format!("{}: {}", text(&crate_["index"][&id_of(id)]["name"]), field(id));
            let mut all: Vec<_> = array(&fields["fields"]).map(whole).collect();
            all.extend((fields["has_stripped_fields"] == true).then(|| "..".to_owned()));
            format!(" {{ {} }}", all.join(", "))
        }
        _ => String::new(),
    }
}

/// The methods of a type, and one line with the traits it has. Of those that the compiler decides on, what it has not.
fn implementations(crate_: &Value, names: &Names<'_>, id: &str, path: &str, found: &mut Vec<Line>) {
    let mut traits = Vec::new();
    for one in array(&entry(&crate_["index"][id]["inner"]).1["impls"]) {
        let inner = &crate_["index"][&id_of(one)]["inner"]["impl"];
        if inner["trait"].is_null() {
            for child in array(&inner["items"]) {
                let name = text(&crate_["index"][&id_of(child)]["name"]);
                item(crate_, names, &id_of(child), &joined(path, name), found);
            }
            continue;
        }
        let mut name = names.path(&inner["trait"]);
        if inner["is_negative"] == true {
            let told = ["Send", "Sync", "Unpin"].contains(&name.as_str());
            traits.extend(told.then(|| format!("!{name}")));
        }
        let own = inner["is_negative"] == false && inner["is_synthetic"] == false && inner["blanket_impl"].is_null();
        // What another type has of this one, such as `From`, stands among that type's own; what a reference has, here.
        let for_ = &inner["for"];
        let referred = if for_["borrowed_ref"].is_null() { for_ } else { &for_["borrowed_ref"]["type"] };
        let of = &referred["resolved_path"]["id"];
        if !own || name == "StructuralPartialEq" || (names.is_local(of) && id_of(of) != id) {
            continue;
        }
        for child in array(&inner["items"]) {
            let item = &crate_["index"][&id_of(child)];
            if let ("assoc_type", inner) = entry(&item["inner"]) {
                name = format!("{name} ({} = {})", text(&item["name"]), names.type_(&inner["type"]));
            }
        }
        if id_of(&for_["resolved_path"]["id"]) != id {
            name = format!("{name} for {}", names.type_(for_));
        }
        traits.push(name);
    }
    traits.sort();
    if !traits.is_empty() {
        found.push((format!("{path} "), format!("impl {path}: {}", traits.join(" + "))));
    }
}
