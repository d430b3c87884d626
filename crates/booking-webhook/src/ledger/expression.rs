//! The one builder of DynamoDB updates: what is set, added and removed, on which condition. Names and values get placeholders of their
//! own, so no attribute can be a reserved word and no value can be taken for an expression.

use std::collections::HashMap;

use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};

use super::number;

/// An update of one item.
#[derive(Debug, Clone, Default)]
pub(super) struct Update {
    set: Vec<Assignment>,
    add: Vec<(&'static str, AttributeValue)>,
    remove: Vec<&'static str>,
    condition: Option<Condition>,
}

/// Right-hand sides read the item as it was before the update.
#[derive(Debug, Clone)]
enum Assignment {
    Value(&'static str, AttributeValue),
    /// Only if the attribute does not exist.
    IfAbsent(&'static str, AttributeValue),
    /// Another attribute's value before the update, or a default.
    Copy {
        to: &'static str,
        from: &'static str,
        or: AttributeValue,
    },
    /// Another attribute's value before the update, and one more.
    OneMoreThan {
        to: &'static str,
        from: &'static str,
    },
    /// At the end of a list, which begins empty.
    Append(&'static str, AttributeValue),
}

/// What must hold of the item before the update.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    Absent(&'static str),
    Present(&'static str),
    Compare(&'static str, &'static str, AttributeValue),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Condition {
    pub(super) fn equal(attribute: &'static str, value: AttributeValue) -> Self {
        Self::Compare(attribute, "=", value)
    }

    pub(super) fn less(attribute: &'static str, value: AttributeValue) -> Self {
        Self::Compare(attribute, "<", value)
    }

    pub(super) fn at_most(attribute: &'static str, value: AttributeValue) -> Self {
        Self::Compare(attribute, "<=", value)
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self::All(vec![self, other])
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self::Any(vec![self, other])
    }
}

impl Update {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn set(mut self, attribute: &'static str, value: AttributeValue) -> Self {
        self.set.push(Assignment::Value(attribute, value));
        self
    }

    pub(super) fn set_if_absent(mut self, attribute: &'static str, value: AttributeValue) -> Self {
        self.set.push(Assignment::IfAbsent(attribute, value));
        self
    }

    pub(super) fn copy(mut self, to: &'static str, from: &'static str, or: AttributeValue) -> Self {
        self.set.push(Assignment::Copy { to, from, or });
        self
    }

    pub(super) fn set_one_more_than(mut self, to: &'static str, from: &'static str) -> Self {
        self.set.push(Assignment::OneMoreThan { to, from });
        self
    }

    /// Adds an element to the end of a list.
    pub(super) fn append(mut self, attribute: &'static str, element: AttributeValue) -> Self {
        self.set.push(Assignment::Append(attribute, element));
        self
    }

    /// Adds one to a number, which counts from 0.
    pub(super) fn increment(self, attribute: &'static str) -> Self {
        self.add(attribute, number(1))
    }

    /// Adds to a number or to a set.
    pub(super) fn add(mut self, attribute: &'static str, value: AttributeValue) -> Self {
        self.add.push((attribute, value));
        self
    }

    pub(super) fn remove(mut self, attributes: &[&'static str]) -> Self {
        self.remove.extend(attributes);
        self
    }

    /// The update happens only if `condition` holds too.
    pub(super) fn on(mut self, condition: Condition) -> Self {
        self.condition = Some(match self.condition.take() {
            Some(before) => before.and(condition),
            None => condition,
        });
        self
    }

    /// Writes it into a request.
    pub(super) fn apply(&self, request: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        let mut placeholders = Placeholders::default();
        let (expression, condition) = self.write(&mut placeholders);
        request
            .update_expression(expression)
            .set_condition_expression(condition)
            .set_expression_attribute_names(Some(placeholders.names))
            .set_expression_attribute_values((!placeholders.values.is_empty()).then_some(placeholders.values))
    }

    fn write(&self, placeholders: &mut Placeholders) -> (String, Option<String>) {
        let set: Vec<String> = self.set.iter().map(|assignment| assignment.write(placeholders)).collect();
        let add: Vec<String> = self
            .add
            .iter()
            .map(|(attribute, value)| format!("{} {}", placeholders.name(attribute), placeholders.value(value)))
            .collect();
        let remove: Vec<String> = self.remove.iter().map(|attribute| placeholders.name(attribute)).collect();
        let clauses = [("SET", set), ("ADD", add), ("REMOVE", remove)];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        let expression: Vec<String> = clauses.map(|(verb, parts)| format!("{verb} {}", parts.join(", "))).collect();
        (expression.join(" "), self.condition.as_ref().map(|condition| condition.write(placeholders)))
    }
}

impl Assignment {
    fn write(&self, placeholders: &mut Placeholders) -> String {
        match self {
            Self::Value(to, value) => format!("{} = {}", placeholders.name(to), placeholders.value(value)),
            Self::IfAbsent(to, value) => {
                let (to, value) = (placeholders.name(to), placeholders.value(value));
                format!("{to} = if_not_exists({to}, {value})")
            }
            Self::Copy { to, from, or } => {
                let (to, from, or) = (placeholders.name(to), placeholders.name(from), placeholders.value(or));
                format!("{to} = if_not_exists({from}, {or})")
            }
            Self::OneMoreThan { to, from } => {
                let (to, from) = (placeholders.name(to), placeholders.name(from));
                let (zero, one) = (placeholders.value(&number(0)), placeholders.value(&number(1)));
                format!("{to} = if_not_exists({from}, {zero}) + {one}")
            }
            Self::Append(to, element) => {
                let (to, list) = (placeholders.name(to), |elements| AttributeValue::L(elements));
                let (nothing, one) =
                    (placeholders.value(&list(Vec::new())), placeholders.value(&list(vec![element.clone()])));
                format!("{to} = list_append(if_not_exists({to}, {nothing}), {one})")
            }
        }
    }
}

impl Condition {
    fn write(&self, placeholders: &mut Placeholders) -> String {
        let mut join = |conditions: &[Self], with: &str| {
            let parts: Vec<String> = conditions.iter().map(|condition| condition.write(placeholders)).collect();
            format!("({})", parts.join(with))
        };
        match self {
            Self::All(conditions) => join(conditions, " AND "),
            Self::Any(conditions) => join(conditions, " OR "),
            Self::Absent(attribute) => format!("attribute_not_exists({})", placeholders.name(attribute)),
            Self::Present(attribute) => format!("attribute_exists({})", placeholders.name(attribute)),
            Self::Compare(attribute, operator, value) => {
                format!("{} {operator} {}", placeholders.name(attribute), placeholders.value(value))
            }
        }
    }
}

/// DynamoDB refuses a placeholder that is not used, and one that stands for two things.
#[derive(Debug, Default)]
struct Placeholders {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Placeholders {
    fn name(&mut self, attribute: &str) -> String {
        let placeholder = format!("#{attribute}");
        self.names.insert(placeholder.clone(), attribute.to_owned());
        placeholder
    }

    fn value(&mut self, value: &AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value.clone());
        placeholder
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::text;

    #[test]
    fn an_update_is_written_with_placeholders_of_its_own() {
        let update = Update::new()
            .set("holder", text("h"))
            .set_if_absent("charter_id", text("c"))
            .copy("previous_holder", "holder", text("nobody"))
            .set_one_more_than("decided_seq", "seq")
            .append("acts", text("a"))
            .increment("seq")
            .remove(&["due", "due_at"])
            .on(Condition::Absent("seq").or(Condition::less("changed_at", text("t"))))
            .on(Condition::equal("fence", number(3)));
        let mut placeholders = Placeholders::default();
        let (expression, condition) = update.write(&mut placeholders);
        assert_eq!(
            expression,
            "SET #holder = :v0, #charter_id = if_not_exists(#charter_id, :v1), #previous_holder = if_not_exists(#holder, :v2), \
             #decided_seq = if_not_exists(#seq, :v3) + :v4, #acts = list_append(if_not_exists(#acts, :v5), :v6) ADD #seq :v7 REMOVE #due, #due_at"
        );
        assert_eq!(condition.as_deref(), Some("((attribute_not_exists(#seq) OR #changed_at < :v8) AND #fence = :v9)"));
        assert_eq!((placeholders.names.len(), placeholders.values.len()), (10, 10));
        assert_eq!(placeholders.names["#seq"], "seq");
    }
}
