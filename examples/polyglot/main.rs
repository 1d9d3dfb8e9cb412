//! A Python service with the original Ring and a Rust service share one cache: `README.md` beside this file.

mod interpreter;
mod python;
mod service;

use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ring_cache::{Memcached, Redis};
use ring_cache_test_servers as servers;
use serde_json::{Value, json};

use interpreter::Interpreter;
use python::Python;
use service::{Greeting, Service, Total};

fn main() -> ExitCode {
    let optional = env::args().any(|argument| argument == "--optional");
    match prepare() {
        Ok(both) => both.tell(),
        Err(missing) if optional => eprintln!("!!! LEFT OUT: Python and Rust with one cache: {missing}"),
        Err(missing) => {
            eprintln!("{missing}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The two services. Servers started for them end with them.
struct Both {
    rust: Service,
    python: Python,
    _started: (Option<servers::Redis>, Option<servers::Memcached>),
    _interpreter: Interpreter,
}

/// Finds everything needed, or reports what is missing.
fn prepare() -> Result<Both, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/polyglot");
    let (redis_url, redis) = match env::var("REDIS_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let server = servers::Redis::start().map_err(|missing| missing.to_string())?;
            (server.url(), Some(server))
        }
    };
    let (memcached_address, memcached) = match env::var("MEMCACHED_ADDRESS") {
        Ok(address) => (address, None),
        Err(_) => {
            let server = servers::Memcached::start().map_err(|missing| missing.to_string())?;
            (server.address(), Some(server))
        }
    };
    let interpreter = Interpreter::find(&folder.join("requirements.txt"))?;
    let rust = service(&redis_url, &memcached_address).map_err(|error| error.to_string())?;
    let environment = [("REDIS_URL", redis_url), ("MEMCACHED_ADDRESS", memcached_address)];
    let python = Python::start(&interpreter.path, &folder.join("service.py"), &environment);
    Ok(Both {
        rust,
        python: python.map_err(|error| error.to_string())?,
        _started: (redis, memcached),
        _interpreter: interpreter,
    })
}

fn service(redis_url: &str, memcached_address: &str) -> Result<Service, ring_cache::Error> {
    // Long, so that a slow machine does not change the output: usually it is better to compute than to wait.
    let deadline = Duration::from_secs(10);
    Ok(Service {
        redis: Redis::open(redis_url)?.deadline(deadline),
        memcached: Memcached::open(format!("memcache://{memcached_address}"))?.deadline(deadline),
        body_ran: AtomicBool::new(false),
    })
}

impl Both {
    fn tell(mut self) {
        self.forget_former_runs();
        self.one_key();
        self.python_computes();
        self.rust_computes();
        self.lists();
        self.bytes();
        self.forget();
        self.forget_former_runs();
    }

    fn one_key(&mut self) {
        println!("Both languages give a call one key.");
        let calls = [
            (
                "greeting",
                json!([42, "en"]),
                self.rust.greeting_ring(42, "en").key(),
            ),
            (
                "total",
                json!([[250, 1999]]),
                self.rust.total_ring(&[250, 1999]).key(),
            ),
            ("icon", json!(["star"]), self.rust.icon_ring("star").key()),
        ];
        for (function, arguments, key) in calls {
            println!("    {key}");
            assert_eq!(self.python(function, "key", arguments).0, key.as_str());
        }
    }

    fn python_computes(&mut self) {
        println!("Python computes a greeting, and Rust finds it.");
        let (greeting, ran) = self.python("greeting", "get_or_update", json!([42, "en"]));
        assert!(ran);
        println!("    Python computed {greeting}");
        let found = self.rust.greeting(42, "en");
        self.rust_ran(false);
        assert_eq!(found, greeting_by("Python", 42, "Hello, 42!"));
        println!("    Rust found      {found:?}");
    }

    fn rust_computes(&mut self) {
        println!("Rust computes another, and Python finds it.");
        let computed = self.rust.greeting(7, "de");
        self.rust_ran(true);
        assert_eq!(computed, greeting_by("Rust", 7, "Hallo, 7!"));
        println!("    Rust computed   {computed:?}");
        let (found, ran) = self.python("greeting", "get_or_update", json!([7, "de"]));
        assert_eq!((&found, ran), (&json!(computed), false));
        println!("    Python found    {found}");
    }

    fn lists(&mut self) {
        println!("Lists are fine as arguments.");
        let computed = self.rust.total(&[250, 1999]);
        self.rust_ran(true);
        assert_eq!(
            computed,
            Total {
                cents: 2249,
                computed_by: "Rust".into()
            }
        );
        let (found, ran) = self.python("total", "get", json!([[250, 1999]]));
        assert_eq!((&found, ran), (&json!(computed), false));
        println!("    Python found    {found}");
    }

    fn bytes(&mut self) {
        println!("Bytes lie in memcached as they are.");
        self.python("icon", "get_or_update", json!(["star"]));
        let found = self.rust.icon("star");
        self.rust_ran(false);
        assert_eq!(found, b"\x89drawn by Python: star");
        println!("    Rust found      {}", found.escape_ascii());
        let updated = self.rust.icon_ring("star").update();
        self.rust_ran(true);
        let (found, _) = self.python("icon", "get", json!(["star"]));
        assert_eq!(
            found
                .as_str()
                .unwrap()
                .chars()
                .map(|c| c as u8)
                .collect::<Vec<_>>(),
            updated
        );
        println!("    Python found    {}", updated.escape_ascii());
    }

    fn forget(&mut self) {
        println!("What one deletes is gone for the other.");
        assert!(self.rust.greeting_ring(42, "en").delete().unwrap());
        assert_eq!(self.python("greeting", "get", json!([42, "en"])).0, Value::Null);
        println!("    Rust deleted greeting(42, \"en\"), and Python has none.");
        self.python("icon", "delete", json!(["star"]));
        assert_eq!(self.rust.icon_ring("star").get().unwrap(), None);
        println!("    Python deleted icon(\"star\"), and Rust has none.");
    }

    /// Your own servers keep entries of earlier runs.
    fn forget_former_runs(&self) {
        for (user, language) in [(42, "en"), (7, "de")] {
            self.rust.greeting_ring(user, language).delete().unwrap();
        }
        self.rust.total_ring(&[250, 1999]).delete().unwrap();
        self.rust.icon_ring("star").delete().unwrap();
    }

    /// The result of Python's function, and whether its body ran.
    fn python(&mut self, function: &str, verb: &str, arguments: Value) -> (Value, bool) {
        let question = json!({"function": function, "verb": verb, "arguments": arguments});
        let mut answer = self.python.ask(&question).expect("the Python service answers");
        (answer["returned"].take(), answer["ran"] == true)
    }

    /// Checks whether a body ran in Rust since the last call.
    fn rust_ran(&self, expected: bool) {
        assert_eq!(self.rust.body_ran.swap(false, Ordering::Relaxed), expected);
    }
}

fn greeting_by(who: &str, user: i64, text: &str) -> Greeting {
    Greeting {
        user,
        text: text.into(),
        computed_by: who.into(),
    }
}
