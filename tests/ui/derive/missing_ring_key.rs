use ring_cache::RingKey;

struct Client;

#[derive(RingKey)]
struct Page {
    url: String,
    http: Client, //~
}

#[derive(RingKey)]
struct Only(Option<Client>); //~

#[derive(RingKey)]
enum Kind {
    Known(u8),
    Unknown { clients: Vec<Client> }, //~
}

#[derive(RingKey)]
struct Holder<T>(T);

fn main() {
    fn is_key<K: RingKey>() {}
    is_key::<Holder<Client>>(); //~
}
