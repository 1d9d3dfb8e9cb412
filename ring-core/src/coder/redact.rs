//! Errors of serde without quoted values: errors are logged, and logs must not contain values.

/// The message without values. Expected names and types remain.
pub(super) fn redact(message: &str) -> String {
    for names_field in ["missing field `", "duplicate field `"] {
        if let Some((field, _)) = message
            .strip_prefix(names_field)
            .and_then(|rest| rest.split_once('`'))
        {
            return format!("{names_field}{field}`");
        }
    }
    let quoting = [
        ("invalid type: ", "invalid type"),
        ("invalid value: ", "invalid value"),
        ("invalid length ", "invalid length"),
        ("unknown variant `", "unknown variant"),
        ("unknown field `", "unknown field"),
    ];
    let Some((_, what)) = quoting.iter().find(|(start, _)| message.starts_with(start)) else {
        return "the value is invalid for its type".to_owned();
    };
    let none = [", there are no variants", ", there are no fields"];
    if none.iter().any(|none| message.contains(none)) {
        return (*what).to_owned();
    }
    // The last occurrence: the rejected value, before it, may contain the same text.
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("{what}, expected {expected}"),
        None => (*what).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn expected_types_remain_and_values_do_not() {
        for (message, shown) in [
            (
                "invalid type: string \"secret\", expected u32",
                "invalid type, expected u32",
            ),
            (
                "invalid value: string \"secret, expected secret\", expected a day at line 1 column 3",
                "invalid value, expected a day at line 1 column 3",
            ),
            (
                "invalid length 3, expected a tuple of size 2",
                "invalid length, expected a tuple of size 2",
            ),
            (
                "unknown variant `secret`, expected `A` or `B`",
                "unknown variant, expected `A` or `B`",
            ),
            (
                "unknown variant `, expected secret`, there are no variants",
                "unknown variant",
            ),
            ("unknown field `secret`, there are no fields", "unknown field"),
            ("missing field `name`", "missing field `name`"),
            ("duplicate field `name`", "duplicate field `name`"),
            ("missing field `name` beside secret", "missing field `name`"),
            ("secret is not an address", "the value is invalid for its type"),
            ("", "the value is invalid for its type"),
        ] {
            assert_eq!(redact(message), shown);
        }
    }
}
