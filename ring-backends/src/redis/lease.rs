//! The scripts of leases: one asks for a lease, the other writes the entry under it and ends it.
//!
//! Redis runs a script without any other command in between. The lease is a key of its own beside the entry, whose value is
//! the token. So a computation that was overtaken finds another token, or none, and writes nothing. A key of another type is
//! no lease: it is replaced.

use std::time::Duration;

use redis::{Arg, Cmd, Value};
use ring_cache_core::storage::{AfterWrite, LeaseRequest, LeaseToken, YieldsTo};

use super::faults::Unexpected;
use super::request::{self, Request, milliseconds};
use super::stored_key::StoredKey;
use crate::remote::{Fault, LeaseAnswer, LeasedEntry};

/// A script, and the sum by which a server knows it.
struct Script {
    sum: &'static str,
    text: &'static str,
}

/// Returns the entry and its remaining life, or else 1 if the lease is given, or 0 if another computation has it.
///
/// `KEYS`: the lease, the entry. `ARGV`: the token, the life of the lease, and the remaining life up to which an entry is not
/// returned; -1 for any entry, -2 also to take the lease from another computation.
static ACQUIRE: Script = Script {
    sum: "0a309495dc22c55f58e431a69ce0241c447827ea",
    text: include_str!("lease/acquire.lua"),
};

/// Ends a lease and writes the entry, if there is one, if the lease has the token. Returns 1, or else 0.
///
/// `KEYS`: the lease, and the entry. `ARGV`: the token; the value of the entry and its life, empty if it does not expire;
/// `keep` if the lease does not end.
static END: Script = Script {
    sum: "db66bfcc31c242a2d5323651fae4c3f3f403feac",
    text: include_str!("lease/end.lua"),
};

/// `EVALSHA` of a script with these keys.
fn run(script: &Script, keys: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    command.arg("EVALSHA").arg(script.sum).arg(keys.len()).arg(keys);
    command
}

/// Asks for leases.
pub(super) fn acquire(items: &[(StoredKey, LeaseRequest)]) -> Result<Request<LeaseAnswer>, Fault> {
    let ask = |(key, request): &(StoredKey, LeaseRequest)| {
        let mut command = run(&ACQUIRE, &[key.lease().unwrap_or_default(), key]);
        command
            .arg(request.token.number())
            .arg(milliseconds(request.life).max(1));
        match request.yields_to {
            YieldsTo::Entry(stale) => command.arg(milliseconds(stale)),
            YieldsTo::Lease => command.arg(-1),
            YieldsTo::Nothing => command.arg(-2),
        };
        command
    };
    Ok(Request::each(items, ask, answers))
}

/// Writes an entry under each lease.
pub(super) fn write(entries: &[LeasedEntry<StoredKey>], after: AfterWrite) -> Result<Request<bool>, Fault> {
    let end = |(key, value, expiry, token): &LeasedEntry<StoredKey>| {
        let mut command = run(&END, &[key.lease().unwrap_or_default(), key]);
        command.arg(token.number()).arg(value.as_slice());
        match expiry {
            Some(expiry) => command.arg(milliseconds(*expiry).max(1)),
            None => command.arg(""),
        };
        if after == AfterWrite::KeepLease {
            command.arg("keep");
        }
        command
    };
    Ok(Request::each(entries, end, request::flags))
}

/// Ends leases.
pub(super) fn release(leases: &[(StoredKey, LeaseToken)]) -> Result<Request<bool>, Fault> {
    let end = |(key, token): &(StoredKey, LeaseToken)| {
        let mut command = run(&END, &[key.lease().unwrap_or_default()]);
        command.arg(token.number());
        command
    };
    Ok(Request::each(leases, end, request::flags))
}

fn answers(replies: Vec<Value>) -> Result<Vec<LeaseAnswer>, Unexpected> {
    replies.into_iter().map(answer).collect()
}

fn answer(reply: Value) -> Result<LeaseAnswer, Unexpected> {
    match reply {
        Value::ServerError(error) if is_of_scripts(&error) => {
            let fault = Fault::from(Unexpected::Error(error.into()));
            Ok(LeaseAnswer::Refused(fault.to_string()))
        }
        Value::ServerError(error) => Err(Unexpected::Error(error.into())),
        Value::Int(0) => Ok(LeaseAnswer::Busy),
        Value::Int(1) => Ok(LeaseAnswer::Won(None)),
        Value::Array(found) => match <[Value; 2]>::try_from(found) {
            Ok([Value::BulkString(value), Value::Int(-1)]) => Ok(LeaseAnswer::Found((value, None))),
            Ok([Value::BulkString(value), Value::Int(left @ 0..)]) => {
                let left = Duration::from_millis(left.unsigned_abs());
                Ok(LeaseAnswer::Found((value, Some(left))))
            }
            _ => Err(Unexpected::Reply),
        },
        _ => Err(Unexpected::Reply),
    }
}

/// Whether a server, or a proxy before it, says that this user may run no scripts, or that it knows none.
fn is_of_scripts(error: &redis::ServerError) -> bool {
    let text = error.details().unwrap_or_default().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let of_commands = [
        "unknown command",
        "unsupported",
        "not supported",
        "disabled",
        // Of a command in the script, by Redis 7.
        "can't run this command",
    ];
    error.code() == "NOPERM" || says(&of_commands) || error.code().eq_ignore_ascii_case("unsupported")
}

/// The same command with the text of its script.
pub(super) fn with_text(command: &Cmd) -> Cmd {
    let words = command.args_iter().filter_map(|word| match word {
        Arg::Simple(word) => Some(word),
        _ => None,
    });
    let words: Vec<&[u8]> = words.collect();
    let [_, sum, arguments @ ..] = words.as_slice() else {
        return command.clone();
    };
    let mut scripts = [&ACQUIRE, &END].into_iter();
    let known = scripts.find(|script| script.sum.as_bytes() == *sum);
    known.map_or_else(
        || command.clone(),
        |script| Cmd::new().arg("EVAL").arg(script.text).arg(arguments).clone(),
    )
}

/// The place of the key by which a cluster finds the server of a command.
pub(super) fn place_of_key(command: &Cmd) -> usize {
    match command.args_iter().next() {
        Some(Arg::Simple(b"EVALSHA" | b"EVAL")) => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Value {
        redis::parse_redis_value(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_server_without_scripts_is_told_from_one_that_fails() {
        for refusal in [
            "-NOPERM this user has no permissions to run the 'evalsha' command\r\n",
            "-ERR unknown command 'EVALSHA', with args beginning with: \r\n",
            "-unsupported command 'evalsha'\r\n",
            "-ERR The user executing the script can't run this command or subcommand script: 576d, on @user_script:5.\r\n",
        ] {
            let answer = answer(reply(refusal)).ok();
            assert!(matches!(answer, Some(LeaseAnswer::Refused(_))), "{refusal}");
        }
        for failure in [
            "-LOADING Redis is loading the dataset in memory\r\n",
            "-OOM command not allowed when used memory > 'maxmemory'\r\n",
        ] {
            assert!(answer(reply(failure)).is_err(), "{failure}");
        }
    }

    #[test]
    fn replies_that_fit_no_script_are_refused() {
        for wrong in [
            "+OK\r\n",
            ":2\r\n",
            "*1\r\n:1\r\n",
            "*2\r\n$1\r\na\r\n:-2\r\n",
            "$1\r\na\r\n",
        ] {
            assert!(answer(reply(wrong)).is_err(), "{wrong}");
        }
    }
}
