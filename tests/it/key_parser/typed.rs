//! Derived types whose keys are read back.

use ring_cache::RingKey;

use super::schema::{Schema, Value};

/// A type with a shape that can be made from a value of this shape.
pub(crate) trait Shaped {
    fn schema() -> Schema;
    fn of(value: Value) -> Self;
}

#[derive(Clone, Debug, RingKey)]
#[ring_key(prefix = "account")]
pub(crate) struct Account {
    pub(crate) id: i128,
    pub(crate) owner: Owner,
    #[ring_key(rename = "tag")]
    pub(crate) tags: Vec<String>,
    pub(crate) note: Option<String>,
    pub(crate) balance: f64,
    pub(crate) page: Page,
    pub(crate) raw: Vec<u8>,
    #[ring_key(skip)]
    pub(crate) _cached: (),
}

impl Account {
    /// All but the owner.
    pub(crate) fn rest(&self) -> Account {
        Account {
            owner: Owner::Nobody,
            ..self.clone()
        }
    }
}

#[derive(Clone, Debug, RingKey)]
#[ring_key(prefix = "page")]
pub(crate) struct Page {
    pub(crate) url: String,
}

#[derive(Clone, Debug, RingKey)]
pub(crate) enum Owner {
    Nobody,
    Person(String),
    Company {
        name: String,
        #[ring_key(rename = "vat")]
        number: i128,
    },
    Trustee(Box<Owner>, bool),
}

impl Shaped for Account {
    fn schema() -> Schema {
        let note = vec![("None", vec![]), ("Some", vec![(None, Schema::Text)])];
        let fields = [
            ("id", Schema::Whole),
            ("owner", owner(3)),
            ("tag", Schema::List(Box::new(Schema::Text))),
            ("note", Schema::Choice(note)),
            ("balance", Schema::Float),
            ("page", Schema::Labelled("page", Box::new(Schema::Text))),
            ("raw", Schema::Bytes),
        ];
        let fields = fields.map(|(label, schema)| (Some(label), schema));
        Schema::Group("account", fields.into())
    }

    fn of(value: Value) -> Self {
        let [id, owner, tags, note, balance, page, raw] = many(value);
        Account {
            id: whole(id),
            owner: Owner::of(owner),
            tags: list(tags).into_iter().map(text).collect(),
            note: match note {
                Value::Chosen(0, _) => None,
                Value::Chosen(_, fields) => Some(text(fields[0].clone())),
                other => unreachable!("{other:?}"),
            },
            balance: match balance {
                Value::Float(bits) => f64::from_bits(bits),
                other => unreachable!("{other:?}"),
            },
            page: Page { url: text(page) },
            raw: match raw {
                Value::Bytes(bytes) => bytes,
                other => unreachable!("{other:?}"),
            },
            _cached: (),
        }
    }
}

/// Owners of owners down to a depth.
fn owner(depth: usize) -> Schema {
    let trustee = match depth {
        0 => vec![],
        _ => vec![(None, owner(depth - 1)), (None, Schema::Bool)],
    };
    let company = vec![(Some("name"), Schema::Text), (Some("vat"), Schema::Whole)];
    Schema::Choice(vec![
        ("Nobody", vec![]),
        ("Person", vec![(None, Schema::Text)]),
        ("Trustee", trustee),
        ("Company", company),
    ])
}

impl Owner {
    fn of(value: Value) -> Self {
        match value {
            Value::Chosen(0, _) => Owner::Nobody,
            Value::Chosen(1, fields) => Owner::Person(text(fields[0].clone())),
            Value::Chosen(2, fields) => {
                let Value::Bool(sole) = fields[1] else {
                    unreachable!()
                };
                Owner::Trustee(Box::new(Owner::of(fields[0].clone())), sole)
            }
            Value::Chosen(_, fields) => Owner::Company {
                name: text(fields[0].clone()),
                number: whole(fields[1].clone()),
            },
            other => unreachable!("{other:?}"),
        }
    }
}

fn many<const N: usize>(value: Value) -> [Value; N] {
    list(value).try_into().expect("the schema's number of fields")
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Many(values) => values,
        other => unreachable!("{other:?}"),
    }
}

fn whole(value: Value) -> i128 {
    match value {
        Value::Whole(value) => value,
        other => unreachable!("{other:?}"),
    }
}

fn text(value: Value) -> String {
    match value {
        Value::Text(text) => text,
        other => unreachable!("{other:?}"),
    }
}
