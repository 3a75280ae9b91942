//! The JSON-RPC face: conversations as text, and a real client.

mod world;

use std::{net::SocketAddr, time::Duration};

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder, WsConnect},
    rpc::types::{BlockNumberOrTag, Filter, TransactionRequest},
    signers::local::PrivateKeySigner,
};
use alloy_consensus::transaction::SignerRecoverable;
use devchain::{
    Chain, Config, Headers,
    rpc::{DevAccount, Mining, Options, Server},
};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use world::{ALICE, BOB, ETHER, REVERT, STORE, config, words};

async fn serve(mining: Mining) -> Server {
    let accounts: Vec<_> = (0..3).map(DevAccount::number).collect();
    let mut config: Config = config();
    config.balances.extend(accounts.iter().map(|account| (account.address(), U256::from(1_000 * ETHER))));
    Server::start(Chain::new(config), Options { mining, accounts, ..Options::default() }).await.expect("a free port")
}

/// Sends one HTTP request and returns status line, headers and body.
async fn http(address: SocketAddr, method: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn post(address: SocketAddr, body: &str) -> String {
    let answer = http(address, "POST", "content-type: application/json\r\n", body).await;
    answer.split_once("\r\n\r\n").expect("headers").1.to_owned()
}

async fn call(server: &Server, method: &str, params: Value) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let answer: Value = serde_json::from_str(&post(server.address(), &request.to_string()).await).unwrap();
    answer.get("result").or(answer.get("error")).expect("a result or an error").clone()
}

/// The same JSON with the fields of every object in alphabetical order, whatever features serde_json was built with.
fn sorted(json: &str) -> String {
    fn sort(value: Value) -> Value {
        match value {
            Value::Object(map) => {
                let fields: std::collections::BTreeMap<_, _> =
                    map.into_iter().map(|(key, value)| (key, sort(value))).collect();
                fields.into_iter().collect()
            }
            Value::Array(list) => list.into_iter().map(sort).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
        }
    }
    serde_json::from_str(json).map_or_else(|_| json.to_owned(), |value| sort(value).to_string())
}

/// Sends each line and writes down what comes back.
async fn transcript(script: &str) -> String {
    let server = serve(Mining::OnDemand).await;
    let mut transcript = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let request = match line.split_once(' ') {
            Some((method, params)) if line.starts_with(|first: char| first.is_ascii_lowercase()) => {
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
            }
            _ => line.to_owned(),
        };
        let answer = sorted(&post(server.address(), &request).await);
        let answer =
            answer.strip_prefix(r#"{"id":1,"jsonrpc":"2.0","#).map_or(answer.as_str(), |rest| &rest[..rest.len() - 1]);
        transcript.push_str(&format!("> {line}\n< {answer}\n"));
    }
    server.stop().await;
    transcript
}

/// Compares with the file in `snapshots`.
fn check(name: &str, transcript: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, transcript);
    });
}

#[tokio::test]
async fn broken_requests_get_the_errors_of_json_rpc() {
    check(
        "broken_requests",
        &transcript(
            r#"
            {
            []
            [1]
            7
            {"jsonrpc":"1.0","id":1,"method":"eth_chainId"}
            {"jsonrpc":"2.0","id":{},"method":"eth_chainId"}
            {"jsonrpc":"2.0","id":1}
            {"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{"a":1}}
            {"jsonrpc":"2.0","id":"a string","method":"eth_chainId"}
            {"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"eth_chainId"}
            {"jsonrpc":"2.0","method":"eth_chainId"}
            [{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},{"jsonrpc":"2.0","id":2,"method":"eth_nothing"},{"jsonrpc":"2.0","method":"eth_chainId"}]
            eth_nothing []
            eth_chainId [1]
            eth_subscribe ["newHeads"]
            "#
        )
        .await
    );
}

#[tokio::test]
async fn broken_parameters_are_named() {
    let long = format!(r#"eth_getBalance ["0x{}"]"#, "0".repeat(200));
    let many = format!(
        r#"eth_getLogs [{{"address":[{}]}}]"#,
        vec![r#""0x0000000000000000000000000000000000000001""#; 1001].join(",")
    );
    let mut script = String::from(
        r#"
        eth_getBalance []
        eth_getBalance ["0x12"]
        eth_getBalance ["00000000000000000000000000000000000000a1"]
        eth_getBalance ["0x00000000000000000000000000000000000000a1", "newest"]
        eth_getBalance ["0x00000000000000000000000000000000000000a1", "0x01"]
        eth_getBalance ["0x00000000000000000000000000000000000000a1", "0x"]
        eth_getBalance ["0x00000000000000000000000000000000000000a1", "0x7"]
        eth_getBalance ["0x00000000000000000000000000000000000000a1", {"blockHash":"0x0000000000000000000000000000000000000000000000000000000000000001"}]
        eth_getBalance ["0x00000000000000000000000000000000000000a1", {}]
        eth_getBalance ["0x00000000000000000000000000000000000000a1", "latest", 3]
        eth_getBlockByNumber ["latest", "yes"]
        eth_getStorageAt ["0x00000000000000000000000000000000000000a1", "0xzz"]
        eth_call [{"to":"0x00000000000000000000000000000000000000a1","value":"1"}]
        eth_call [{"to":"0x00000000000000000000000000000000000000a1","data":"0x1"}]
        eth_call [{"to":"0x00000000000000000000000000000000000000a1","data":"0x11","input":"0x12"}]
        eth_call [{"gasPrice":"0x1","maxFeePerGas":"0x1"}]
        eth_call [{"accessList":[{"address":"0x00000000000000000000000000000000000000a1","storageKeys":["0x1"]}]}]
        eth_getLogs [{"fromBlock":"0x2","toBlock":"0x1"}]
        eth_getLogs [{"topics":[null,["0x1"]]}]
        eth_getLogs [{"topics":[null,null,null,null,null]}]
        eth_getLogs [{"blockHash":"0x0000000000000000000000000000000000000000000000000000000000000001","fromBlock":"0x1"}]
        eth_getFilterChanges ["0x99"]
        eth_sendRawTransaction ["0x1"]
        eth_sendRawTransaction ["0x02c0"]
        eth_sendRawTransaction ["0x04c0"]
        eth_sendTransaction [{}]
        eth_sendTransaction [{"from":"0x00000000000000000000000000000000000000a1"}]
        eth_feeHistory ["0x5", "latest", [50, 20]]
        eth_feeHistory ["0x5", "0x9", []]
        evm_mine [0]
        dodona_reorg [1]
        "#,
    );
    script.push_str(&format!("{long}\n{many}\n"));
    let transcript: String =
        transcript(&script).await.lines().map(|line| format!("{}\n", &line[..line.len().min(320)])).collect();
    check("broken_parameters", &transcript);
}

#[tokio::test]
async fn a_conversation_reads_as_with_geth() {
    let sender = DevAccount::number(0).address();
    let script = format!(
        r#"
        web3_clientVersion []
        web3_sha3 ["0x68656c6c6f"]
        net_version []
        eth_chainId []
        eth_syncing []
        eth_accounts []
        eth_blockNumber []
        eth_getBlockByNumber ["earliest", false]
        eth_newBlockFilter []
        eth_newFilter [{{}}]
        eth_newPendingTransactionFilter []
        eth_sendTransaction [{{"from":"{sender}","data":"{STORE}"}}]
        txpool_status []
        eth_getTransactionCount ["{sender}", "pending"]
        eth_getTransactionCount ["{sender}", "latest"]
        evm_mine [1700000000]
        eth_sendTransaction [{{"from":"{sender}","to":"{store}","input":"{write}","gasPrice":"0x77359400","gas":"0x186a0"}}]
        evm_mine [{{"timestamp":1700000012}}]
        eth_getBlockByNumber ["0x2", true]
        eth_getBlockReceipts ["latest"]
        eth_getFilterChanges ["0x1"]
        eth_getFilterChanges ["0x1"]
        eth_getFilterChanges ["0x2"]
        eth_getFilterLogs ["0x2"]
        eth_getFilterChanges ["0x3"]
        eth_uninstallFilter ["0x3"]
        eth_uninstallFilter ["0x3"]
        eth_call [{{"to":"{store}","data":"{read}"}}, "latest"]
        eth_call [{{"to":"{store}","data":"{read}"}}, "0x1"]
        eth_getStorageAt ["{store}", "0x1", "latest"]
        eth_getTransactionCount ["{store}"]
        eth_feeHistory ["0x2", "latest", [0, 50, 100]]
        eth_gasPrice []
        eth_maxPriorityFeePerGas []
        eth_getUncleCountByBlockNumber ["latest"]
        eth_getBlockTransactionCountByNumber ["latest"]
        eth_getTransactionByBlockNumberAndIndex ["latest", "0x1"]
        eth_getProof ["{store}", ["0x1", "0x2"], "latest"]
        eth_call [{{"to":"{store}","data":"{read}"}}, "latest", {{"{store}":{{"stateDiff":{{"0x1":"0xb"}}}}}}]
        eth_call [{{"to":"{store}","data":"{read}"}}, "latest", {{"{store}":{{"state":{{}},"stateDiff":{{}}}}}}]
        eth_call [{{"to":"{store}","data":"{read}"}}, "latest", {{"a":{{}}}}]
        eth_createAccessList [{{"from":"{sender}","to":"{store}","data":"{write}"}}]
        evm_snapshot []
        dodona_reorg [1]
        eth_getFilterChanges ["0x2"]
        evm_revert ["0x1"]
        "#,
        store = sender.create(0),
        write = words([1, 10]),
        read = words([1]),
    );
    check("a_conversation", &transcript(&script).await);
}

#[tokio::test]
async fn every_method_of_the_readme_is_there() {
    let readme = include_str!("../README.md");
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    let methods: Vec<&str> =
        rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    assert_eq!(methods.len(), 54);
    let server = serve(Mining::OnDemand).await;
    let (mut socket, _) = tokio_tungstenite::connect_async(server.ws_url()).await.unwrap();
    for method in methods {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": [] });
        socket.send(request.to_string().into()).await.unwrap();
        let answer: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
        assert_ne!(answer["error"]["code"], -32601, "{method}");
    }
}

#[tokio::test]
async fn reverts_carry_their_data_and_code_three() {
    let server = serve(Mining::OnTransaction).await;
    let from = DevAccount::number(0).address();
    call(&server, "eth_sendTransaction", json!([{ "from": from, "data": REVERT }])).await;
    // Error("no").
    let error = Bytes::from([&[0x08, 0xc3, 0x79, 0xa0][..], &words([32, 2]), b"no", &[0; 30]].concat());
    let request = json!([{ "from": from, "to": from.create(0), "data": error }]);
    let wanted = json!({ "code": 3, "message": "execution reverted: no", "data": error });
    assert_eq!(call(&server, "eth_call", request.clone()).await, wanted);
    assert_eq!(call(&server, "eth_estimateGas", request.clone()).await, wanted);
    assert_eq!(call(&server, "eth_sendTransaction", request).await, wanted);
}

#[tokio::test]
async fn a_browser_of_another_origin_may_ask() {
    let server = serve(Mining::OnDemand).await;
    let headers = "origin: https://wallet.example\r\naccess-control-request-method: POST\r\n\
                   access-control-request-headers: content-type\r\naccess-control-request-private-network: true\r\n";
    let answer = http(server.address(), "OPTIONS", headers, "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for header in ["allow-origin: *", "allow-headers: *", "allow-methods: GET,POST", "allow-private-network: true"] {
        assert!(answer.contains(&format!("access-control-{header}\r\n")), "{header} in {answer}");
    }
    let hello = http(server.address(), "GET", "", "").await;
    assert!(hello.starts_with("HTTP/1.1 200") && hello.contains("development chain"), "{hello}");
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let server = serve(Mining::OnDemand).await;
    let body = " ".repeat(devchain::limits::REQUEST_BYTES_MAX + 1);
    assert!(http(server.address(), "POST", "", &body).await.starts_with("HTTP/1.1 413"));
    let one = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let batch = |calls| format!("[{}]", vec![one; calls].join(","));
    let answer: Value = serde_json::from_str(&post(server.address(), &batch(1_000)).await).unwrap();
    assert_eq!(answer.as_array().map(Vec::len), Some(1_000));
    let answer: Value = serde_json::from_str(&post(server.address(), &batch(1_001)).await).unwrap();
    assert_eq!(answer["error"]["message"], "batch too large: 1001 calls, limit 1000");

    for _ in 0..devchain::limits::FILTERS_MAX {
        call(&server, "eth_newBlockFilter", json!([])).await;
    }
    assert_eq!(call(&server, "eth_newBlockFilter", json!([])).await["code"], -32005);

    assert_eq!(call(&server, "evm_mine", json!([{ "blocks": 10_001 }])).await["code"], -32005);
    let mut long = Chain::new(Config { headers: Headers::Bare, ..config() });
    for timestamp in 1..=10_000 {
        long.mine(timestamp).unwrap();
    }
    let server = Server::start(long, Options { mining: Mining::OnDemand, ..Options::default() }).await.unwrap();
    let answer = call(&server, "eth_getLogs", json!([{ "fromBlock": "0x0", "toBlock": "latest" }])).await;
    assert_eq!(answer["message"], "block range 0 to 10000 is more than 10000 blocks");
    assert_eq!(
        call(&server, "eth_getLogs", json!([{ "fromBlock": "0x1", "toBlock": "0xffffffffffffffff" }])).await,
        json!([])
    );
}

/// A signing client with one of the funded accounts.
async fn client(server: &Server, socket: bool) -> (DynProvider, Address) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let signer = PrivateKeySigner::from_bytes(&DevAccount::number(0).secret()).unwrap();
    let address = signer.address();
    let builder = ProviderBuilder::new().wallet(EthereumWallet::from(signer));
    let provider = match socket {
        true => builder.connect_ws(WsConnect::new(server.ws_url())).await.unwrap().erased(),
        false => builder.connect_http(server.url().parse().unwrap()).erased(),
    };
    provider.client().set_poll_interval(Duration::from_millis(10));
    (provider, address)
}

#[tokio::test]
async fn alloy_deploys_calls_and_recomputes_every_hash() {
    for socket in [false, true] {
        let server = serve(Mining::OnTransaction).await;
        let (provider, sender) = client(&server, socket).await;
        let deploy = TransactionRequest::default().with_deploy_code(STORE);
        let receipt = provider.send_transaction(deploy).await.unwrap().get_receipt().await.unwrap();
        let store = receipt.contract_address.unwrap();
        assert_eq!(store, sender.create(0));

        let write = TransactionRequest::default().with_to(store).with_input(words([1, 10]));
        let receipt = provider.send_transaction(write).await.unwrap().get_receipt().await.unwrap();
        assert!(receipt.status());
        assert_eq!(receipt.logs()[0].topics(), [B256::with_last_byte(1)]);

        let block = provider.get_block_by_number(BlockNumberOrTag::Latest).full().await.unwrap().unwrap();
        assert_eq!(block.header.hash_slow(), block.header.hash);
        assert_eq!(block.header.inner.hash_slow(), block.header.hash);
        let consensus = block.clone().map_transactions(|transaction| transaction.inner.into_inner());
        assert_eq!(consensus.calculate_transactions_root().unwrap(), block.header.transactions_root);
        let transaction = block.transactions.as_transactions().unwrap()[0].clone();
        let envelope = transaction.inner.clone().into_inner();
        assert_eq!(envelope.recover_signer().unwrap(), sender);
        assert_eq!(keccak256(alloy_eips::eip2718::Encodable2718::encoded_2718(&envelope)), receipt.transaction_hash);
        let receipts = provider.get_block_receipts(BlockNumberOrTag::Latest.into()).await.unwrap().unwrap();
        assert_eq!(receipts, [receipt]);

        let read = TransactionRequest::default().with_to(store).with_input(words([1]));
        assert_eq!(provider.call(read.clone()).await.unwrap(), words([10]));
        assert_eq!(provider.call(read).block(1.into()).await.unwrap(), words([0]));
        let logs = provider.get_logs(&Filter::new().address(store).from_block(0)).await.unwrap();
        assert_eq!((logs.len(), logs[0].block_hash), (1, Some(block.header.hash)));
        let proof = provider.get_proof(store, vec![B256::with_last_byte(1)]).await.unwrap();
        assert_eq!(proof.storage_proof[0].value, U256::from(10));
        assert_eq!(keccak256(&proof.account_proof[0]), block.header.state_root);
        assert_eq!(keccak256(&proof.storage_proof[0].proof[0]), proof.storage_hash);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_client_hears_of_heads_logs_and_transactions_and_of_logs_taken_back() {
    let server = serve(Mining::OnDemand).await;
    let (provider, sender) = client(&server, true).await;
    let store = sender.create(0);
    let mut heads = provider.subscribe_blocks().await.unwrap();
    let mut logs = provider.subscribe_logs(&Filter::new().address(store)).await.unwrap();
    let mut pending = provider.subscribe_pending_transactions().await.unwrap();

    let write = TransactionRequest::default().with_to(store).with_input(words([1, 10])).with_gas_limit(100_000);
    let deploy =
        *provider.send_transaction(TransactionRequest::default().with_deploy_code(STORE)).await.unwrap().tx_hash();
    let write = *provider.send_transaction(write).await.unwrap().tx_hash();
    assert_eq!([pending.recv().await.unwrap(), pending.recv().await.unwrap()], [deploy, write]);

    // From inside the process, as the devnet does.
    let mined = server.host().chain().mine(5).unwrap();
    let head = heads.recv().await.unwrap();
    assert_eq!((head.hash, head.inner.hash_slow()), (mined.hash, mined.hash));
    let log = logs.recv().await.unwrap();
    assert_eq!((log.transaction_hash, log.removed), (Some(write), false));

    server.host().chain().reorg(1).unwrap();
    let gone = logs.recv().await.unwrap();
    assert_eq!((gone.transaction_hash, gone.block_hash, gone.removed), (Some(write), Some(mined.hash), true));
    server.host().chain().mine(6).unwrap();
    let again = logs.recv().await.unwrap();
    assert_eq!((again.transaction_hash, again.removed), (Some(write), false));
    assert_ne!(again.block_hash, Some(mined.hash));
    assert_eq!(heads.recv().await.unwrap().number, 1);
}

#[tokio::test]
async fn errors_reach_the_client_in_geths_words() {
    let server = serve(Mining::OnDemand).await;
    let (provider, _) = client(&server, false).await;
    let payment = |nonce: u64, fee: u128| {
        TransactionRequest::default()
            .with_to(BOB)
            .with_value(U256::from(1))
            .with_gas_limit(21_000)
            .with_nonce(nonce)
            .with_max_fee_per_gas(fee)
            .with_max_priority_fee_per_gas(fee / 10)
    };
    let send = async |request| provider.send_transaction(request).await.map(|_| ()).map_err(|error| error.to_string());
    send(payment(0, 10_000_000_000)).await.unwrap();
    for (request, words) in [
        (payment(0, 10_000_000_000), "error code -32000: already known"),
        (payment(0, 10_500_000_000), "error code -32000: replacement transaction underpriced"),
        (
            payment(1, 10_000_000_000).with_value(U256::from(2_000 * ETHER)),
            "insufficient funds for gas * price + value",
        ),
        (payment(1, 10_000_000_000).with_gas_limit(20_999), "intrinsic gas too low: gas 20999, minimum needed 21000"),
    ] {
        let error = send(request).await.unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    send(payment(0, 11_000_000_000)).await.unwrap();
    server.host().mine();
    let error = send(payment(0, 10_000_000_000)).await.unwrap_err();
    assert!(error.contains("nonce too low: next nonce 1, tx nonce 0"), "{error}");
}

fn wall_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn blocks_on_demand_are_each_later_than_the_last() {
    let server = serve(Mining::OnDemand).await;
    for _ in 0..3 {
        server.host().mine();
    }
    let chain = server.host().chain();
    let timestamps: Vec<u64> = (1..=3).map(|number| chain.block(number).unwrap().timestamp()).collect();
    assert!(timestamps.windows(2).all(|pair| pair[0] < pair[1]), "{timestamps:?}");
}

#[tokio::test]
async fn blocks_come_at_the_interval_with_the_walls_time_and_stop_with_the_server() {
    let started = wall_seconds();
    let server = serve(Mining::Every(Duration::from_millis(20))).await;
    let (mut socket, _) = tokio_tungstenite::connect_async(server.ws_url()).await.unwrap();
    let subscribe = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"] });
    socket.send(subscribe.to_string().into()).await.unwrap();
    socket.next().await.unwrap().unwrap();
    let mut heads = Vec::new();
    for _ in 0..3 {
        let head: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
        heads.push(head["params"]["result"].clone());
    }
    let walls = started..=wall_seconds();
    for head in &heads {
        let timestamp = u64::from_str_radix(&head["timestamp"].as_str().unwrap()[2..], 16).unwrap();
        assert!(walls.contains(&timestamp), "{timestamp} in {walls:?}");
    }
    assert_eq!(heads[2]["parentHash"], heads[1]["hash"]);
    let (host, address) = (server.host().clone(), server.address());
    server.stop().await;
    let height = host.chain().height();
    while let Some(Ok(_)) = socket.next().await {}
    assert!(TcpStream::connect(address).await.is_err(), "the port is free again");
    assert_eq!(host.chain().height(), height);
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_off_and_the_chain_goes_on() {
    let server = serve(Mining::OnDemand).await;
    let (socket, _) = tokio_tungstenite::connect_async(server.ws_url()).await.unwrap();
    let (mut sink, mut stream) = socket.split();
    for id in 0..128 {
        let subscribe = json!({ "jsonrpc": "2.0", "id": id, "method": "eth_subscribe", "params": ["newHeads"] });
        sink.send(subscribe.to_string().into()).await.unwrap();
    }
    for _ in 0..128 {
        stream.next().await.unwrap().unwrap();
    }
    let one_more = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"] });
    sink.send(one_more.to_string().into()).await.unwrap();
    let refused = stream.next().await.unwrap().unwrap();
    assert!(refused.to_text().unwrap().contains("128 subscriptions exist already"));
    // 128 × 200 heads of 1.5 kB are more than the queue and the kernel's buffers hold.
    call(&server, "evm_mine", json!([{ "blocks": 200 }])).await;
    let mut heard = 0;
    while let Some(Ok(message)) = stream.next().await {
        heard += usize::from(message.is_text());
    }
    assert!(heard < 128 * 200, "{heard}");
    assert_eq!(call(&server, "eth_blockNumber", json!([])).await, "0xc8");
}

#[tokio::test]
async fn unsubscribing_ends_the_messages() {
    let server = serve(Mining::OnDemand).await;
    let (mut socket, _) = tokio_tungstenite::connect_async(server.ws_url()).await.unwrap();
    let mut ask = async |method: &str, params: Value| {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        socket.send(request.to_string().into()).await.unwrap();
        let answer: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
        answer
    };
    assert_eq!(ask("eth_subscribe", json!(["newHeads"])).await["result"], "0x1");
    assert_eq!(
        ask("eth_subscribe", json!(["dreams"])).await["error"]["message"],
        "no \"dreams\" subscription in eth namespace"
    );
    assert_eq!(ask("eth_unsubscribe", json!(["0x1"])).await["result"], true);
    assert_eq!(ask("eth_unsubscribe", json!(["0x1"])).await["error"]["message"], "subscription not found");
    server.host().mine();
    assert_eq!(ask("eth_blockNumber", json!([])).await["result"], "0x1", "an answer, not a head");
    assert_eq!(ask("eth_getBalance", json!([ALICE])).await["result"], "0x3635c9adc5dea00000");
}
