//! The days of the depeg, all 5,760 minutes through the real pipeline: the example job's answer stays at BTC/USD, the
//! median of all markets does not.

use machine::{Effect, Effects, Event, Machine, Mono, Ticket, Time, Wall};
use market::{Form, JobFile, Market, Source, observation_source};
use pipeline::{
    Answer, Ask, BigInt, Decimal, Graph, Job, JobKind, Outcome, Response, Run, RunLimits, Strictness, Variables,
};
use std::sync::Arc;

const NOW: Time = Time { mono: Mono(0), wall: Wall(0) };

fn sources(market: &Market) -> Vec<Source> {
    let source = |(name, form): (&str, Form)| Source { name: name.into(), url: format!("http://market/{name}"), form };
    market.sources().map(source).collect()
}

/// One observation at this replay time; every request is answered with what the server would send.
fn observe(graph: &Arc<Graph>, market: &Market, time: u64) -> BigInt {
    let mut run = Run::new(graph.clone(), Variables::new(), RunLimits::default(), NOW);
    let mut out = Effects::default();
    run.handle(NOW, Event::Woke, &mut out);
    loop {
        let mut asks: Vec<(Ticket, Ask)> = Vec::new();
        let mut outcome: Option<Outcome> = None;
        for effect in out.drain() {
            match effect {
                Effect::Ask { ticket, ask } => asks.push((ticket, ask)),
                Effect::Emit(emitted) => outcome = Some(emitted),
                other => panic!("{other:?}"),
            }
        }
        if let Some(outcome) = outcome {
            return outcome.observation().unwrap();
        }
        assert!(!asks.is_empty());
        for (ticket, ask) in asks {
            let Ask::Http(request) = ask else { panic!("{ask:?}") };
            let source = request.url.strip_prefix("http://market/").unwrap();
            let body = market.body(source, time, &Decimal::from(1)).unwrap();
            let response = Response { status: 200, body: body.into_bytes(), age: None };
            run.handle(NOW, Event::Answered { ticket, answer: Some(Answer::Response(response)) }, &mut out);
        }
    }
}

/// Over all minutes: how far the graph's answer is from BTC/USD at most, in millionths, and in how many minutes by more
/// than a hundredth.
fn deviation(graph: &str, market: &Market) -> (u64, usize, usize) {
    let (graph, warnings) = Graph::parse(graph).unwrap();
    assert!(warnings.is_empty());
    let graph = Arc::new(graph);
    let (mut worst, mut over, mut minutes) = (0, 0, 0);
    for time in (market.first_time()..=market.last_time()).step_by(60) {
        let answer = Decimal::new(observe(&graph, market, time), 8).unwrap();
        let truth = &market.price("binanceus_btcusd", time).unwrap().price;
        let difference = answer.add(&truth.multiply(&"-1".parse().unwrap()).unwrap()).unwrap();
        let millionths = difference.divide(truth, 12).unwrap().multiply(&Decimal::from(1_000_000)).unwrap().truncate();
        let millionths = u64::try_from(millionths.magnitude()).unwrap();
        worst = worst.max(millionths);
        over += usize::from(millionths > 10_000);
        minutes += 1;
    }
    (worst, over, minutes)
}

#[test]
fn the_example_job_stays_within_a_ninth_of_a_percent_of_btc_usd_over_all_four_days() {
    let market = Market::recorded();
    let (worst, over, minutes) = deviation(&observation_source(&sources(&market)), &market);
    assert_eq!((over, minutes), (0, 5760));
    assert_eq!(worst, 1_037, "0.1037 % in the worst minute");
}

#[test]
fn the_median_of_all_markets_is_off_by_more_than_a_percent_for_forty_hours() {
    let market = Market::recorded();
    let four =
        "{binanceus_btcusd_price binanceus_btcusdt_value binanceus_btcusdc_price kraken_btcusdc_price} -> middle";
    let text = observation_source(&sources(&market))
        .replace("{binanceus_btcusd_price mean_btcusdc binanceus_btcusdt_value} -> middle", four);
    let naive: String = text.lines().filter(|line| !line.contains("mean_")).flat_map(|line| [line, "\n"]).collect();
    let (worst, over, minutes) = deviation(&naive, &market);
    assert_eq!((over, minutes), (2403, 5760));
    assert_eq!(worst, 69_108, "6.9 % in the worst minute");
}

#[test]
fn the_example_in_the_repository_is_what_the_program_writes_and_a_job() {
    let market = Market::recorded();
    let source = |(name, form): (&str, Form)| Source {
        name: name.into(),
        url: format!("http://127.0.0.1:8500/oracle/0/{name}"),
        form,
    };
    let file = JobFile {
        name: "BTC/USD".into(),
        external_job_id: None,
        contract_id: "0x5FbDB2315678afecb367f032d93F642f64180aa3".into(),
        chain_id: 1337,
        bootstrappers: vec!["12D3KooWHUtLn9pkZ5AFbVa1mhzA1oxCA6yhqRsVL1hGqTDHFbKE@127.0.0.1:6690".into()],
        transmitter_id: Some("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266".into()),
        confirmations: 1,
        poll_interval: "1s".into(),
        juels_per_fee_coin: "5000000000000000000".into(),
        sources: market.sources().map(source).collect(),
    };
    let (job, warnings) =
        Job::parse(&file.to_toml(), Strictness::Strict).unwrap_or_else(|error| panic!("{error}\n{}", file.to_toml()));
    assert!(warnings.is_empty());
    let JobKind::Offchainreporting2(ocr2) = job.kind else { panic!() };
    let types: std::collections::BTreeSet<&str> =
        ocr2.median.observation.tasks().iter().map(|task| task.type_name).collect();
    assert_eq!(types.into_iter().collect::<Vec<_>>(), ["divide", "http", "jsonparse", "mean", "median", "multiply"]);
    let example = include_str!("../../../examples/jobs/btc-usd.toml");
    let without_comments: String =
        example.lines().filter(|line| !line.starts_with('#')).map(|line| line.to_string() + "\n").collect();
    assert_eq!(without_comments, file.to_toml());
}
