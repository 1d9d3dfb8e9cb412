//! Wrong uses of `#[ring]` and `#[ring_impl]`: one file an option or a mistake, with what the compiler says of it.

#[test]
fn errors_stand_at_the_users_own_token() {
    trybuild::TestCases::new().compile_fail("tests/ui/ring/*.rs");
}
