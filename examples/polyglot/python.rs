//! A Python program that answers lines of JSON.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// The program. It ends when this is dropped or the owning process ends: then its standard input ends.
pub(crate) struct Python {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts `program` with the interpreter at `interpreter`.
    pub(crate) fn start(
        interpreter: impl AsRef<OsStr>,
        program: &Path,
        environment: &[(&str, String)],
    ) -> std::io::Result<Python> {
        let mut child = Command::new(interpreter)
            .arg("-B") // leaves no compiled files behind
            .arg(program)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Python {
            questions: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().expect("stdout is piped")),
            child,
        })
    }

    /// The answer to `question`. Without one, the program has reported the reason on stderr.
    pub(crate) fn ask(&mut self, question: &Value) -> std::io::Result<Value> {
        let questions = self.questions.as_mut().expect("stdin is piped");
        questions.write_all(format!("{question}\n").as_bytes())?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        if answer.is_empty() {
            return Err(std::io::Error::other(format!("no answer to {question}")));
        }
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.questions = None;
        _ = self.child.wait();
    }
}
