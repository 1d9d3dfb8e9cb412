//! Values that both languages compute, and the bytes that each writes.

use std::cell::Cell;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

thread_local! {
    static COMPUTED: Cell<u32> = const { Cell::new(0) };
}

/// The number of values computed by Rust since the last call.
pub(crate) fn computed() -> u32 {
    COMPUTED.take()
}

pub(crate) trait Shared: Clone + Debug + PartialEq {
    /// The original's coder.
    const CODER: Option<&str>;
    /// The bytes stored by Rust.
    const WRITTEN_BY_RUST: &[u8];
    /// The bytes stored by Python.
    const WRITTEN_BY_PYTHON: &[u8];

    fn of_rust() -> Self;
    fn of_python() -> Self;
    /// The value as `rings.py` takes and gives it.
    fn in_python(&self) -> Value;

    /// The body.
    fn compute() -> Self {
        COMPUTED.set(COMPUTED.get() + 1);
        Self::of_rust()
    }
}

/// A value with everything that the two might write differently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    by: String,
    text: String,
    numbers: Vec<i64>,
    share: f64,
    nothing: Option<u32>,
}

impl Answer {
    fn by(who: &str) -> Self {
        Answer {
            by: who.into(),
            text: "ü\n🦀 \"".into(),
            numbers: vec![1, -2],
            share: 0.5,
            nothing: None,
        }
    }
}

impl Shared for Answer {
    const CODER: Option<&str> = Some("json");
    const WRITTEN_BY_RUST: &[u8] =
        r#"{"by":"Rust","text":"ü\n🦀 \"","numbers":[1,-2],"share":0.5,"nothing":null}"#.as_bytes();
    const WRITTEN_BY_PYTHON: &[u8] =
        br#"{"by": "Python", "text": "\u00fc\n\ud83e\udd80 \"", "numbers": [1, -2], "share": 0.5, "nothing": null}"#;

    fn of_rust() -> Self {
        Answer::by("Rust")
    }
    fn of_python() -> Self {
        Answer::by("Python")
    }
    fn in_python(&self) -> Value {
        json!(self)
    }
}

impl Shared for Vec<u8> {
    const CODER: Option<&str> = None;
    const WRITTEN_BY_RUST: &[u8] = b"Rust\xFE\0\r\n ";
    const WRITTEN_BY_PYTHON: &[u8] = b"\0\xFF\r\nPython";

    fn of_rust() -> Self {
        Self::WRITTEN_BY_RUST.to_vec()
    }
    fn of_python() -> Self {
        Self::WRITTEN_BY_PYTHON.to_vec()
    }
    fn in_python(&self) -> Value {
        self.iter().copied().map(char::from).collect::<String>().into()
    }
}
