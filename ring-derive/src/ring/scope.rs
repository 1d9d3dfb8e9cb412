//! Names in the expressions of options. Some expressions are evaluated once for all calls, others see only a value or an
//! error: there the compiler would just report an unknown name.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprPath, PatIdent};

use super::model::{Argument, Method};
use crate::errors::Errors;
use crate::parse::{Duration, Patience, Storage};

/// Checks that these expressions name neither `self` nor an argument.
pub(super) fn check(method: &Method, errors: &mut Errors) {
    for (option, expression, remedy) in expressions(method) {
        let Some(name) = named(&expression, method) else {
            continue;
        };
        let message = format!(
            "`{option}` {remedy}, so it cannot use `{name}`{}",
            instead(option)
        );
        errors.at(&name, message);
    }
    let expiry = method.options.expiry().filter(|_| method.receiver().is_none());
    if let Some(name) = expiry.and_then(|expiry| variables(expiry).find(|name| name == "self")) {
        let message = "this function has no `self`: add `&self`, or name an argument";
        errors.at(name, message);
    }
}

const OF_ALL: &str = "is the same for all calls";

/// The options' names, their expressions, and why these have no arguments.
fn expressions(method: &Method) -> Vec<(&'static str, Expr, &'static str)> {
    let options = &method.options;
    let of_time = |time: &Option<Duration>| time.as_ref().map(|time| time.value.clone());
    let capacity = match &options.storage {
        Storage::Own { capacity } => capacity.clone(),
        _ => None,
    };
    let wait = match &options.wait {
        Some(Patience::For(time)) => Some(time.value.clone()),
        _ => None,
    };
    let when = options.errors.as_ref().and_then(|errors| errors.when.clone());
    let all = [
        ("capacity", capacity, OF_ALL),
        ("key_prefix", options.key_prefix.clone(), OF_ALL),
        ("flight_timeout", of_time(&options.flight_timeout), OF_ALL),
        ("timeout", of_time(&options.timeout), OF_ALL),
        ("stale", of_time(&options.stale), OF_ALL),
        ("retry", of_time(&options.retry), OF_ALL),
        ("wait", wait, OF_ALL),
        ("early", options.early.clone(), OF_ALL),
        ("jitter", options.jitter.clone(), OF_ALL),
        ("none", of_time(&options.none), OF_ALL),
        ("expire_of", options.expire_of.clone(), "sees the value alone"),
        ("unless", options.unless.clone(), "sees the value alone"),
        ("when", when, "sees the error alone"),
    ];
    let all = all.into_iter();
    all.filter_map(|(name, expression, remedy)| Some((name, expression?, remedy)))
        .collect()
}

fn instead(option: &str) -> &'static str {
    match option {
        "key_prefix" => ": `self` and the arguments join the key by themselves, or write `key = …`",
        "none" | "expire_of" => ": `expire = EXPRESSION` may use it",
        "unless" | "when" => "",
        _ => ": write a constant",
    }
}

/// The first of `self` and the arguments that an expression uses as a variable.
fn named(expression: &Expr, method: &Method) -> Option<Ident> {
    let names = method.arguments.iter().filter_map(Argument::written_name);
    let names: Vec<_> = names.map(IdentExt::unraw).collect();
    variables(expression).find(|name| name == "self" || names.contains(&name.unraw()))
}

/// The free variables of an expression.
fn variables(expression: &Expr) -> impl Iterator<Item = Ident> {
    let mut find = Find::default();
    find.visit_expr(expression);
    let Find { used, bound } = find;
    used.into_iter().filter(move |name| !bound.contains(name))
}

#[derive(Default)]
struct Find {
    used: Vec<Ident>,
    bound: Vec<Ident>,
}

impl Visit<'_> for Find {
    fn visit_expr_path(&mut self, path: &ExprPath) {
        self.used.extend(path.path.get_ident().cloned());
    }

    /// A called name is a function, not an argument.
    fn visit_expr_call(&mut self, call: &ExprCall) {
        if !matches!(*call.func, Expr::Path(_)) {
            self.visit_expr(&call.func);
        }
        call.args.iter().for_each(|argument| self.visit_expr(argument));
    }

    fn visit_pat_ident(&mut self, pattern: &PatIdent) {
        self.bound.push(pattern.ident.clone());
        visit::visit_pat_ident(self, pattern);
    }
}
