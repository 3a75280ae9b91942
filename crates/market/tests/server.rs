//! The endpoints over a real socket.

use market::{Market, Server};
use pipeline::{Decimal, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn get(server: &Server, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let status = response[9..12].parse().unwrap();
    (status, response.split_once("\r\n\r\n").unwrap().1.to_string())
}

async fn server(clock: Arc<AtomicU64>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Server::start(Arc::new(Market::recorded()), listener, move || clock.load(Ordering::Relaxed)).unwrap()
}

#[tokio::test]
async fn four_markets_answer_in_four_forms() {
    let server = server(Arc::new(AtomicU64::new(1_678_406_460))).await;
    let mut bodies = vec![];
    for source in server.sources(3) {
        let path = source.url.strip_prefix(&format!("http://{}", server.address())).unwrap().to_string();
        assert!(path.starts_with("/oracle/3/"));
        let (status, body) = get(&server, &path).await;
        assert_eq!(status, 200);
        Value::from_json(body.as_bytes()).unwrap();
        bodies.push(body);
    }
    assert_eq!(
        bodies,
        [
            r#"{"symbol":"BTCUSD","price":"20359.86","volume":"11.09071","time":1678406460000}"#,
            r#"{"data":{"pair":"BTCUSDT","last_cents":"2035679","volume":"7.74325","at":1678406460},"success":true}"#,
            r#"[{"id":0,"price":20346.99,"qty":"0.03937","time":1678406460000},{"id":1,"price":20362.81,"qty":"0","time":1678406400000}]"#,
            r#"{"error":[],"result":{"BTCUSDC":{"c":["20358.05","0.09824124"],"v":["0.09824124","0.09824124"],"t":1678406460}}}"#,
        ]
    );
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_factor_lies_to_one_oracle_only_and_exactly() {
    let clock = Arc::new(AtomicU64::new(1_678_406_400));
    let server = server(clock.clone()).await;
    server.set_factor(2, "1.5".parse().unwrap());
    assert!(get(&server, "/oracle/2/binanceus_btcusd").await.1.contains(r#""price":"30556.56""#));
    assert!(get(&server, "/oracle/1/binanceus_btcusd").await.1.contains(r#""price":"20371.04""#));
    server.set_factor(2, Decimal::from(1));
    assert!(get(&server, "/oracle/2/binanceus_btcusd").await.1.contains(r#""price":"20371.04""#));
    clock.store(1_678_406_460, Ordering::Relaxed);
    assert!(get(&server, "/oracle/2/binanceus_btcusd").await.1.contains(r#""price":"20359.86""#));
}

#[tokio::test]
async fn what_is_not_there_is_an_error_of_http() {
    let server = server(Arc::new(AtomicU64::new(5))).await;
    assert_eq!(get(&server, "/oracle/0/mars").await, (404, r#"{"error":"there is no such market"}"#.into()));
    assert_eq!(
        get(&server, "/oracle/0/kraken_btcusdc").await,
        (503, r#"{"error":"the market has not traded yet"}"#.into())
    );
    assert_eq!(get(&server, "/oracle/x/kraken_btcusdc").await.0, 400);
    assert_eq!(get(&server, "/").await.0, 404);
}
