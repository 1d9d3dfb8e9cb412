//! The tags of a call.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use super::expansion::{Expansion, variable};
use crate::ring::named_calls::Naming;
use crate::ring::tags::Tag;
use crate::root::located_at;
use crate::template::{Piece, Place};

impl Expansion<'_> {
    /// The storage as a call sees it.
    pub(super) fn tagged_view(&self) -> TokenStream {
        let (view, root, count) = (&self.types.view, self.root, self.method.tags.count());
        if count == 0 {
            return view.clone();
        }
        quote!(#root::storage::Tagged<#view, #count>)
    }

    /// The statement that makes the tags, while no argument has moved, and the call with them.
    pub(super) fn tagged(&self, call: TokenStream) -> (Option<TokenStream>, TokenStream) {
        let (root, tags) = (self.root, &self.method.tags);
        let Some(span) = self.span_of_tags() else {
            return (None, call);
        };
        let (all, named) = (variable("__tags"), tags.named.iter().map(|tag| self.tag(tag)));
        let depends: Vec<_> = tags.depends.iter().map(|call| self.dependence(call)).collect();
        let pairs: Vec<_> = (0..depends.len())
            .map(|number| format_ident!("__of_{number}", span = Span::mixed_site()))
            .collect();
        let statement = quote! {
            let #all = {
                #(let #pairs = #depends;)*
                [#(#named,)* #(#pairs[0], #pairs[1],)*]
            };
        };
        let tagged = quote_spanned!(span=> tagged);
        (Some(statement), quote!(#root::BoundCall::#tagged(#call, #all)))
    }

    fn span_of_tags(&self) -> Option<Span> {
        let options = &self.method.options;
        let first = options.tags.first().or(options.depends.first())?;
        Some(located_at(first.span()))
    }

    fn tag(&self, tag: &Tag) -> TokenStream {
        let (text, pieces) = match tag {
            Tag::Value(value) => {
                let (span, generated) = self.generated_for(value);
                return quote_spanned!(span=> #generated::tag_of(#generated::keyed(&#value)));
            }
            Tag::Text(text, pieces) => (text, pieces),
        };
        let (span, generated) = self.generated_for(text);
        if let [] | [Piece::Text(_)] = &pieces[..] {
            let text = match &pieces[..] {
                [Piece::Text(text)] => text.as_str(),
                _ => "",
            };
            return quote_spanned! {span=> {
                static __TAG: #generated::LazyLock<#generated::Tag> =
                    #generated::LazyLock::new(|| #generated::Tag::of(#text));
                *__TAG
            }};
        }
        let texts = pieces.iter().fold(
            quote!(#generated::TagText::default()),
            |built, piece| match piece {
                Piece::Text(text) => quote_spanned!(span=> #built.text(#text)),
                Piece::Place(place) => {
                    let value = self.place_in_text(place, span);
                    quote_spanned!(span=> #built.value(#generated::keyed(&#value)))
                }
            },
        );
        quote_spanned!(span=> #texts.tag())
    }

    fn generated_for(&self, written: &impl ToTokens) -> (Span, TokenStream) {
        let span = located_at(written.span());
        (span, self.root.generated_at(span))
    }

    /// The value of a name in a text.
    fn place_in_text(&self, place: &Place, span: Span) -> TokenStream {
        let Place { root, members, .. } = place;
        let argument = self.method.arguments.iter().map(|argument| &argument.name);
        let mut named = argument.filter(|name| name.to_string().trim_start_matches("r#") == root);
        let value = match (self.method.receiver(), named.next()) {
            (_, Some(name)) => Ident::new(&name.to_string(), name.span()).into_token_stream(),
            (Some(receiver), None) => receiver.self_token.to_token_stream(),
            (None, None) => TokenStream::new(),
        };
        quote_spanned!(span=> #value #(.#members)*)
    }

    /// The tags of an entry that depends on this call.
    fn dependence(&self, call: &syn::Expr) -> TokenStream {
        let naming = Naming {
            methods: self.methods,
            sig: &self.method.sig,
        };
        let Some((function, is_whole)) = naming.function_of(call) else {
            let generated = self.root.generated_at(Span::call_site());
            return quote!([#generated::Tag::of(""); 2]);
        };
        let span = located_at(call.span());
        let (root, generated) = (self.root.at(span), self.root.generated_at(span));
        let dependence = if is_whole {
            quote_spanned!(span=> #generated::Handle::dependence)
        } else {
            quote_spanned!(span=> #root::BoundCall::dependence)
        };
        quote_spanned!(span=> #dependence(&#function))
    }
}
