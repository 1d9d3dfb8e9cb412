//! What the derive says to those who hold it wrong.

#[test]
fn errors_stand_at_the_users_own_token() {
    trybuild::TestCases::new().compile_fail("tests/ui/derive/*.rs");
}
