//! Invalidations from Redis: client-side caching in broadcasting mode, over RESP3.
//!
//! One connection receives the changed keys of the namespace. Heartbeats detect that it hangs. See
//! <https://redis.io/docs/latest/develop/reference/client-side-caching/>.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind, RedisResult, Value, cmd};
use ring_cache_core::storage::Observer;
use tokio::time::{sleep, timeout};

use super::address;
use crate::remote::pool::CONNECT_TIMEOUT;

/// The interval of heartbeats.
const HEARTBEAT: Duration = Duration::from_millis(300);
/// The timeout of a heartbeat. A connection that hangs is detected in less than a second.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_millis(500);
/// The pause before the first attempt to reconnect. It doubles with each failure.
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// How often to check whether the observer is gone.
const CHECK: Duration = Duration::from_millis(100);

/// Tells `observer` of changes in the namespace, on a thread of its own, until it is gone.
pub(super) fn begin(client: &Client, namespace: &str, observer: Arc<dyn Observer>) {
    let (client, namespace) = (client.clone(), namespace.to_owned());
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        let watching = runtime.spawn(watch(client, namespace, Arc::clone(&observer)));
        runtime.block_on(async {
            while !observer.is_gone() && !watching.is_finished() {
                sleep(CHECK).await;
            }
        });
        observer.ended();
        // Without waiting for a name look-up or a connection.
        runtime.shutdown_background();
    };
    // Without a thread, the observer is never told that it began.
    let _ = thread::Builder::new()
        .name("ring-cache-watch".to_owned())
        .spawn(run);
}

async fn watch(client: Client, namespace: String, observer: Arc<dyn Observer>) {
    let mut pause = MIN_PAUSE;
    loop {
        let is_current = Arc::new(AtomicBool::new(true));
        let subscribing = subscribed(&client, &namespace, &observer, &is_current);
        if let Ok(Ok(connection)) = timeout(CONNECT_TIMEOUT, subscribing).await {
            pause = MIN_PAUSE;
            observer.began();
            while_alive(connection).await;
        }
        // Late messages of this connection do not concern the next.
        is_current.store(false, Ordering::SeqCst);
        observer.ended();
        sleep(pause).await;
        pause = MAX_PAUSE.min(pause * 2);
    }
}

/// A connection with tracking of changes.
async fn subscribed(
    client: &Client,
    namespace: &str,
    observer: &Arc<dyn Observer>,
    is_current: &Arc<AtomicBool>,
) -> RedisResult<MultiplexedConnection> {
    address::prepare(client);
    let (told, is_current) = (Arc::clone(observer), Arc::clone(is_current));
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(None)
        .set_push_sender(move |push: PushInfo| -> Result<(), ()> {
            if is_current.load(Ordering::SeqCst) {
                tell(&*told, &push);
            }
            Ok(())
        });
    let address = client.get_connection_info();
    let settings = address
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3);
    let client = Client::open(address.clone().set_redis_settings(settings))?;
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await?;
    let mut tracking = cmd("CLIENT");
    tracking.arg("TRACKING").arg("ON").arg("BCAST");
    if !namespace.is_empty() {
        tracking.arg("PREFIX").arg(namespace);
    }
    tracking.query_async::<()>(&mut connection).await?;
    Ok(connection)
}

/// Returns when the connection is lost or hangs.
async fn while_alive(mut connection: MultiplexedConnection) {
    let ping = cmd("PING");
    while let Ok(Ok(())) = timeout(HEARTBEAT_TIMEOUT, ping.query_async(&mut connection)).await {
        sleep(HEARTBEAT).await;
    }
}

fn tell(observer: &dyn Observer, push: &PushInfo) {
    match (&push.kind, push.data.first()) {
        (PushKind::Disconnection, _) => observer.ended(),
        (PushKind::Invalidate, Some(Value::Array(keys))) => {
            let texts = keys.iter().filter_map(|key| match key {
                Value::BulkString(text) => std::str::from_utf8(text).ok(),
                _ => None,
            });
            texts.for_each(|text| observer.changed(text));
        }
        (PushKind::Invalidate, _) => observer.all_changed(),
        _ => {}
    }
}
