//! Durations as users write them: `60`, `"60s"` or any expression of type `Duration`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

/// A checked duration.
#[derive(Clone)]
pub(crate) enum Duration {
    /// Known now.
    Literal {
        /// How long.
        duration: std::time::Duration,
        /// Where it is written.
        span: Span,
    },
    /// Known when the program runs.
    Expression(Expr),
}

impl Duration {
    /// Reads the value of `option`. `zero` says what to write instead of a zero.
    pub(crate) fn parse(option: &str, value: &Expr, zero: &str) -> syn::Result<Self> {
        let duration = match value {
            Expr::Lit(ExprLit {
                lit: Lit::Int(lit), ..
            }) if lit.base10_digits().starts_with('-') => {
                return Err(negative(option, value));
            }
            Expr::Lit(ExprLit { lit, .. }) => literal(option, lit)?,
            Expr::Unary(ExprUnary {
                op: UnOp::Neg(_),
                expr,
                ..
            }) if matches!(**expr, Expr::Lit(_)) => {
                return Err(negative(option, value));
            }
            _ => return Ok(Duration::Expression(value.clone())),
        };
        if duration.is_zero() {
            return Err(syn::Error::new_spanned(
                value,
                format!("`{option}` cannot be zero: {zero}"),
            ));
        }
        Ok(Duration::Literal {
            duration,
            span: value.span(),
        })
    }
}

fn negative(option: &str, value: &Expr) -> syn::Error {
    syn::Error::new_spanned(value, format!("`{option}` cannot be negative"))
}

fn literal(option: &str, lit: &Lit) -> syn::Result<std::time::Duration> {
    let form = format!(
        "write `{option}` as whole seconds (`60`), as text with units (`\"1m 30s\"`, `\"250ms\"`) or as an expression of type `Duration`"
    );
    match lit {
        Lit::Int(seconds) if seconds.suffix().is_empty() => {
            Ok(std::time::Duration::from_secs(seconds.base10_parse()?))
        }
        Lit::Str(text) => humantime::parse_duration(&text.value())
            .map_err(|cause| syn::Error::new(lit.span(), format!("{cause}: {form}"))),
        _ => Err(syn::Error::new(lit.span(), form)),
    }
}

impl Duration {
    /// What the user wrote, if it is no literal.
    pub(crate) fn as_expression(&self) -> Option<&Expr> {
        match self {
            Duration::Literal { .. } => None,
            Duration::Expression(expression) => Some(expression),
        }
    }

    /// Where it is written.
    pub(crate) fn span(&self) -> Span {
        match self {
            Duration::Literal { span, .. } => *span,
            Duration::Expression(expression) => expression.span(),
        }
    }

    /// An expression of type `Duration`.
    pub(crate) fn expression(&self, root: &TokenStream) -> TokenStream {
        match self {
            Duration::Literal { duration, .. } => {
                let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
                quote!(#root::generated::Duration::new(#seconds, #nanos))
            }
            Duration::Expression(expression) => expression.to_token_stream(),
        }
    }
}
