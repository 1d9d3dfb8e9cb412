//! Keys of derived types.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::rc::Rc;

use ring_cache::key::EncodedKey;
use ring_cache::{Key, KeyWriter, RingKey, TypeName};

fn text<K: RingKey + ?Sized>(key: &K) -> String {
    Key::of(key).to_string()
}

fn name<K: RingKey + ?Sized>() -> String {
    let mut name = TypeName::default();
    K::ring_name(&mut name);
    name.to_string()
}

/// Not a key.
struct Client;

#[derive(RingKey)]
#[ring_key(prefix = "page")]
struct Page {
    url: String,
    #[ring_key(skip)]
    _http: Client,
}

#[test]
fn one_field_is_transparent() {
    #[derive(RingKey)]
    struct Id(u64);
    #[derive(RingKey)]
    struct User {
        id: Id,
    }

    assert_eq!(text(&User { id: Id(7) }), "7");
    assert_eq!(EncodedKey::of(&User { id: Id(7) }), EncodedKey::of(&7_u64));
}

#[test]
fn a_prefix_labels_the_only_field() {
    let page = Page {
        url: "http://example.com".into(),
        _http: Client,
    };
    assert_eq!(text(&page), "page=http://example.com");
    assert_eq!(text(&(page, 1)), "(page='http://example.com',1)");
}

#[test]
fn the_only_field_is_labelled_where_it_is_renamed() {
    #[derive(RingKey)]
    struct User {
        #[ring_key(rename = "user")]
        id: u64,
    }
    #[derive(RingKey)]
    #[ring_key(prefix = "page")]
    struct Page(#[ring_key(rename = "url")] &'static str);

    assert_eq!(text(&User { id: 7 }), "user=7");
    assert_eq!(text(&Page("a")), "page=url=a");
}

#[test]
fn several_fields_are_a_group() {
    #[derive(RingKey)]
    struct User {
        id: u32,
        name: &'static str,
    }
    #[derive(RingKey)]
    #[ring_key(prefix = "user")]
    struct Prefixed {
        id: u32,
        name: &'static str,
    }
    #[derive(RingKey)]
    struct Point(i8, i8);
    #[derive(RingKey)]
    #[ring_key(prefix = "pt")]
    struct Named(i8, #[ring_key(rename = "y")] i8);

    let name = "Ada: it's";
    assert_eq!(text(&User { id: 1, name }), "(id=1,name=\"Ada:%20it's\")");
    assert_eq!(text(&Prefixed { id: 1, name: "x" }), "user(id=1,name='x')");
    assert_eq!(text(&Point(1, -2)), "(1,-2)");
    assert_eq!(text(&Named(1, -2)), "pt(1,y=-2)");
}

#[test]
fn no_field_is_a_word() {
    #[derive(RingKey)]
    struct Unit;
    #[derive(RingKey)]
    struct Empty {}
    #[derive(RingKey)]
    #[ring_key(prefix = "all")]
    struct Prefixed(
        #[ring_key(skip)]
        #[allow(dead_code)]
        Client,
    );

    assert_eq!(text(&Unit), "Unit");
    assert_eq!(text(&Empty {}), "Empty");
    assert_eq!(text(&Prefixed(Client)), "all");
}

#[test]
fn enums_say_their_variant() {
    #[derive(RingKey)]
    enum Shape {
        Nothing,
        Circle(u32),
        #[ring_key(rename = "box")]
        Rectangle {
            width: u32,
            #[ring_key(rename = "h")]
            height: u32,
        },
        Tagged {
            tag: &'static str,
            #[ring_key(skip)]
            #[allow(dead_code)]
            client: Client,
        },
        Opaque(
            #[ring_key(skip)]
            #[allow(dead_code)]
            Client,
        ),
    }
    #[derive(RingKey)]
    #[ring_key(prefix = "sort")]
    enum Sort {
        Up,
        By(&'static str),
    }

    assert_eq!(text(&Shape::Nothing), "Nothing");
    assert_eq!(text(&Shape::Circle(3)), "Circle(3)");
    assert_eq!(
        text(&Shape::Rectangle { width: 1, height: 2 }),
        "box(width=1,h=2)"
    );
    let tagged = Shape::Tagged {
        tag: "t",
        client: Client,
    };
    assert_eq!(text(&tagged), "Tagged(tag='t')");
    assert_eq!(text(&Shape::Opaque(Client)), "Opaque");
    assert_eq!(text(&Sort::Up), "sort=Up");
    assert_eq!(text(&Sort::By("name")), "sort=By('name')");
}

#[test]
fn an_enum_without_variants_compiles() {
    #[derive(RingKey)]
    enum Never {}

    assert_eq!(text(&None::<Never>), "None");
}

#[test]
fn a_function_feeds_what_is_no_key() {
    struct Rgb(u8, u8, u8);

    fn hex<W: KeyWriter>(color: &Rgb, key: &mut W) {
        key.text(&format!("{:02x}{:02x}{:02x}", color.0, color.1, color.2));
    }
    fn lower(text: &str, key: &mut impl KeyWriter) {
        key.text(&text.to_lowercase());
    }
    #[derive(RingKey)]
    struct Car {
        #[ring_key(with = hex)]
        color: Rgb,
        #[ring_key(with = lower, rename = "plate")]
        number: String,
    }

    let car = Car {
        color: Rgb(255, 0, 1),
        number: "AB-1".into(),
    };
    assert_eq!(text(&car), "(color='ff0001',plate='ab-1')");
}

#[test]
fn raw_identifiers_lose_their_mark() {
    #[derive(RingKey)]
    #[allow(non_camel_case_types)]
    struct r#loop;
    #[derive(RingKey)]
    struct Raw {
        r#type: u8,
        r#fn: u8,
    }
    #[derive(RingKey)]
    #[allow(non_camel_case_types)]
    enum Word {
        r#match,
    }

    assert_eq!(text(&r#loop), "loop");
    assert_eq!(text(&Raw { r#type: 1, r#fn: 2 }), "(type=1,fn=2)");
    assert_eq!(text(&Word::r#match), "match");
    assert_eq!(name::<r#loop>(), "it.derive.raw_identifiers_lose_their_mark.loop");
}

#[test]
fn lifetimes_and_const_parameters_go_along() {
    #[derive(RingKey)]
    struct Query<'a, const N: usize> {
        words: [&'a str; N],
        language: Cow<'a, str>,
    }

    let query = Query {
        words: ["a", "b"],
        language: "en".into(),
    };
    assert_eq!(text(&query), "(words=['a','b'],language='en')");
    assert_eq!(
        name::<Query<'_, 2>>(),
        "it.derive.lifetimes_and_const_parameters_go_along.Query<2>"
    );
}

mod generic {
    use super::*;

    #[derive(RingKey)]
    pub(super) struct Pair<A, B = A> {
        pub(super) left: A,
        pub(super) right: Vec<B>,
    }

    /// The usual type of a typed number: `T` has no bounds.
    #[derive(RingKey)]
    pub(super) struct Id<T: ?Sized> {
        pub(super) number: u64,
        #[ring_key(skip)]
        pub(super) of: PhantomData<T>,
    }

    #[derive(RingKey)]
    pub(super) struct Order {
        pub(super) customer: Id<Client>,
        pub(super) marker: PhantomData<Client>,
    }

    #[derive(RingKey)]
    pub(super) struct Owner<T> {
        pub(super) of: Option<Id<T>>,
    }

    pub(super) trait Entity {
        type Key;
    }

    impl Entity for Client {
        type Key = u8;
    }

    #[derive(RingKey)]
    pub(super) struct Of<E: Entity>
    where
        E: Sized,
    {
        pub(super) key: E::Key,
        pub(super) keys: Vec<<E as Entity>::Key>,
    }

    #[derive(RingKey)]
    pub(super) struct Bounded<T: RingKey>(#[ring_key(skip)] pub(super) PhantomData<T>);

    #[derive(RingKey)]
    pub(super) struct Unsized<T: ?Sized> {
        pub(super) number: u8,
        pub(super) tail: T,
    }
}

#[test]
fn bounds_ask_for_what_the_fields_need() {
    use generic::*;

    let pair = Pair {
        left: 1,
        right: vec!["a"],
    };
    assert_eq!(text(&pair), "(left=1,right=['a'])");
    let id = || Id::<Client> {
        number: 5,
        of: PhantomData,
    };
    let order = Order {
        customer: id(),
        marker: PhantomData,
    };
    assert_eq!(text(&order), "(customer=5,marker=())");
    assert_eq!(text(&Owner { of: Some(id()) }), "Some(5)");
    let of = Of::<Client> {
        key: 1,
        keys: vec![2],
    };
    assert_eq!(text(&of), "(key=1,keys=b'%02')");
    assert_eq!(text(&Bounded::<u8>(PhantomData)), "Bounded");
    let tail: &Unsized<[u16]> = &Unsized {
        number: 1,
        tail: [2, 3],
    };
    assert_eq!(text(tail), "(number=1,tail=[2,3])");
}

#[test]
fn types_may_contain_themselves() {
    #[derive(RingKey)]
    struct List<T> {
        head: T,
        tail: Option<Box<List<T>>>,
    }
    #[derive(RingKey)]
    enum Tree<T> {
        Leaf(T),
        Node(Vec<Self>),
    }
    struct Own<T>(T);
    impl<T: RingKey> RingKey for Own<T> {
        fn ring_key<W: KeyWriter>(&self, key: &mut W) {
            self.0.ring_key(key);
        }
    }
    #[derive(RingKey)]
    struct Wrapped<T> {
        value: T,
        inner: Option<Rc<Own<Wrapped<T>>>>,
    }

    let list = List {
        head: 1,
        tail: Some(Box::new(List { head: 2, tail: None })),
    };
    assert_eq!(text(&list), "(head=1,tail=Some((head=2,tail=None)))");
    let tree = Tree::Node(vec![Tree::Leaf("a"), Tree::Node(vec![])]);
    assert_eq!(text(&tree), "Node([Leaf('a'),Node([])])");
    let wrapped = Wrapped {
        value: 1,
        inner: Some(Rc::new(Own(Wrapped {
            value: 2,
            inner: None,
        }))),
    };
    assert_eq!(text(&wrapped), "(value=1,inner=Some((value=2,inner=None)))");
}

#[test]
fn types_know_their_names() {
    #[derive(RingKey)]
    #[ring_key(name = "shop.User")]
    struct Named<T>(T);

    assert_eq!(name::<Page>(), "it.derive.Page");
    assert_eq!(
        name::<generic::Pair<u8, Page>>(),
        "it.derive.generic.Pair<u8,it.derive.Page>"
    );
    assert_eq!(name::<Named<bool>>(), "shop.User<bool>");
    assert_eq!(name::<generic::Bounded<u8>>(), "it.derive.generic.Bounded<u8>");
    // The parameter has no bounds, so it has no name here.
    assert_eq!(name::<generic::Id<Client>>(), "it.derive.generic.Id<_>");
}

#[test]
fn types_of_one_name_in_two_functions_have_two_names() {
    fn first() -> String {
        #[derive(RingKey)]
        struct Local<T: RingKey>(T);
        name::<Local<u8>>()
    }
    fn second() -> String {
        #[derive(RingKey)]
        struct Local<T: RingKey>(T);
        name::<Local<u8>>()
    }

    let function = "it.derive.types_of_one_name_in_two_functions_have_two_names";
    assert_eq!(first(), format!("{function}.first.Local<u8>"));
    assert_eq!(second(), format!("{function}.second.Local<u8>"));
}

#[test]
fn packed_structs_are_copied() {
    #[derive(RingKey)]
    #[repr(C, packed)]
    struct Packed {
        small: u8,
        big: u64,
    }

    assert_eq!(text(&Packed { small: 1, big: 2 }), "(small=1,big=2)");
}

/// The user's names that generated code must not use.
mod hygiene {
    #![allow(dead_code, non_camel_case_types)]

    pub(super) struct Option;
    pub(super) struct Vec;
    pub(super) trait RingKey {}
    pub(super) trait KeyWriter {
        fn open(&self) {}
        fn close(&self) {}
    }
    impl<T> KeyWriter for T {}
    pub(super) mod core {}
    pub(super) mod std {}

    #[derive(ring_cache::RingKey)]
    pub(super) struct Both<W, S> {
        pub(super) key: W,
        pub(super) name: S,
    }

    pub(super) fn __key() {}

    macro_rules! type_of {
        ($name:ident, $field:ty) => {
            #[derive(ring_cache::RingKey)]
            pub(super) struct $name<T>(pub(super) $field, pub(super) T);
        };
    }

    type_of!(Made, u8);
}

#[test]
fn generated_code_is_hygienic() {
    let both = hygiene::Both { key: 1, name: "a" };
    assert_eq!(text(&both), "(key=1,name='a')");
    assert_eq!(text(&hygiene::Made(1, true)), "(1,true)");
}
