//! Hosts over real loopback sockets.

use bytes::Bytes;
use crypto::ed25519::SecretKey;
use p2p::{
    AnnouncementStore, BootstrapGroup, DiscoveryConfig, Endpoint, EndpointConfig, GateLimits, Generation, Host,
    HostConfig, Keyring, Locator, MemoryStore, OpenError, PeerId, SendError, StartError, Stopped, StoreError, Stored,
    StreamLimits,
};
use p2p_proto::knock;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

const DIGEST: [u8; 32] = [0x11; 32];

fn key(seed: u8) -> Arc<SecretKey> {
    Arc::new(SecretKey::from_seed(&[seed; 32]))
}

fn id(seed: u8) -> PeerId {
    key(seed).peer_id()
}

fn config(seed: u8) -> HostConfig {
    let mut config = HostConfig::new(key(seed), vec!["127.0.0.1:0".into()], Arc::new(MemoryStore::default()));
    config.dial_period = Duration::from_millis(200);
    config.discovery =
        DiscoveryConfig { reconcile_period: Duration::from_secs(1), slowest_period: Duration::from_secs(1) };
    config
}

async fn start(config: HostConfig) -> Host {
    Host::start(config).await.expect("a free port")
}

fn limits() -> StreamLimits {
    StreamLimits {
        message_bytes_max: 4 << 20,
        messages_rate: 10_000.0,
        messages_capacity: 10_000,
        bytes_rate: 100e6,
        bytes_capacity: 100 << 20,
    }
}

fn endpoint(oracles: &[u8], bootstrappers: Vec<Locator>) -> EndpointConfig {
    EndpointConfig {
        digest: DIGEST,
        peers: oracles.iter().map(|seed| id(*seed)).collect(),
        bootstrappers,
        limits: limits(),
        outgoing_messages_max: 1000,
        incoming_messages_max: 1000,
    }
}

fn locator(host: &Host) -> Locator {
    Locator { peer: host.peer_id(), addresses: host.announced_addresses().to_vec() }
}

/// Far longer than anything here takes, so that what hangs fails.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.expect("in time")
}

async fn until(condition: impl Fn() -> bool) {
    soon(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn receive(endpoint: &Endpoint) -> (usize, Bytes) {
    soon(endpoint.receive()).await.expect("an open endpoint")
}

fn counter(host: &Host, name: &str) -> u64 {
    host.counters().iter().find(|(counter, _)| *counter == name).expect("a counter").1
}

/// Two hosts with one endpoint between them, which find each other because each is the other's bootstrap node.
async fn pair(first: HostConfig, second: HostConfig) -> ((Host, Endpoint), (Host, Endpoint)) {
    let (first, second) = (start(first).await, start(second).await);
    let locators = vec![locator(&first), locator(&second)];
    let a = first.open(endpoint(&[1, 2], locators.clone())).await.unwrap();
    let b = second.open(endpoint(&[1, 2], locators)).await.unwrap();
    ((first, a), (second, b))
}

#[tokio::test]
async fn two_hosts_exchange_messages_in_every_pairing_of_generations() {
    for generations in
        [(Generation::Old, Generation::Old), (Generation::Old, Generation::New), (Generation::New, Generation::New)]
    {
        let (mut one, mut two) = (config(1), config(2));
        (one.generation, two.generation) = generations;
        let ((_first, a), (_second, b)) = pair(one, two).await;
        assert_eq!((a.position(), b.position()), (0, 1));
        a.send([0, 1], &Bytes::from_static(b"ping")).unwrap();
        assert_eq!(receive(&b).await, (0, Bytes::from_static(b"ping")));
        b.send([0], &Bytes::from_static(b"")).unwrap();
        assert_eq!(receive(&a).await, (1, Bytes::new()));
        assert!(a.is_connected(1) && a.is_open(1));
        assert_eq!(a.try_receive(), None);
    }
}

#[tokio::test]
async fn messages_of_one_sender_keep_their_order_and_share_records() {
    let ((first, a), (_second, b)) = pair(config(1), config(2)).await;
    for number in 0..1000_u32 {
        a.send([1], &Bytes::copy_from_slice(&number.to_be_bytes())).unwrap();
    }
    for number in 0..1000_u32 {
        assert_eq!(receive(&b).await.1, number.to_be_bytes()[..]);
    }
    // A record each would cost 22 bytes on 41.
    let (raw, plain) = (counter(&first, "raw_bytes_written"), counter(&first, "bytes_written"));
    assert!(raw - plain < plain / 10, "{raw} raw bytes for {plain}");
}

#[tokio::test]
async fn a_message_of_megabytes_arrives_whole() {
    let ((_first, a), (_second, b)) = pair(config(1), config(2)).await;
    let large: Bytes = (0..4 << 20).map(|i: u32| (i / 7) as u8).collect::<Vec<u8>>().into();
    a.send([1], &large).unwrap();
    assert_eq!(receive(&b).await, (0, large));
    let too_large = Bytes::from(vec![0; (4 << 20) + 1]);
    let refused = a.send([1], &too_large).unwrap_err();
    assert!(matches!(refused, SendError::Refused(p2p_proto::SendError::TooLong { got: 4_194_305, max: 4_194_304 })));
    assert_eq!(a.send([2], &too_large), Err(SendError::NoSuchPeer { got: 2, peers: 2 }));
}

#[tokio::test]
async fn what_is_not_read_displaces_the_oldest_and_sending_never_waits() {
    let (first, second) = (start(config(1)).await, start(config(2)).await);
    let mut small = endpoint(&[1, 2], vec![locator(&first), locator(&second)]);
    (small.outgoing_messages_max, small.incoming_messages_max) = (3, 2);
    let a = first.open(small.clone()).await.unwrap();
    let displaced: usize = (0..5_u8).map(|number| a.send([1], &Bytes::from(vec![number])).unwrap()).sum();
    assert_eq!(displaced, 2);
    let b = second.open(small).await.unwrap();
    until(|| counter(&second, "received_messages") == 3).await;
    assert_eq!([receive(&b).await.1[0], receive(&b).await.1[0]], [3, 4]);
    assert_eq!((b.try_receive(), counter(&second, "displaced_incoming")), (None, 1));
}

#[tokio::test]
async fn four_oracles_find_each_other_through_a_bootstrap_node() {
    let boot = start(config(9)).await;
    let oracles = [1, 2, 3, 4];
    let _group: BootstrapGroup =
        boot.register_bootstrap_group(DIGEST, oracles.map(id), vec![locator(&boot)]).await.unwrap();
    let mut running = Vec::new();
    for seed in oracles {
        let host = start(config(seed)).await;
        let endpoint = host.open(endpoint(&oracles, vec![locator(&boot)])).await.unwrap();
        running.push((host, endpoint));
    }
    for (_, sender) in &running {
        sender.send(0..4, &Bytes::from(vec![sender.position() as u8])).unwrap();
    }
    for (_, receiver) in &running {
        let mut heard = Vec::new();
        for _ in 0..3 {
            let (from, payload) = receive(receiver).await;
            assert_eq!(payload[..], [from as u8]);
            heard.push(from);
        }
        heard.sort_unstable();
        assert!(!heard.contains(&receiver.position()) && heard.windows(2).all(|pair| pair[0] < pair[1]), "{heard:?}");
    }
    let (host, _) = &running[0];
    until(|| counter(host, "oracles_discovered") == 4).await;
    assert_eq!(counter(&boot, "oracles"), 4);
}

#[tokio::test]
async fn a_peer_that_was_gone_is_found_again() {
    let ((first, a), (second, b)) = pair(config(1), config(2)).await;
    a.send([1], &Bytes::from_static(b"1")).unwrap();
    assert_eq!(receive(&b).await.1, "1");
    let mut events = first.peer_events();
    let mut again = config(2);
    again.listen = vec![second.listen_addresses()[0].to_string()];
    let locators = vec![locator(&first), locator(&second)];
    b.close().await;
    second.close().await;
    let lost = soon(events.recv()).await.unwrap();
    assert_eq!((lost.peer, lost.connected), (id(2), false));
    let second = start(again).await;
    let b = second.open(endpoint(&[1, 2], locators)).await.unwrap();
    let found = soon(events.recv()).await.unwrap();
    assert_eq!((found.peer, found.connected), (id(2), true));
    a.send([1], &Bytes::from_static(b"2")).unwrap();
    assert_eq!(receive(&b).await.1, "2");
}

#[tokio::test]
async fn a_host_that_moved_and_lost_its_memory_is_found_at_its_new_address() {
    let ((first, a), (second, b)) = pair(config(1), config(2)).await;
    a.send([1], &Bytes::from_static(b"1")).unwrap();
    receive(&b).await;
    until(|| counter(&first, "oracles_discovered") == 2).await;
    drop((b, second));
    // Another port, an empty store; the first host knows its old announcement with the same counter.
    let second = start(config(2)).await;
    let b = second.open(endpoint(&[1, 2], vec![locator(&first)])).await.unwrap();
    let moved = second.announced_addresses()[0].clone();
    until(|| first.peers().iter().any(|peer| peer.addresses.contains(&moved))).await;
    a.send([1], &Bytes::from_static(b"2")).unwrap();
    assert_eq!(receive(&b).await.1, "2");
}

#[tokio::test]
async fn two_that_dial_each_other_end_with_one_connection() {
    let ((first, _a), (second, _b)) = pair(config(1), config(2)).await;
    let alive = |host: &Host| counter(host, "established") - counter(host, "ended");
    until(|| first.peers()[0].connected && second.peers()[0].connected).await;
    until(|| alive(&first) == 1 && alive(&second) == 1).await;
}

/// What the host at the other end says before it hangs up.
async fn answer(socket: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    // A reset is a way to hang up.
    let _ = soon(socket.read_to_end(&mut said)).await;
    said
}

#[tokio::test]
async fn a_stranger_is_hung_up_on_without_a_word() {
    let ((first, _a), _second) = pair(config(1), config(2)).await;
    let knocks: [(&str, Vec<u8>); 5] = [
        ("refused_stranger", knock::build(&*key(77), id(1)).into()),
        ("refused_knock_signature", {
            let mut knock = knock::build(&*key(2), id(1));
            knock[96] ^= 1;
            knock.into()
        }),
        ("refused_knock_version", vec![1; 97]),
        ("refused_knock_oneself", knock::build(&*key(1), id(1)).into()),
        ("refused_knock_cut", vec![2; 96]),
    ];
    for (name, bytes) in knocks {
        let mut socket = TcpStream::connect(first.listen_addresses()[0]).await.unwrap();
        socket.write_all(&bytes).await.unwrap();
        socket.shutdown().await.unwrap();
        assert_eq!(answer(&mut socket).await, b"", "{name}");
        assert_eq!(counter(&first, name), 1, "{name}");
    }
}

#[tokio::test]
async fn a_replayed_knock_leads_to_a_handshake_that_its_owner_alone_can_finish() {
    let ((first, a), (_second, b)) = pair(config(1), config(2)).await;
    let mut socket = TcpStream::connect(first.listen_addresses()[0]).await.unwrap();
    socket.write_all(&knock::build(&*key(2), id(1))).await.unwrap();
    socket.write_all(&[0x16; 500]).await.unwrap();
    answer(&mut socket).await;
    until(|| counter(&first, "refused_tls") == 1).await;
    a.send([1], &Bytes::from_static(b"still here")).unwrap();
    assert_eq!(receive(&b).await.1, "still here");
}

#[tokio::test]
async fn any_bytes_on_the_port_change_nothing_but_counters() {
    let ((first, a), (_second, b)) = pair(config(1), config(2)).await;
    let mut state = 1_u64;
    for length in [0, 1, 96, 97, 98, 500, 5000] {
        let mut socket = TcpStream::connect(first.listen_addresses()[0]).await.unwrap();
        let garbage: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(length)
        .collect();
        // The host may hang up before it has read all.
        let _ = socket.write_all(&garbage).await;
        let _ = socket.shutdown().await;
        assert_eq!(answer(&mut socket).await, b"");
    }
    let refused = || {
        ["refused_knock_cut", "refused_knock_version", "refused_stranger"]
            .map(|name| counter(&first, name))
            .iter()
            .sum::<u64>()
    };
    until(|| refused() == 7).await;
    a.send([1], &Bytes::from_static(b"still here")).unwrap();
    assert_eq!(receive(&b).await, (0, Bytes::from_static(b"still here")));
}

#[tokio::test]
async fn the_door_is_capped_per_source_and_in_all_and_the_silent_give_way() {
    for (limits, name) in [
        (GateLimits { total_max: 100, source_max: 2 }, "refused_crowded_source"),
        (GateLimits { total_max: 2, source_max: 100 }, "refused_crowded"),
    ] {
        let mut crowded = config(1);
        crowded.gate = limits;
        let host = start(crowded).await;
        let address = host.listen_addresses()[0];
        let mut first = TcpStream::connect(address).await.unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        until(|| counter(&host, "accepted") == 2).await;
        let mut third = TcpStream::connect(address).await.unwrap();
        assert_eq!(answer(&mut first).await, b"", "it was sent away before its time");
        assert_eq!(counter(&host, name), 1);
        third.write_all(&knock::build(&*key(77), id(1))).await.unwrap();
        answer(&mut third).await;
        assert_eq!(counter(&host, "refused_stranger"), 1);
        assert_eq!(counter(&host, "refused_knock_timeout"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_knock_that_does_not_come_is_waited_for_five_seconds() {
    let host = start(config(1)).await;
    let began = Instant::now();
    let mut socket = TcpStream::connect(host.listen_addresses()[0]).await.unwrap();
    socket.write_all(&[2; 96]).await.unwrap();
    let mut said = Vec::new();
    let _ = socket.read_to_end(&mut said).await;
    assert_eq!((said.len(), counter(&host, "refused_knock_timeout")), (0, 1));
    assert!((Duration::from_secs(5)..Duration::from_secs(6)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_is_waited_for_five_seconds() {
    let host = start(config(1)).await;
    let _endpoint = host.open(endpoint(&[1, 2], Vec::new())).await.unwrap();
    let mut socket = TcpStream::connect(host.listen_addresses()[0]).await.unwrap();
    socket.write_all(&knock::build(&*key(2), id(1))).await.unwrap();
    let mut said = Vec::new();
    let _ = socket.read_to_end(&mut said).await;
    assert_eq!((said.len(), counter(&host, "refused_tls_timeout")), (0, 1));
}

/// Passes bytes on between a dialer and `to`, until it is told to take no more.
async fn relay(to: SocketAddr) -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let freeze = watch::Sender::new(false);
    let frozen = freeze.subscribe();
    tokio::spawn(async move {
        while let Ok((mut dialer, _)) = listener.accept().await {
            let mut frozen = frozen.clone();
            tokio::spawn(async move {
                let mut listener = TcpStream::connect(to).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut dialer, &mut listener) => return,
                    _ = frozen.wait_for(|frozen| *frozen) => {}
                }
                // Neither end is told.
                std::future::pending::<()>().await;
            });
        }
    });
    (address, freeze)
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_left() {
    let (first, second) = (start(config(1)).await, start(config(2)).await);
    let (through, freeze) = relay(second.listen_addresses()[0]).await;
    let b = second.open(endpoint(&[1, 2], Vec::new())).await.unwrap();
    let way = Locator { peer: id(2), addresses: vec![through.to_string()] };
    let a = first.open(endpoint(&[1, 2], vec![way])).await.unwrap();
    a.send([1], &Bytes::from_static(b"1")).unwrap();
    assert_eq!(receive(&b).await.1, "1");
    freeze.send_replace(true);
    tokio::time::pause();
    // More than the kernel takes for them.
    let large = Bytes::from(vec![0; 4 << 20]);
    for _ in 0..20 {
        a.send([1], &large).unwrap();
    }
    let began = Instant::now();
    while counter(&first, "closed_stalled") == 0 {
        tokio::time::advance(Duration::from_millis(100)).await;
        assert!(began.elapsed() < Duration::from_secs(60));
    }
    assert!(began.elapsed() >= Duration::from_secs(5));
}

#[tokio::test]
async fn a_port_in_use_is_a_clear_error() {
    let first = start(config(1)).await;
    let mut second = config(2);
    let address = first.listen_addresses()[0].to_string();
    second.listen = vec![address.clone()];
    let error = Host::start(second).await.unwrap_err();
    assert!(matches!(&error, StartError::Listen { address: at, .. } if *at == address));
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test]
async fn endpoints_that_cannot_be_are_refused_and_a_closed_one_makes_room() {
    let host = start(config(1)).await;
    assert!(matches!(host.open(endpoint(&[2, 3], Vec::new())).await, Err(OpenError::Endpoint(_))));
    assert!(matches!(host.open(endpoint(&[1, 2, 2], Vec::new())).await, Err(OpenError::Endpoint(_))));
    let mut nameless = endpoint(&[1, 2], Vec::new());
    nameless.incoming_messages_max = 0;
    assert!(matches!(host.open(nameless).await, Err(OpenError::Stream(_))));
    let open = host.open(endpoint(&[1, 2], Vec::new())).await.unwrap();
    assert!(matches!(host.open(endpoint(&[1, 2], Vec::new())).await, Err(OpenError::Join(_))));
    assert_eq!(host.peers().len(), 1);
    open.close().await;
    assert_eq!(host.peers().len(), 0);
    let open = host.open(endpoint(&[1, 2], Vec::new())).await.unwrap();
    host.close().await;
    assert_eq!(soon(open.receive()).await, None);
}

/// Lets the future begin, and no more.
async fn begin(future: &mut (impl Future + Unpin)) {
    tokio::select! {
        biased;
        _ = future => panic!("done at once"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn who_gives_up_opening_is_in_no_group_and_puts_nobody_out_of_one() {
    let host = start(config(1)).await;
    let open = || Box::pin(host.open(endpoint(&[1, 2], Vec::new())));
    // Before the answer, and after it without having read it.
    let mut opening = open();
    begin(&mut opening).await;
    drop(opening);
    let mut opening = open();
    begin(&mut opening).await;
    until(|| host.peers().len() == 1).await;
    drop(opening);
    let first = open().await.unwrap();
    // A second one is refused, whether or not it waits for that.
    let mut second = open();
    begin(&mut second).await;
    drop(second);
    assert!(matches!(open().await, Err(OpenError::Join(_))));
    first.close().await;
    open().await.unwrap();
}

/// Keeps nothing, and fails from a given number of announcements on.
struct Failing {
    saves_left: AtomicUsize,
}

impl AnnouncementStore for Failing {
    fn load<'a>(&'a self, _: &'a [PeerId]) -> Stored<'a, Vec<Vec<u8>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn save<'a>(&'a self, _: PeerId, _: &'a [u8]) -> Stored<'a, ()> {
        let kept = self.saves_left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        Box::pin(std::future::ready(if kept { Ok(()) } else { Err(StoreError::from("disk full")) }))
    }
}

fn failing(mut config: HostConfig, saves: usize) -> HostConfig {
    config.store = Arc::new(Failing { saves_left: AtomicUsize::new(saves) });
    config
}

#[tokio::test]
async fn a_host_that_cannot_store_its_own_announcement_does_not_start() {
    let error = Host::start(failing(config(1), 0)).await.unwrap_err();
    assert!(matches!(&error, StartError::Store(reason) if reason.to_string() == "disk full"));
}

#[tokio::test]
async fn a_host_that_cannot_store_its_next_announcement_stops_before_it_speaks_it() {
    let ((first, a), (second, b)) = pair(config(1), config(2)).await;
    a.send([1], &Bytes::from_static(b"1")).unwrap();
    receive(&b).await;
    until(|| counter(&first, "oracles_discovered") == 2).await;
    drop((b, second));
    // It must surpass its old announcement, of which the first host reminds it.
    let second = start(failing(config(2), 1)).await;
    let b = second.open(endpoint(&[1, 2], vec![locator(&first)])).await.unwrap();
    let Stopped::Store(reason) = soon(second.stopped()).await else { panic!("closed") };
    assert_eq!(reason.to_string(), "disk full");
    assert_eq!(soon(b.receive()).await, None);
    let moved = &second.announced_addresses()[0];
    assert!(!first.peers().iter().any(|peer| peer.addresses.contains(moved)));
}
