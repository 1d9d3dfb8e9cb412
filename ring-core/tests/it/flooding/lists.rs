//! Lists whose consecutive parts are equal: they differ in the ends of lists, and in the kinds of parts. An attacker
//! can choose them without knowing a seed.

use super::{Bracket, KEYS, Key, KeyWriter, RingKey, assert_as_cheap, hash, random};

/// Fewer keys, since lists are as long as there are keys.
const LONG: usize = 1 << 9;

/// Choice `number` of all sequences of this many binary choices.
fn choices(number: usize) -> impl Iterator<Item = bool> {
    (0..12).map(move |bit| number >> bit & 1 == 1)
}

/// Two lists for each key: one list split at different places.
fn parted<T: Clone>(all: &[T]) -> Vec<(Vec<T>, Vec<T>)> {
    let parted = (0..LONG).map(|place| (all[..place].to_vec(), all[place..].to_vec()));
    parted.collect()
}

#[test]
fn lists_that_are_parted_at_another_place() {
    let numbers = |seed: usize| random().skip(seed).take(LONG).collect::<Vec<_>>();
    let fair: Vec<_> = (0..LONG)
        .map(|seed| (numbers(seed)[..9].to_vec(), Vec::new()))
        .collect();
    assert_as_cheap("numbers in two lists", &parted(&vec![254_u64; LONG]), &fair);
    let texts = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>();
    let fair: Vec<_> = (0..LONG)
        .map(|seed| (texts(&numbers(seed)[..9]), Vec::new()))
        .collect();
    assert_as_cheap("strings in two lists", &parted(&texts(&numbers(0))), &fair);
}

#[test]
#[ignore = "slow: many keys with one hash"]
fn lists_of_lists() {
    let fair: Vec<_> = random().take(KEYS).map(|number| vec![vec![number; 12]]).collect();
    // Between two numbers there is either the end of a list, or a number that might look like one.
    for end in [0_u64, 1, 3, 254] {
        let chosen = |number| {
            let mut lists = vec![vec![1]];
            for ends in choices(number) {
                let last = lists.last_mut().expect("there is a list");
                if ends {
                    lists.push(vec![1]);
                } else {
                    last.extend([end, 1]);
                }
            }
            lists
        };
        let chosen: Vec<_> = (0..KEYS).map(chosen).collect();
        assert_as_cheap("numbers in lists of lists", &chosen, &fair);
    }
    let chosen = |number| {
        let mut lists = vec![vec!["a".to_owned()]];
        for ends in choices(number) {
            if ends {
                lists.push(Vec::new());
            }
            lists.last_mut().expect("there is a list").push("a".into());
        }
        lists
    };
    let fair: Vec<_> = random()
        .take(KEYS)
        .map(|number| vec![vec![number.to_string(); 12]])
        .collect();
    assert_as_cheap(
        "strings in lists of lists",
        &(0..KEYS).map(chosen).collect::<Vec<_>>(),
        &fair,
    );
}

#[test]
fn lists_of_nothing() {
    let chosen: Vec<_> = (0..LONG).map(|length| vec![(); length]).collect();
    let fair: Vec<_> = chosen.clone();
    assert_as_cheap("lists of nothing", &chosen, &fair);
    let chosen = |number| {
        choices(number)
            .map(|some| if some { vec![vec![]] } else { vec![] })
            .collect()
    };
    let chosen: Vec<Vec<Vec<Vec<()>>>> = (0..KEYS).map(chosen).collect();
    assert_as_cheap("empty lists", &chosen, &chosen);
}

#[test]
fn numbers_of_another_width() {
    const HIGH: u128 = 1 << 64;
    let fair: Vec<_> = random()
        .take(KEYS)
        .map(|number| vec![number.into(); 12])
        .collect();
    let wide = |number| choices(number).map(|wide| if wide { HIGH } else { 0 }).collect();
    assert_as_cheap(
        "wide numbers",
        &(0..KEYS).map(wide).collect::<Vec<Vec<u128>>>(),
        &fair,
    );
    let fair: Vec<_> = random()
        .take(KEYS)
        .map(|number| vec![number.into(); 12])
        .collect();
    let signed = |number| choices(number).map(|negative| if negative { -1 } else { HIGH.cast_signed() - 1 });
    let chosen: Vec<Vec<i128>> = (0..KEYS).map(|number| signed(number).collect()).collect();
    assert_as_cheap("signed numbers", &chosen, &fair);
    let wide = |number| {
        choices(number).map(|low| {
            if low {
                i128::MIN
            } else {
                i128::MIN.cast_unsigned() as i128 >> 1
            }
        })
    };
    let chosen: Vec<Vec<i128>> = (0..KEYS).map(|number| wide(number).collect()).collect();
    assert_as_cheap("wide signed numbers", &chosen, &fair);
    // A number is found by its value, for any type.
    assert_eq!(hash(&-1_i8), hash(&-1_i128));
    assert_eq!(hash(&u64::MAX), hash(&i128::from(u64::MAX)));
    assert_eq!(hash(&u128::MAX), hash(&Key::of(&u128::MAX)));
}

/// A number, or a list of such, as in JSON.
#[derive(Clone)]
enum Tree {
    Number(u64),
    List(Vec<Tree>),
}

impl RingKey for Tree {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match self {
            Tree::Number(number) => number.ring_key(key),
            Tree::List(list) => key.list(list),
        }
    }
}

/// Twelve numbers in thirteen lists: each number stands either before the rest, or with it in one more list.
#[test]
fn lists_that_begin_at_another_place() {
    let chosen = |number| {
        let mut tree = vec![];
        for within in choices(number) {
            let list = Tree::List(tree);
            tree = match within {
                true => vec![Tree::List(vec![Tree::Number(5), list])],
                false => vec![Tree::Number(5), Tree::List(vec![list])],
            };
        }
        Tree::List(tree)
    };
    let chosen: Vec<_> = (0..KEYS).map(chosen).collect();
    let mut random = random();
    let mut fair = || Tree::List(random.by_ref().take(12).map(Tree::Number).collect());
    let fair: Vec<_> = std::iter::repeat_with(&mut fair).take(KEYS).collect();
    assert_as_cheap("numbers in lists that begin elsewhere", &chosen, &fair);
}

/// A type that names its shape by a label.
struct Shape(bool);

impl RingKey for Shape {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.label(if self.0 { "circle" } else { "square" });
        key.open("", Bracket::Round);
        key.element(&1_u8);
        key.close(Bracket::Round);
    }
}

#[test]
fn shapes_with_labels() {
    let chosen: Vec<Vec<Shape>> = (0..KEYS)
        .map(|number| choices(number).map(Shape).collect())
        .collect();
    assert_as_cheap("labels in lists", &chosen, &chosen);
}
