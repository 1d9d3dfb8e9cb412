//! The crates that are compiled: twenty modules, each a service with ten methods.
//!
//! All have the same methods with the same bodies. Nine are blocking and one is async, awaited by a function that
//! returns a boxed future. They take none to three arguments (`u64`, `&str`, `String`, `Option<u32>` and a key type of
//! the crate) and return `u64`, `String`, `Vec<u8>`, a struct of the module, and `Option` and `Result` of these.
//!
//! With `#[ring]` they are methods with `&self`. `#[cached]` leaves `self` out of its keys, so there they are free
//! functions with the service as their first argument, which its default key clones: its user writes this by hand to
//! get the same answers. It is given the same capacity, which is our default.

use std::fmt::Write;
use std::path::Path;

pub(crate) const SERVICES: usize = 20;
pub(crate) const METHODS: usize = SERVICES * BODIES.len();

/// One way to cache the methods.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Contender {
    Ring,
    Cached,
    Plain,
}

/// A method of every service.
struct Method {
    name: &'static str,
    /// The arguments after the service.
    arguments: &'static str,
    output: &'static str,
    /// With `SHOP` in place of the service.
    body: &'static str,
}

const fn method(
    name: &'static str,
    arguments: &'static str,
    output: &'static str,
    body: &'static str,
) -> Method {
    Method {
        name,
        arguments,
        output,
        body,
    }
}

const BODIES: [Method; 10] = [
    method("total", "", "u64", "SHOP.id + SHOP.region.len() as u64"),
    method(
        "label",
        "number: u64",
        "String",
        r#"format!("{}-{number}", SHOP.region)"#,
    ),
    method(
        "image",
        "name: &str, size: u64",
        "Vec<u8>",
        "name.bytes().cycle().take(size as usize).collect()",
    ),
    method(
        "item",
        "number: u64",
        "Item",
        "Item { number, name: SHOP.region.clone() }",
    ),
    method(
        "load",
        "code: Code",
        "Result<Item, Missing>",
        "if code.number == 0 { return Err(Missing); } Ok(Item { number: code.number, name: code.text })",
    ),
    method(
        "find",
        "name: String",
        "Option<Item>",
        "(name != SHOP.region).then_some(Item { number: SHOP.id, name })",
    ),
    method(
        "page",
        "title: &str, number: u64, limit: Option<u32>",
        "String",
        r#"format!("{title} {number} of {}", limit.unwrap_or(10))"#,
    ),
    method(
        "price",
        "code: Code, limit: Option<u32>",
        "Result<u64, Missing>",
        "limit.map(|limit| code.number.min(u64::from(limit))).ok_or(Missing)",
    ),
    method(
        "count",
        "limit: Option<u32>",
        "u64",
        "limit.map_or(SHOP.id, u64::from)",
    ),
    method(
        "fetch",
        "number: u64",
        "Option<String>",
        "SHOP.answer(number).await",
    ),
];

impl Contender {
    pub(crate) const ALL: [Contender; 3] = [Contender::Ring, Contender::Cached, Contender::Plain];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Contender::Ring => "#[ring_impl], #[ring]",
            Contender::Cached => "#[cached(max_size = 128)]",
            Contender::Plain => "without a cache",
        }
    }

    pub(crate) fn package(self) -> &'static str {
        match self {
            Contender::Ring => "with_ring",
            Contender::Cached => "with_cached",
            Contender::Plain => "without_cache",
        }
    }

    /// `root` is the folder of our own sources.
    pub(crate) fn manifest(self, root: &Path) -> String {
        let dependency = match self {
            Contender::Ring => format!("ring-cache = {{ path = {root:?} }}"),
            Contender::Cached => r#"cached = { version = "4", features = ["async"] }"#.to_owned(),
            Contender::Plain => String::new(),
        };
        let package = self.package();
        format!(
            "[package]\nname = \"{package}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependency}\n"
        )
    }

    /// The source of the crate's root, which the modules share.
    pub(crate) fn root(self) -> String {
        let (key, import) = (self.key_derives(), self.import("RingKey", None));
        let mut text = format!(
            "{import}
#[derive({key})]
pub struct Code {{
    pub number: u64,
    pub text: String,
}}

#[derive(Clone, Debug)]
pub struct Missing;

"
        );
        for number in 0..SERVICES {
            writeln!(text, "pub mod shop{number};").expect("text");
        }
        text
    }

    /// One service.
    pub(crate) fn module(self, number: usize) -> String {
        let shop = format!("Shop{number}");
        let (key, import) = (
            self.key_derives(),
            self.import("RingKey, ring_impl", Some("macros::cached")),
        );
        let methods: String = BODIES.iter().map(|method| self.method(method, &shop)).collect();
        let (attribute, methods, functions) = match self {
            Contender::Ring => ("#[ring_impl]\n", methods, String::new()),
            Contender::Cached => ("", String::new(), methods),
            Contender::Plain => ("", methods, String::new()),
        };
        let fetch = if self == Contender::Cached {
            "fetch(&shop, 1)"
        } else {
            "shop.fetch(1)"
        };
        format!(
            "use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
{import}
use crate::{{Code, Missing}};

#[derive({key})]
pub struct {shop} {{
    pub id: u64,
    pub region: String,
}}

#[derive(Clone, Debug)]
pub struct Item {{
    pub number: u64,
    pub name: String,
}}

impl {shop} {{
    async fn answer(&self, number: u64) -> Option<String> {{
        (number < self.id).then(|| self.region.clone())
    }}
}}

pub fn handle(shop: Arc<{shop}>) -> Pin<Box<dyn Future<Output = Option<String>> + Send>> {{
    Box::pin(async move {{ {fetch}.await }})
}}

{attribute}impl {shop} {{
{methods}}}
{functions}"
        )
    }

    fn method(self, method: &Method, shop: &str) -> String {
        let Method {
            name,
            arguments,
            output,
            body,
        } = method;
        let (attribute, service, receiver) = match self {
            Contender::Ring => ("#[ring]", "self", "&self".to_owned()),
            Contender::Cached => ("#[cached(max_size = 128)]", "shop", format!("shop: &{shop}")),
            Contender::Plain => ("", "self", "&self".to_owned()),
        };
        let asyncness = if body.contains(".await") { "async " } else { "" };
        let body = body.replace("SHOP", service);
        let unused = if self == Contender::Cached && !body.contains(service) {
            "let _ = shop;"
        } else {
            ""
        };
        format!(
            "{attribute}\npub {asyncness}fn {name}({receiver}, {arguments}) -> {output} {{ {unused} {body} }}\n\n"
        )
    }

    fn key_derives(self) -> &'static str {
        match self {
            Contender::Ring => "RingKey",
            Contender::Cached => "Clone, PartialEq, Eq, Hash",
            Contender::Plain => "",
        }
    }

    fn import(self, ours: &str, peers: Option<&str>) -> String {
        match (self, peers) {
            (Contender::Ring, _) => format!("use ring_cache::{{{ours}}};"),
            (Contender::Cached, Some(peers)) => format!("use cached::{peers};"),
            _ => String::new(),
        }
    }
}
