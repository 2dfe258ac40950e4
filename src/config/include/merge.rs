//! Merges included values with those beside or after them.

use std::collections::HashMap;

use crate::syntax::{Member, Node, Value};

/// Merges two values: objects member by member, lists by concatenation, otherwise the later value wins.
pub(super) fn merge<'t>(earlier: Node<'t>, later: Node<'t>) -> Node<'t> {
    let at = later.at;
    let value = match (earlier.value, later.value) {
        (Value::Array(items), Value::Array(more)) => {
            // The items stay where they are if there is room behind them.
            let mut items = items.into_vec();
            items.reserve_exact(more.len());
            items.extend(more);
            Value::Array(items.into())
        }
        (Value::Object(members), Value::Object(more)) => Value::Object(merge_members(members, more)),
        (_, value) => value,
    };
    Node { at, value }
}

fn merge_members<'t>(members: Box<[Member<'t>]>, more: Box<[Member<'t>]>) -> Box<[Member<'t>]> {
    let places: HashMap<String, usize> =
        members.iter().enumerate().map(|(place, member)| (member.key.clone().into_owned(), place)).collect();
    let mut merged: Vec<Option<Member<'t>>> = members.into_iter().map(Some).collect();
    for member in more {
        let known = places.get(member.key.as_ref()).and_then(|place| merged.get_mut(*place));
        match known {
            Some(slot) => {
                let node = match slot.take() {
                    Some(earlier) => merge(earlier.node, member.node),
                    None => member.node,
                };
                *slot = Some(Member { key: member.key, key_at: member.key_at, node });
            }
            None => merged.push(Some(member)),
        }
    }
    merged.into_iter().flatten().collect()
}
