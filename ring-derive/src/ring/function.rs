//! `#[ring]` on a free function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::FnArg;

use super::item::Function;
use super::model::Method;
use super::named_calls::Methods;
use super::writer::Writer;
use super::{check, enclosing, expand, marks};
use crate::errors::{at_start, with_error};
use crate::parse::{Options, RingOptions, Target};
use crate::root::Root;

const WITHOUT_BLOCK: &str = "a method is cached with its impl block: write `#[ring_impl]` above `impl`, and cache a trait's \
                             method in the trait's `impl`";

/// The function with its accessor and its handle.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let Ok(function) = syn::parse2::<Function>(item.clone()) else {
        let message = "`#[ring]` belongs on a function with a body: on an impl block, write `#[ring_impl]`; cache a \
                       trait's method in the trait's `impl`";
        return with_error(&at_start(&item, message), item);
    };
    let left = function.left();
    try_expand(options, function).unwrap_or_else(|error| with_error(&error, left))
}

fn try_expand(options: TokenStream, function: Function) -> syn::Result<TokenStream> {
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        return Err(syn::Error::new_spanned(receiver, WITHOUT_BLOCK));
    }
    if let Some(other) = function.attrs.iter().find(|attr| marks::is_ring(attr)) {
        return Err(syn::Error::new_spanned(other, marks::DUPLICATE));
    }
    let mut options = Options::parse(Target::Method, options);
    if options.is_of_writer() {
        let writer = Writer::new(function, &mut options)?;
        return writer.expand(&Root::find()?, &Methods::default());
    }
    if enclosing::is_in_impl() {
        return Err(syn::Error::new_spanned(&function.sig.ident, WITHOUT_BLOCK));
    }
    let options: RingOptions = options.read()?;
    check::outcome(&options)?;
    let root = Root::named(options.root.as_ref())?;
    let method = Method::new(function, options, None, root)?;
    check::method(&method)?;
    let expanded = expand::expand(&method, &Methods::default());
    let hint = expand::hidden_constant(&method.block_hint(), &method.attrs);
    let (function, accessors) = (expanded.method, expanded.accessors);
    Ok(quote! {
        #function
        #accessors
        #hint
    })
}

#[cfg(test)]
mod tests {
    use quote::quote;

    /// Other macros on the function refer to its arguments as the user wrote them.
    #[test]
    fn arguments_keep_their_names_and_patterns() {
        let function = quote! {
            #[instrument(skip(_db), fields(id = a))]
            fn load((a, b): (u32, u32), _db: &Db, State(app): State<App>, mut n: u32) -> u32 { a + b + n }
        };
        let expanded = super::expand(quote!(ignore(_db, app)), function).to_string();
        let (method, _) = expanded.split_once('{').unwrap();
        let signature =
            "fn load ((a , b ,) : (u32 , u32) , _db : & Db , State (app) : State < App > , n : u32) -> u32";
        assert!(method.contains(signature), "{method}");
        assert!(
            method.contains("# [instrument (skip (_db) , fields (id = a))]"),
            "{method}"
        );
        assert!(
            expanded.contains("load_ring ((a , b ,) , _db , State (app) , n)"),
            "{expanded}"
        );
    }

    /// Editors send such code while the user types.
    #[test]
    fn a_body_that_does_not_parse_hides_no_accessor() {
        for body in [
            quote!({ self. }),
            quote!({ let x = ; x }),
            quote!({ if }),
            quote!({ foo(, ) }),
            quote!({ match x { Some(x) => } }),
            quote!({ x.y::< }),
            quote!({ let Some(x) = y else }),
            quote!({}),
        ] {
            let expanded = super::expand(quote!(), quote!(fn load(n: u32) -> u32 #body)).to_string();
            for name in ["fn load ", "fn load_ring ", "fn load_entry ", "fn load_cache "] {
                assert!(expanded.contains(name), "{name} in {expanded}");
            }
            assert!(!expanded.contains("compile_error"), "{expanded}");
        }
    }

    /// The same function, blocking and async.
    #[test]
    fn async_code_differs_by_its_awaits_only() {
        let options = quote!(expire = "1m", unless = Option::is_none, ignore(trace));
        let blocking = quote! {
            pub fn find<T: RingKey>(id: T, trace: &str) -> Option<String> { look(id, trace) }
        };
        let awaited = quote! {
            pub async fn find<T: RingKey>(id: T, trace: &str) -> Option<String> { look(id, trace) }
        };
        let blocking = super::expand(options.clone(), blocking).to_string();
        let mut awaited = super::expand(options, awaited).to_string();
        assert_ne!(awaited, blocking);
        let future = ", Fut = impl :: core :: future :: Future < Output = Option < String > >";
        for (tokens, without) in [
            ("async ", ""),
            (" . await", ""),
            ("AsyncCall", "Call"),
            ("AsyncCache", "Cache"),
            ("AsyncBody", "Body"),
            (future, ""),
            (", _ , _ , _ >", ", _ , _ >"), // the future's type is one more that is inferred
        ] {
            assert!(awaited.contains(tokens), "{tokens} in {awaited}");
            awaited = awaited.replace(tokens, without);
        }
        assert_eq!(awaited.replace(' ', ""), blocking.replace(' ', ""));
    }
}
