//! The attribute `#[test]` of the integration tests, which registers a function with their harness.
//!
//! The harness (`tests/it/harness.rs`) also runs tests that it finds in folders, which the standard harness cannot do.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// Registers a function without parameters and result as a test.
#[proc_macro_attribute]
pub fn test(_: TokenStream, item: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    let keyword = tokens.iter().position(|token| token.to_string() == "fn");
    let name = keyword.and_then(|keyword| Some(tokens.get(keyword + 1)?.to_string()));
    let (Some(name), Some(TokenTree::Group(body))) = (name, tokens.pop()) else {
        return parsed("compile_error!(\"`#[test]` needs a function\");");
    };
    // The registration is inside of the function, where a `cfg` of the function applies to it too.
    let mut registered = parsed(&format!(
        "::inventory::submit! {{ crate::harness::Function {{ \
         name: ::core::concat!(::core::module_path!(), \"::{name}\"), run: {name} }} }}"
    ));
    registered.extend(body.stream());
    let mut registering = Group::new(Delimiter::Brace, registered);
    registering.set_span(body.span());
    tokens.push(TokenTree::Group(registering));
    tokens.into_iter().collect()
}

/// Returns the tokens of source text that is valid.
fn parsed(source: &str) -> TokenStream {
    source.parse().unwrap_or_default()
}
