//! Which coder a ring has whose user named none.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{GenericArgument, PathArguments, PathSegment, Type};

use crate::model::Method;

impl Method {
    /// What turns values into bytes, if the storage holds bytes: the coder that the user named, or else the one that
    /// suits the value as it is written.
    pub(crate) fn coder(&self, root: &TokenStream) -> Option<TokenStream> {
        if let Some(coder) = &self.options.coder {
            return Some(coder.to_token_stream());
        }
        let holds_bytes = self.options.storage.as_ref()?.holds_bytes();
        holds_bytes.then(|| match self.cached_type() {
            Some(ty) if is_bytes(ty) => quote!(#root::coder::Raw),
            _ => quote!(#root::coder::Cbor),
        })
    }

    /// The type of the value that is cached, as far as it is written.
    fn cached_type(&self) -> Option<&Type> {
        let out = self.out_type()?;
        if !self.is_fallible() {
            return Some(out);
        }
        last_path_segment(out)
            .filter(|segment| segment.ident == "Result")
            .and_then(first_argument)
    }
}

/// Whether values of a type are bytes already.
fn is_bytes(ty: &Type) -> bool {
    let Some(segment) = last_path_segment(ty) else {
        return false;
    };
    let of_bytes = || first_argument(segment).is_some_and(|ty| ty.to_token_stream().to_string() == "u8");
    segment.ident == "String" || segment.ident == "Bytes" || (segment.ident == "Vec" && of_bytes())
}

fn last_path_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_path_segment(&group.elem),
        Type::Paren(paren) => last_path_segment(&paren.elem),
        _ => None,
    }
}

/// The first type between a segment's angle brackets.
pub(crate) fn first_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Whether a storage of this type, as it is written, is one of ours that holds bytes.
pub(crate) fn is_storage_of_bytes(storage: &Type) -> bool {
    const OF_BYTES: [&str; 6] = [
        "Redis",
        "RedisHash",
        "RedisCluster",
        "Memcached",
        "Disk",
        "Tiered",
    ];
    let Some(segment) = last_path_segment(storage) else {
        return false;
    };
    if segment.ident == "Blocking" {
        return first_argument(segment).is_some_and(is_storage_of_bytes);
    }
    OF_BYTES.iter().any(|name| segment.ident == name)
}
