//! Sources that hang, lie and flood, over real sockets: each costs one clear error.

use fetch::{Client, Settings};
use pipeline::{
    Access, Answer, Ask, BridgeRequest, Failure, Graph, Header, Method, Outcome, Request, Response, RunLimits,
    Variables,
};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that hands each connection, with the head of its request, to `answer`.
async fn server<F, A>(answer: F) -> SocketAddr
where
    F: Fn(TcpStream, String) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = Vec::new();
                let mut buffer = [0; 4096];
                while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                    match stream.read(&mut buffer).await {
                        Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
                        _ => return,
                    }
                }
                answer(stream, String::from_utf8_lossy(&request).into_owned()).await;
            });
        }
    });
    address
}

/// A server that says this to everyone and closes.
async fn saying(response: String) -> SocketAddr {
    server(move |mut stream, _| {
        let response = response.clone();
        async move {
            let _ = stream.write_all(response.as_bytes()).await;
        }
    })
    .await
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn client() -> Client {
    Client::new(Settings::default()).unwrap()
}

fn request(url: &str, access: Access) -> Ask {
    Ask::Http(Request { method: Method::Get, url: url.into(), headers: vec![], body: None, access })
}

async fn get(address: SocketAddr) -> Answer {
    client().perform("job", request(&format!("http://{address}/"), Access::Unrestricted)).await
}

async fn run(graph: &str, limits: RunLimits) -> Outcome {
    let (graph, _) = Graph::parse(graph).unwrap();
    client().run("job", Arc::new(graph), Variables::new(), limits).await
}

#[tokio::test]
async fn a_run_asks_its_sources_and_computes() {
    let a = saying(ok(r#"{"price": "20371.04"}"#)).await;
    let b = saying(ok("[20371.06]")).await;
    let graph = format!(
        "a [type=http url=\"http://{a}/\"] b [type=http url=\"http://{b}/\"] pa [type=jsonparse path=price] pb [type=jsonparse path=0]
         mean [type=mean] out [type=multiply times=100000000] a -> pa -> mean; b -> pb -> mean -> out"
    );
    let outcome = run(&graph, RunLimits::default()).await;
    assert_eq!(outcome.observation().unwrap(), 2_037_105_000_000u64.into());
    assert!(outcome.ended >= outcome.began && outcome.began.unix_seconds() > 1_700_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_costs_its_task_the_time_limit_and_no_more() {
    let silent = server(|stream, _| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let graph = format!(
        "a [type=http url=\"http://{silent}/\" timeout=\"3s\"] b [type=memo value=7] m [type=median] a -> m; b -> m"
    );
    let started = tokio::time::Instant::now();
    let outcome = run(&graph, RunLimits::default()).await;
    assert_eq!(started.elapsed().as_secs(), 3);
    assert_eq!(outcome.observation().unwrap(), 7.into());
    let errors: Vec<String> = outcome.errors().map(|(task, error)| format!("{}: {error}", task.name)).collect();
    assert_eq!(errors, ["a: no answer within 3s"]);
}

#[tokio::test]
async fn a_flood_is_cut_off_at_the_limit() {
    // Once with an honest declaration of 2 GB, once without any.
    for head in ["Content-Length: 2147483648\r\n", ""] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = sent.clone();
        let (done, mut was_done) = tokio::sync::mpsc::channel::<()>(1);
        let flood = server(move |mut stream, _| {
            let (counter, done) = (counter.clone(), done.clone());
            async move {
                let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes()).await;
                while stream.write_all(&[b'7'; 65_536]).await.is_ok() {
                    counter.fetch_add(65_536, Ordering::Relaxed);
                }
                let _ = done.send(()).await;
            }
        })
        .await;
        assert_eq!(get(flood).await, Answer::Failed(Failure::TooLarge { limit: 32_768 }));
        was_done.recv().await.unwrap();
        assert!(sent.load(Ordering::Relaxed) < 64 << 20, "the connection was closed long before 2 GB");
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read() {
    let full = saying(ok(&"7".repeat(32_768))).await;
    let Answer::Response(response) = get(full).await else { panic!() };
    assert_eq!(response.body.len(), 32_768);
    let over = saying(ok(&"7".repeat(32_769))).await;
    assert_eq!(get(over).await, Answer::Failed(Failure::TooLarge { limit: 32_768 }));
}

#[tokio::test]
async fn a_lie_about_the_length_is_a_transport_error() {
    let short = saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"price\"".into()).await;
    let Answer::Failed(Failure::Transport(text)) = get(short).await else { panic!() };
    assert!(text.as_str().contains("end of file before message length reached"), "{text}");
    let garbage = saying("I am not HTTP\r\n\r\n".into()).await;
    assert!(matches!(get(garbage).await, Answer::Failed(Failure::Transport(_))));
    let endless_head = server(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(&b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(100)).await.is_ok() {}
    })
    .await;
    assert!(matches!(get(endless_head).await, Answer::Failed(Failure::Transport(_))));
    // Bound, so that nobody else takes the port, but not listening.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let Answer::Failed(Failure::Transport(text)) = get(closed.local_addr().unwrap()).await else { panic!() };
    assert!(text.as_str().contains("refused") && !text.as_str().contains("http://"), "{text}");
}

#[tokio::test]
async fn a_redirect_loop_ends_after_ten() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let redirecting = server(move |mut stream, _| {
        let count = counter.fetch_add(1, Ordering::Relaxed);
        async move {
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: /{count}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
        }
    })
    .await;
    assert_eq!(get(redirecting).await, Answer::Failed(Failure::REDIRECTS));
    assert_eq!(asked.load(Ordering::Relaxed), 11, "the request and ten redirects");
    let to_file =
        saying("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n".into()).await;
    let answer = get(to_file).await;
    assert!(matches!(answer, Answer::Failed(Failure::Url { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_page_instead_of_json_is_named_in_the_error() {
    let page = saying(ok("<!DOCTYPE html><html>Access denied</html>")).await;
    let graph = format!("a [type=http url=\"http://{page}/\"] p [type=jsonparse path=price] a -> p");
    let outcome = run(&graph, RunLimits::default()).await;
    assert_eq!(
        outcome.observation().unwrap_err().to_string(),
        "task `p` failed: not JSON at line 1, column 1: <!DOCTYPE html><html>Access denied</html>"
    );
}

#[tokio::test]
async fn restricted_access_never_reaches_this_machine() {
    let reached = Arc::new(AtomicUsize::new(0));
    let counter = reached.clone();
    let inner = server(move |mut stream, _| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            let _ = stream.write_all(ok("secret").as_bytes()).await;
        }
    })
    .await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1"] {
        let url = format!("http://{host}:{}/", inner.port());
        let answer = client().perform("job", request(&url, Access::Public)).await;
        assert!(matches!(answer, Answer::Failed(Failure::NotPublic { .. })), "{host}: {answer:?}");
    }
    assert_eq!(reached.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn method_headers_and_body_go_out_as_asked() {
    let (heard, mut hearing) = tokio::sync::mpsc::channel::<String>(1);
    let listening = server(move |mut stream, head| {
        let heard = heard.clone();
        async move {
            let _ = stream.write_all(ok("{}").as_bytes()).await;
            let _ = heard.send(head).await;
        }
    })
    .await;
    let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let ask = Ask::Http(Request {
        method: Method::Put,
        url: format!("http://{listening}/path?q=1"),
        headers: vec![
            header("Content-Type", "application/json"),
            header("content-type", "text/plain"),
            header("X-Key", "k"),
        ],
        body: Some(b"{\"a\":1}".to_vec()),
        access: Access::Unrestricted,
    });
    assert!(matches!(client().perform("job", ask).await, Answer::Response(Response { status: 200, .. })));
    let head = hearing.recv().await.unwrap().to_ascii_lowercase();
    assert!(head.starts_with("put /path?q=1 http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: text/plain\r\n") && !head.contains("application/json"), "{head}");
    assert!(head.contains("x-key: k\r\n") && head.contains("content-length: 7\r\n"), "{head}");
    assert!(!head.contains("accept-encoding"), "{head}");
}

#[tokio::test]
async fn an_adapter_that_fails_is_replaced_by_its_last_good_response_while_that_is_fresh() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let adapter = server(move |mut stream, _| {
        let is_first = counter.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            let good = r#"{"data": {"result": 5}, "statusCode": 200}"#;
            let body = if is_first { good } else { r#"{"statusCode": 502, "error": "down"}"# };
            let _ = stream.write_all(ok(body).as_bytes()).await;
        }
    })
    .await;
    let bridges = BTreeMap::from([("Prices".to_string(), format!("http://{adapter}/"))]);
    let client = Client::new(Settings { bridges, ..Settings::default() }).unwrap();
    assert!(client.has_bridge("PRICES"));
    let ask = |bridge: &str, task: &str, seconds: Option<u64>| {
        let (bridge, task, cache_time) = (bridge.into(), task.into(), seconds.map(Duration::from_secs));
        Ask::Bridge(BridgeRequest { bridge, task, headers: vec![], body: b"{}".to_vec(), cache_time })
    };
    let is_good =
        |answer: &Answer| matches!(answer, Answer::Response(response) if response.body.starts_with(b"{\"data\""));
    assert!(is_good(&client.perform("job", ask("prices", "a", None)).await));
    let recalled = client.perform("job", ask("prices", "a", Some(600))).await;
    assert!(is_good(&recalled) && matches!(&recalled, Answer::Response(Response { age: Some(_), .. })), "{recalled:?}");
    for (job, task, seconds) in
        [("job", "a", None), ("job", "a", Some(0)), ("job", "b", Some(600)), ("other", "a", Some(600))]
    {
        assert!(!is_good(&client.perform(job, ask("prices", task, seconds)).await), "{job} {task} {seconds:?}");
    }
    let unknown = client.perform("job", ask("nobody", "a", None)).await;
    assert!(matches!(unknown, Answer::Failed(Failure::NoBridge { .. })));
}

#[test]
fn a_bridge_without_a_proper_name_or_url_is_refused() {
    for (name, url) in [("a b", "http://x/"), ("", "http://x/"), ("a", "x"), ("a", "ftp://x/")] {
        let bridges = BTreeMap::from([(name.to_string(), url.to_string())]);
        assert!(Client::new(Settings { bridges, ..Settings::default() }).is_err(), "{name} {url}");
    }
}

#[tokio::test]
async fn a_choice_is_below_its_bound_and_reaches_everything() {
    let client = client();
    let mut seen = [false; 3];
    for _ in 0..200 {
        let Answer::Chosen(index) = client.perform("job", Ask::Choose { below: 3 }).await else { panic!() };
        seen[index] = true;
    }
    assert_eq!(seen, [true; 3]);
}
