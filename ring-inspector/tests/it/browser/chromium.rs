//! A headless Chromium, told what to do by the DevTools protocol over pipes.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use serde_json::{Value, json};

use crate::http::PATIENCE;

/// A browser with one page, which ends with this.
pub(crate) struct Browser {
    child: Child,
    requests: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// What the browser complained of.
    complaints: Vec<String>,
    profile: PathBuf,
}

impl Browser {
    /// Opens a browser, or says that there is none.
    pub(crate) fn open(what: &str) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let profile =
            std::env::temp_dir().join(format!("ring-cache-inspector-{}-{number}", std::process::id()));
        // The protocol is spoken on the descriptors 3 and 4.
        let mut child = Command::new("sh")
            .args(["-c", "command -v chromium >/dev/null || exit 99; exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null"])
            .args(["sh", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"])
            .args(["--disable-dev-shm-usage", "--force-color-profile=srgb", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let (requests, replies) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut replies = BufReader::new(replies);
            let mut message = Vec::new();
            while matches!(replies.read_until(0, &mut message), Ok(1..)) {
                message.pop();
                let parsed = serde_json::from_slice(&message).unwrap_or_default();
                if sender.send(parsed).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let mut browser = Browser {
            child,
            requests,
            messages,
            session: None,
            last: 0,
            complaints: Vec::new(),
            profile,
        };
        if browser.is_missing() {
            assert!(
                std::env::var("RING_CACHE_BROWSER").as_deref() != Ok("required"),
                "chromium is required for {what}"
            );
            eprintln!("LEFT OUT: {what}: chromium is not installed");
            return None;
        }
        browser.open_page();
        Some(browser)
    }

    /// The first message shows that there is a browser; an end without one, that there is none.
    fn is_missing(&mut self) -> bool {
        self.last += 1;
        let asked = write!(
            self.requests,
            "{}\0",
            json!({"id": self.last, "method": "Browser.getVersion"})
        );
        let answered = asked.is_ok() && self.messages.recv_timeout(PATIENCE).is_ok();
        !answered && self.child.wait().is_ok_and(|status| status.code() == Some(99))
    }

    fn open_page(&mut self) {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.call("Target.attachToTarget", attach);
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            self.call(domain, json!({}));
        }
    }

    /// Calls a method of the protocol.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        let result = self.try_call(method, params);
        result.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.last += 1;
        let id = self.last;
        let mut request = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            request["sessionId"] = session.as_str().into();
        }
        write!(self.requests, "{request}\0").expect("the browser is there");
        loop {
            let message = self.next();
            if message["id"] == id {
                let failed = !message["error"].is_null();
                return if failed {
                    Err(message["error"].clone())
                } else {
                    Ok(message["result"].clone())
                };
            }
        }
    }

    fn next(&mut self) -> Value {
        let message = self.messages.recv_timeout(PATIENCE).expect("the browser hangs");
        let params = &message["params"];
        match message["method"].as_str() {
            // Not what it recommends.
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                self.complaints.push(params["entry"].to_string());
            }
            Some("Runtime.exceptionThrown") => self.complaints.push(params["exceptionDetails"].to_string()),
            _ => {}
        }
        message
    }

    /// Goes to a page, and waits until it is loaded.
    pub(crate) fn goto(&mut self, url: &str) {
        let moved = self.call("Page.navigate", json!({"url": url}));
        assert!(moved["errorText"].is_null(), "{url}: {moved}");
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /// The value of an expression.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.call("Runtime.evaluate", params);
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}: {}",
            result["exceptionDetails"]
        );
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true, also over a change of the page.
    pub(crate) fn wait_for(&mut self, expression: &str) {
        let start = Instant::now();
        loop {
            let params = json!({"expression": expression, "returnByValue": true});
            // It fails while one page gives way to another.
            let result = self.try_call("Runtime.evaluate", params);
            if result.is_ok_and(|result| result["result"]["value"] == true) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "it did not become true: {expression}");
            std::thread::yield_now();
        }
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            other => panic!("{other} is not known here"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            if kind == "keyDown" && !text.is_empty() {
                params["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// Types into the focused field.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Clicks on the element that a selector finds, as a mouse does.
    pub(crate) fn click(&mut self, selector: &str) {
        let place = self.eval(&format!(
            "(() => {{ const element = document.querySelector({}); element.scrollIntoView({{block: 'center'}}); \
             const box = element.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            Value::from(selector)
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let params =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", params);
        }
    }

    /// Makes the page so wide, as on a phone, or as on a desk.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let params = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        self.call("Emulation.setDeviceMetricsOverride", params);
    }

    pub(crate) fn prefer(&mut self, scheme: &str) {
        let params = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", params);
    }

    pub(crate) fn without_scripts(&mut self) {
        self.call("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    }

    /// Keeps a picture of the page in the folder that `RING_CACHE_SCREENSHOTS` names, for people to look at.
    pub(crate) fn picture(&mut self, name: &str) {
        let Ok(folder) = std::env::var("RING_CACHE_SCREENSHOTS") else {
            return;
        };
        let size = self.eval("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]");
        let height = size[1].as_u64().unwrap_or_default().min(1500);
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": height, "scale": 1});
        let params = json!({"captureBeyondViewport": true, "clip": clip});
        let picture = self.call("Page.captureScreenshot", params);
        let encoded = picture["data"].as_str().expect("a picture");
        let path = std::path::Path::new(&folder).join(format!("{name}.png"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(path, decoded(encoded)).unwrap();
    }

    /// Fails if the browser complained of a script, or of what the policy of the page forbids.
    pub(crate) fn assert_content(&self) {
        assert!(self.complaints.is_empty(), "{:#?}", self.complaints);
    }

    /// [`assert_content`](Self::assert_content), but for complaints with this text.
    pub(crate) fn assert_content_but(&mut self, expected: &str) {
        self.complaints.retain(|complaint| !complaint.contains(expected));
        self.assert_content();
    }
}

/// The bytes of Base64.
fn decoded(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(value).collect();
    let bytes = digits.chunks(4).flat_map(|chunk| {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit))
            << (6 * (4 - chunk.len()));
        bits.to_be_bytes()[1..chunk.len()].to_vec()
    });
    bytes.collect()
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
