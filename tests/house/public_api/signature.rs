//! Types, bounds and signatures of rustdoc's JSON as source text with short names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The elements of an array, none where there is no array.
pub(super) fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The name of a variant in JSON and what it holds: `{"tuple": []}`, or a text alone.
pub(super) fn entry(value: &Value) -> (&str, &Value) {
    match value.as_object().and_then(|object| object.iter().next()) {
        Some((name, inner)) => (name, inner),
        None => (text(value), &Value::Null),
    }
}

/// How items are called in a line.
pub(super) struct Names<'a> {
    paths: &'a Value,
    local: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

impl<'a> Names<'a> {
    /// With the names of the crate's own items by their ids.
    pub(super) fn new(crate_: &'a Value, local: BTreeMap<String, String>) -> Self {
        Self { paths: &crate_["paths"], taken: local.values().cloned().collect(), local }
    }

    pub(super) fn is_local(&self, id: &Value) -> bool {
        self.local.contains_key(&id.to_string())
    }

    /// An item of this crate or of std by its name alone, one of another crate with that crate's. `Error` is this crate's,
    /// and `io::Error` is not.
    pub(super) fn path(&self, value: &Value) -> String {
        let id = value["id"].to_string();
        let written = text(&value["path"]).rsplit("::").next().unwrap_or_default();
        let whole: Vec<_> = array(&self.paths[&id]["path"]).map(text).collect();
        let name =
            match (self.local.get(&id), whole.as_slice()) {
                (Some(name), _) => name.clone(),
                (None, [from @ .., module, name])
                    if ["std", "core", "alloc"].contains(from.first().unwrap_or(module)) =>
                {
                    if self.taken.contains(*name) { format!("{module}::{name}") } else { (*name).to_owned() }
                }
                (None, ["provider_auth", .., name]) => (*name).to_owned(),
                (None, [from, .., name]) => format!("{from}::{name}"),
                (None, _) => written.to_owned(),
            };
        name + &self.arguments(&value["args"])
    }

    fn arguments(&self, value: &Value) -> String {
        let (kind, inner) = entry(value);
        if kind == "parenthesized" {
            let inputs: Vec<_> = array(&inner["inputs"]).map(|input| self.type_(input)).collect();
            return format!("({}){}", inputs.join(", "), self.output(&inner["output"]));
        }
        let given = array(&inner["args"]).map(|arg| match entry(arg) {
            ("lifetime", name) => text(name).to_owned(),
            ("type", type_) => self.type_(type_),
            ("const", value) => text(&value["expr"]).to_owned(),
            _ => "_".to_owned(),
        });
        let bound = array(&inner["constraints"]).map(|constraint| {
            let name = text(&constraint["name"]);
            match entry(&constraint["binding"]) {
                ("equality", term) => format!("{name} = {}", self.type_(&term["type"])),
                (_, bounds) => format!("{name}: {}", self.bounds(bounds)),
            }
        });
        let all: Vec<_> = given.chain(bound).collect();
        if all.is_empty() { String::new() } else { format!("<{}>", all.join(", ")) }
    }

    fn output(&self, value: &Value) -> String {
        if value.is_null() { String::new() } else { format!(" -> {}", self.type_(value)) }
    }

    pub(super) fn type_(&self, value: &Value) -> String {
        let (kind, inner) = entry(value);
        let lifetime = |value: &Value| value.as_str().map(|name| format!("{name} ")).unwrap_or_default();
        let mutable = |value: &Value| if *value == true { "mut " } else { "" };
        match kind {
            "resolved_path" => self.path(inner),
            "generic" | "primitive" => text(inner).to_owned(),
            "tuple" => format!("({})", array(inner).map(|part| self.type_(part)).collect::<Vec<_>>().join(", ")),
            "slice" => format!("[{}]", self.type_(inner)),
            "array" => format!("[{}; {}]", self.type_(&inner["type"]), text(&inner["len"])),
            "impl_trait" => format!("impl {}", self.bounds(inner)),
            "dyn_trait" => {
                let traits =
                    array(&inner["traits"]).map(|one| for_(&one["generic_params"]) + &self.path(&one["trait"]));
                let all: Vec<_> = traits.chain(inner["lifetime"].as_str().map(str::to_owned)).collect();
                format!("dyn {}", all.join(" + "))
            }
            "borrowed_ref" => {
                let type_ = self.type_(&inner["type"]);
                format!("&{}{}{type_}", lifetime(&inner["lifetime"]), mutable(&inner["is_mutable"]))
            }
            "raw_pointer" => {
                let word = if inner["is_mutable"] == true { "mut" } else { "const" };
                format!("*{word} {}", self.type_(&inner["type"]))
            }
            "qualified_path" => {
                let (of, name) = (self.type_(&inner["self_type"]), text(&inner["name"]));
                match &inner["trait"] {
                    Value::Null => format!("{of}::{name}"),
                    trait_ if of == "Self" || text(&trait_["path"]).is_empty() => format!("{of}::{name}"),
                    trait_ => format!("<{of} as {}>::{name}", self.path(trait_)),
                }
            }
            "function_pointer" => {
                let inputs: Vec<_> = array(&inner["sig"]["inputs"]).map(|input| self.type_(&input[1])).collect();
                format!("fn({}){}", inputs.join(", "), self.output(&inner["sig"]["output"]))
            }
            // What this crate has not had.
            _ => value.to_string(),
        }
    }

    pub(super) fn bounds(&self, value: &Value) -> String {
        let each = array(value).map(|bound| match entry(bound) {
            ("trait_bound", inner) => {
                let maybe = if inner["modifier"] == "maybe" { "?" } else { "" };
                format!("{maybe}{}{}", for_(&inner["generic_params"]), self.path(&inner["trait"]))
            }
            ("outlives", name) => text(name).to_owned(),
            // The lifetimes that a type captures.
            ("use", names) => {
                let names = array(names).map(|name| text(entry(name).1));
                format!("use<{}>", names.collect::<Vec<_>>().join(", "))
            }
            _ => bound.to_string(),
        });
        each.collect::<Vec<_>>().join(" + ")
    }

    /// The parameters of an item. Those of `impl Trait` are told with the arguments.
    pub(super) fn generics(&self, value: &Value) -> String {
        let params = array(&value["params"]).filter(|param| param["kind"]["type"]["is_synthetic"] != true);
        let each: Vec<_> = params.map(|param| self.param(param)).collect();
        if each.is_empty() { String::new() } else { format!("<{}>", each.join(", ")) }
    }

    fn param(&self, param: &Value) -> String {
        let name = text(&param["name"]);
        let (kind, inner) = entry(&param["kind"]);
        let bounds = match kind {
            "lifetime" => array(&inner["outlives"]).map(text).collect::<Vec<_>>().join(" + "),
            "const" => return format!("const {name}: {}", self.type_(&inner["type"])),
            _ => self.bounds(&inner["bounds"]),
        };
        let colon = if bounds.is_empty() { "" } else { ": " };
        let default = match &inner["default"] {
            Value::Null => String::new(),
            type_ => format!(" = {}", self.type_(type_)),
        };
        format!("{name}{colon}{bounds}{default}")
    }

    pub(super) fn where_(&self, value: &Value) -> String {
        let each = array(&value["where_predicates"]).map(|predicate| match entry(predicate) {
            ("bound_predicate", inner) => {
                let open = for_(&inner["generic_params"]);
                format!("{open}{}: {}", self.type_(&inner["type"]), self.bounds(&inner["bounds"]))
            }
            ("lifetime_predicate", inner) => {
                let longer: Vec<_> = array(&inner["outlives"]).map(text).collect();
                format!("{}: {}", text(&inner["lifetime"]), longer.join(" + "))
            }
            _ => predicate.to_string(),
        });
        let each: Vec<_> = each.collect();
        if each.is_empty() { String::new() } else { format!(" where {}", each.join(", ")) }
    }

    pub(super) fn function(&self, inner: &Value, path: &str) -> String {
        let header = &inner["header"];
        let word = |key: &str, word| if header[key] == true { word } else { "" };
        let words = [word("is_const", "const "), word("is_async", "async "), word("is_unsafe", "unsafe ")].concat();
        let inputs = array(&inner["sig"]["inputs"]).map(|input| {
            let (name, type_) = (text(&input[0]), self.type_(&input[1]));
            match type_.strip_suffix("Self") {
                Some(before) if name == "self" && !before.contains('<') => format!("{before}self"),
                _ => format!("{name}: {type_}"),
            }
        });
        let (inputs, generics) = (inputs.collect::<Vec<_>>().join(", "), self.generics(&inner["generics"]));
        let (output, bounds) = (self.output(&inner["sig"]["output"]), self.where_(&inner["generics"]));
        format!("{words}fn {path}{generics}({inputs}){output}{bounds}")
    }
}

/// The lifetimes that a bound holds for.
fn for_(params: &Value) -> String {
    let names: Vec<_> = array(params).map(|param| text(&param["name"])).collect();
    if names.is_empty() { String::new() } else { format!("for<{}> ", names.join(", ")) }
}
