//! Runs as transcripts: events in, effects out.

use machine::{Effect, Effects, Event, Machine, Mono, Ticket, Time, Wall};
use pipeline::{
    Access, Answer, Ask, Failure, Graph, Outcome, Response, Run, RunError, RunLimits, RunProtocol, TaskError, Value,
    Variables,
};
use std::sync::Arc;
use std::time::Duration;

/// A run and the effects of the last event.
struct Desk {
    run: Run,
    now: Duration,
    asks: Vec<(Ticket, Ask)>,
    forgotten: Vec<Ticket>,
    outcome: Option<Outcome>,
}

fn time(now: Duration) -> Time {
    Time { mono: Mono(now.as_nanos() as u64), wall: Wall(now.as_nanos() as u64) }
}

impl Desk {
    fn new(graph: &str, limits: RunLimits) -> Desk {
        Desk::with_variables(graph, Variables::new(), limits)
    }

    fn with_variables(graph: &str, variables: Variables, limits: RunLimits) -> Desk {
        let (graph, _) = Graph::parse(graph).unwrap_or_else(|error| panic!("{error}"));
        let run = Run::new(Arc::new(graph), variables, limits, time(Duration::ZERO));
        let mut desk = Desk { run, now: Duration::ZERO, asks: vec![], forgotten: vec![], outcome: None };
        desk.event(Event::Woke);
        desk
    }

    fn event(&mut self, event: Event<RunProtocol>) {
        let mut out = Effects::default();
        self.run.handle(time(self.now), event, &mut out);
        self.forgotten.clear();
        for effect in out.drain() {
            match effect {
                Effect::Ask { ticket, ask } => self.asks.push((ticket, ask)),
                Effect::Forget(ticket) => {
                    self.asks.retain(|(asked, _)| *asked != ticket);
                    self.forgotten.push(ticket);
                }
                Effect::Emit(outcome) => assert!(self.outcome.replace(outcome).is_none(), "two outcomes"),
                Effect::Persist(record) => match record {},
                Effect::Send { to, .. } => match to {},
            }
        }
    }

    /// Answers the first open ask.
    fn answer(&mut self, answer: Answer) {
        let (ticket, _) = self.asks.remove(0);
        self.event(Event::Answered { ticket, answer: Some(answer) });
    }

    fn wake_at_deadline(&mut self) {
        let Mono(deadline) = self.run.deadline().expect("a deadline");
        self.now = Duration::from_nanos(deadline);
        self.event(Event::Woke);
    }

    fn value(&self) -> Result<String, RunError> {
        self.outcome.as_ref().expect("the run is over").value().map(Value::to_json)
    }
}

fn body(text: &str) -> Answer {
    Answer::Response(Response { status: 200, body: text.as_bytes().to_vec(), age: None })
}

fn status(status: u16, text: &str) -> Answer {
    Answer::Response(Response { status, body: text.as_bytes().to_vec(), age: None })
}

/// The result of a graph that asks nothing.
fn evaluate(graph: &str) -> Result<String, RunError> {
    Desk::new(graph, RunLimits::default()).value()
}

/// The error of the graph's one terminal task.
fn error(graph: &str) -> String {
    match evaluate(graph) {
        Err(RunError::Task { error, .. }) => error.to_string(),
        other => panic!("{graph}: {other:?}"),
    }
}

const TWO_SOURCES: &str = r#"
    a [type=http url="http://a/"]; b [type=http url="http://b/"]
    pa [type=jsonparse path="price"]; pb [type=jsonparse path="result,0"]
    m [type=median allowedFaults=1]; scaled [type=multiply times=100]
    a -> pa -> m; b -> pb -> m -> scaled
"#;

#[test]
fn independent_tasks_ask_at_once_and_the_answers_meet() {
    let mut desk = Desk::new(TWO_SOURCES, RunLimits::default());
    assert_eq!(desk.asks.len(), 2);
    let Ask::Http(request) = &desk.asks[0].1 else { panic!() };
    assert_eq!(
        (request.method.as_str(), request.url.as_str(), request.access),
        ("GET", "http://a/", Access::Unrestricted)
    );
    assert_eq!(request.headers[0].name, "Content-Type");
    assert_eq!(request.body, None);
    desk.answer(body(r#"{"price": "20371.04"}"#));
    assert!(desk.outcome.is_none());
    desk.answer(body(r#"{"result": [20371.05]}"#));
    let outcome = desk.outcome.unwrap();
    assert_eq!(outcome.observation().unwrap(), 2_037_104.into());
    assert_eq!(outcome.value().unwrap().to_json(), "\"2037104.5\"");
    assert_eq!(desk.run.deadline(), None);
}

#[test]
fn a_source_that_hangs_costs_one_fault_and_not_the_run() {
    let limits = RunLimits { run_time: Duration::from_millis(900), ..RunLimits::default() };
    let mut desk = Desk::new(TWO_SOURCES, limits);
    desk.answer(body(r#"{"price": 7}"#));
    assert_eq!(desk.run.deadline(), Some(Mono(900_000_000)));
    let hanging = desk.asks[0].0;
    desk.wake_at_deadline();
    assert_eq!(desk.forgotten, [hanging]);
    assert_eq!(desk.value().unwrap(), "\"700\"");
    let outcome = desk.outcome.as_ref().unwrap();
    let errors: Vec<String> = outcome.errors().map(|(task, error)| format!("{}: {error}", task.name)).collect();
    assert_eq!(errors, ["b: no answer within 900ms", "pb: task `b`, whose result is needed, failed"]);
    // An answer that comes too late has no effect.
    desk.event(Event::Answered { ticket: hanging, answer: Some(body("{}")) });
    assert_eq!(desk.outcome.as_ref().unwrap().tasks.len(), 6);
}

#[test]
fn both_sources_failing_is_more_than_one_fault() {
    let mut desk = Desk::new(TWO_SOURCES, RunLimits::default());
    desk.answer(Answer::Failed(Failure::TOO_LARGE));
    desk.answer(status(503, r#"{"error": "overloaded"}"#));
    let error = desk.value().unwrap_err();
    assert_eq!(error.to_string(), "task `scaled` failed: task `m`, whose result is needed, failed");
    let outcome = desk.outcome.unwrap();
    let errors: Vec<String> = outcome.errors().map(|(task, error)| format!("{}: {error}", task.name)).collect();
    assert_eq!(
        errors,
        [
            "a: the response is larger than 32768 bytes",
            "b: HTTP status 503: overloaded",
            "pa: task `a`, whose result is needed, failed",
            "pb: task `b`, whose result is needed, failed",
            "m: 2 of 2 values are missing, 1 may be",
            "scaled: task `m`, whose result is needed, failed",
        ]
    );
}

#[test]
fn a_request_has_fifteen_seconds_a_task_its_timeout_and_zero_means_the_run() {
    for (attribute, seconds) in [("", 15), ("timeout=\"2s\"", 2), ("timeout=\"0s\"", 600)] {
        let desk = Desk::new(&format!("a [type=http url=\"http://a/\" {attribute}]"), RunLimits::default());
        assert_eq!(desk.run.deadline(), Some(Mono(seconds * 1_000_000_000)), "{attribute}");
    }
    let limits = RunLimits { task_time: Some(Duration::from_secs(1)), ..RunLimits::default() };
    let desk = Desk::new("a [type=http url=\"http://a/\" timeout=\"2s\"]", limits);
    assert_eq!(desk.run.deadline(), Some(Mono(1_000_000_000)));
}

#[test]
fn retries_is_the_number_of_attempts_and_the_wait_doubles_up_to_the_maximum() {
    let graph = r#"a [type=http url="http://a/" retries=4 minBackoff="1s" maxBackoff="3s" timeout="0s"]"#;
    let mut desk = Desk::new(graph, RunLimits::default());
    let mut waits = vec![];
    for _ in 0..3 {
        desk.answer(status(500, "no"));
        assert!(desk.asks.is_empty());
        let before = desk.now;
        desk.wake_at_deadline();
        waits.push((desk.now - before).as_secs());
    }
    assert_eq!(waits, [1, 2, 3]);
    desk.answer(status(500, "no"));
    let outcome = desk.outcome.unwrap();
    assert_eq!(outcome.tasks[0].attempts, 4);
    assert_eq!(outcome.tasks[0].result, Err(TaskError::Status { status: 500, message: pipeline::Excerpt::of("no") }));
}

#[test]
fn one_retry_means_no_repetition() {
    let mut desk = Desk::new(r#"a [type=http url="http://a/" retries=1]"#, RunLimits::default());
    desk.answer(status(500, "no"));
    assert_eq!(desk.outcome.unwrap().tasks[0].attempts, 1);
}

#[test]
fn fail_early_cancels_what_waits_and_lets_finish_what_is_under_way() {
    let graph = r#"
        a [type=http url="http://a/" failEarly=true retries=5]; b [type=http url="http://b/"]; c [type=http url="http://c/" retries=3]
        pb [type=jsonparse path=""]; b -> pb
    "#;
    let mut desk = Desk::new(graph, RunLimits::default());
    let c = desk.asks.remove(2).0;
    desk.event(Event::Answered { ticket: c, answer: Some(status(500, "no")) });
    desk.answer(status(404, "gone"));
    assert!(desk.outcome.is_none(), "b is under way");
    assert!(desk.forgotten.is_empty());
    desk.answer(body("{}"));
    let outcome = desk.outcome.unwrap();
    assert!(outcome.failed_early);
    let attempts: Vec<u32> = outcome.tasks.iter().map(|run| run.attempts).collect();
    assert_eq!(attempts, [1, 1, 1, 0]);
    assert_eq!(outcome.tasks[3].result, Err(TaskError::Cancelled));
}

#[test]
fn any_takes_a_random_one_of_those_that_did_not_fail() {
    let graph =
        r#"a [type=memo value=1]; b [type=conditional data=false]; c [type=memo value=3]; x [type=any]; {a b c} -> x"#;
    let mut desk = Desk::new(graph, RunLimits::default());
    assert_eq!(desk.asks[0].1, Ask::Choose { below: 2 });
    desk.answer(Answer::Chosen(1));
    assert_eq!(desk.value().unwrap(), "3");
    assert_eq!(
        evaluate("a [type=memo value=1]; b [type=conditional data=false]; x [type=any]; {a b} -> x").unwrap(),
        "1"
    );
    assert_eq!(error("a [type=conditional data=false]; x [type=any]; a -> x"), "1 of 1 values are missing, 0 may be");
}

#[test]
fn a_bridge_is_told_the_last_answer_and_exactly() {
    let meta =
        Value::from_json(br#"{"meta": {"latestAnswer": 123456789012345678901234567890, "updatedAt": 5}}"#).unwrap();
    let variables = Variables::from([("jobRun".to_string(), meta)]);
    let graph = r#"
        seed [type=memo value=<"x">]
        a [type=bridge name="Coin-Cap" requestData=<{"data": {"from": "ETH", "n": 1.50, "s": $(seed)}}> includeInputAtKey="in" cacheTTL="90.5s"]
        seed -> a -> p
        p [type=jsonparse path="data,result"]
    "#;
    let mut desk = Desk::with_variables(graph, variables, RunLimits::default());
    let Ask::Bridge(request) = &desk.asks[0].1 else { panic!() };
    assert_eq!((request.bridge.as_str(), request.task.as_str()), ("coin-cap", "a"));
    assert_eq!(request.cache_time, Some(Duration::from_secs(90)));
    assert_eq!(
        String::from_utf8(request.body.clone()).unwrap(),
        r#"{"data":{"from":"ETH","n":1.5,"s":"x"},"in":"x","meta":{"latestAnswer":123456789012345678901234567890,"updatedAt":5}}"#
    );
    desk.answer(body(r#"{"jobRunID": "1", "data": {"result": 17}, "statusCode": 200, "error": null}"#));
    assert_eq!(desk.value().unwrap(), "17");
}

#[test]
fn an_adapters_failure_is_told_in_its_own_words() {
    for (answer, wanted) in [
        (
            body(r#"{"statusCode": 504, "error": {"name": "Timeout", "message": "no data"}}"#),
            "the adapter failed with 504: Timeout: no data",
        ),
        (
            body(r#"{"statusCode": 200, "providerStatusCode": 429, "error": "slow down"}"#),
            "the adapter failed with 429: slow down",
        ),
        (body(r#"{"error": "broken"}"#), "the adapter failed with 500: broken"),
        (status(502, "<html>Bad Gateway</html>"), "HTTP status 502: <html>Bad Gateway</html>"),
        (status(400, r#"{"status": "errored", "error": {"message": "bad symbol"}}"#), "HTTP status 400: bad symbol"),
        (status(204, ""), "HTTP status 204: "),
    ] {
        let mut desk = Desk::new("a [type=bridge name=x]", RunLimits::default());
        desk.answer(answer);
        assert_eq!(desk.value().unwrap_err().to_string(), format!("task `a` failed: {wanted}"));
    }
}

#[test]
fn values_are_found_in_json() {
    let document = r#"<{"a": {"b": [1, "two", 3.0, null, {"c": 123456789012345678.123456789}]}, "x.y": true}>"#;
    let text = |path: &str| {
        format!(
            r#"d [type=hexdecode input="0x{}"]; p [type=jsonparse {path}]; d -> p"#,
            hex::encode(&document[1..document.len() - 1])
        )
    };
    for (path, wanted) in [
        (r#"path="a,b,1""#, r#""two""#),
        (r#"path="a,b,-1,c""#, "123456789012345678.123456789"),
        (r#"path="a,b,2""#, "3"),
        (r#"path="a.b.0" separator=".""#, "1"),
        (r#"path="x.y""#, "true"),
        (r#"path="a,b,3""#, "null"),
        (r#"path="q,r,s" lax=true"#, "null"),
        (r#"path="a,b,9" lax=true"#, "null"),
    ] {
        assert_eq!(evaluate(&text(path)).unwrap(), wanted, "{path}");
    }
    assert_eq!(error(&text(r#"path="a,c""#)), "nothing at `c` of path a,c");
    assert_eq!(error(&text(r#"path="a,b,-6""#)), "nothing at `-6` of path a,b,-6");
    assert_eq!(error(&text(r#"path="a,b,x""#)), "nothing at `x` of path a,b,x");
    assert_eq!(
        error(r#"p [type=jsonparse data="<!DOCTYPE html>" path="a"]"#),
        "not JSON at line 1, column 1: <!DOCTYPE html>"
    );
    assert_eq!(evaluate(r#"p [type=jsonparse data="{\"a\": 1} trailing" path="a"]"#).unwrap(), "1");
    // Only what is found has to be a number that we can hold.
    assert_eq!(evaluate(r#"p [type=jsonparse data="{\"a\": 1, \"b\": 1e999999999}" path="a"]"#).unwrap(), "1");
    assert_eq!(
        error(r#"p [type=jsonparse data="{\"a\": 1, \"b\": 1e999999999}" path="b"]"#),
        "a number of more digits or a larger exponent than is allowed"
    );
}

#[test]
fn arithmetic_is_exact() {
    for (graph, wanted) in [
        (r#"a [type=multiply input="0.1" times="3"]"#, r#""0.3""#),
        (
            r#"a [type=multiply input=123456789012345678901234567890 times=100000000]"#,
            r#""12345678901234567890123456789000000000""#,
        ),
        (r#"a [type=divide input=1 divisor=3]"#, r#""0.3333333333333333""#),
        (r#"a [type=divide input=-5 divisor=2 precision=0]"#, r#""-3""#),
        (r#"a [type=mean values=<[1, "2", 4]>]"#, r#""2.3333333333333333""#),
        (r#"a [type=mean values=<[1, 2]> precision=0]"#, r#""2""#),
        (r#"a [type=median values=<[3, 1, 2]>]"#, r#""2""#),
        (r#"a [type=median values=<[4, 1, 2, 3]>]"#, r#""2.5""#),
        (r#"a [type=sum values=<[0.1, 0.2]>]"#, r#""0.3""#),
        (r#"a [type=mode values=<["b", "a", "b", "a", 3]>]"#, r#"{"occurrences":2,"results":["b","a"]}"#),
        (r#"a [type=lessthan left=1.9 right=2]"#, "true"),
        (r#"v [type=memo value=<[18446744073709551615, 1]>]; a [type=sum values="$(v)"]"#, r#""18446744073709551616""#),
        (
            r#"v [type=memo value=<{"x": [10, {"y": "2.5"}]}>]; a [type=multiply input="$(v.x.0)" times="$( v.x.1.y )"]"#,
            r#""25""#,
        ),
    ] {
        assert_eq!(evaluate(graph).unwrap(), wanted, "{graph}");
    }
    assert_eq!(error("a [type=divide input=1 divisor=0]"), "division by zero");
    assert_eq!(
        error(r#"m [type=memo value=true]; a [type=multiply times=2]; m -> a"#),
        "`input` must be a number, got true"
    );
    assert_eq!(
        error(r#"m [type=memo value=<"">]; a [type=multiply times=2]; m -> a"#),
        "`input` must be a number, got the text ``"
    );
    assert_eq!(error(r#"a [type=median values=<[1, "x"]>]"#), "`values` must be a number, got the text `x`");
    assert_eq!(evaluate(r#"a [type=median values=<[1, "x"]> countUnparsableAsFault=true]"#).unwrap(), "\"1\"");
    assert_eq!(
        error(r#"m [type=memo value=<{"a": 1}>]; a [type=multiply input="$(m.b)" times=1]"#),
        "$(m.b): nothing at `b`"
    );
}

#[test]
fn a_failed_task_in_a_list_is_a_fault_and_elsewhere_an_error() {
    let failing = "f [type=conditional data=false]; ok [type=memo value=4];";
    assert_eq!(evaluate(&format!("{failing} a [type=median values=<[$(f), $(ok)]>]")).unwrap(), "\"4\"");
    assert_eq!(
        error(&format!("{failing} a [type=median values=<[$(f), $(ok)]> allowedFaults=0]")),
        "1 of 2 values are missing, 0 may be"
    );
    assert_eq!(
        error(&format!("{failing} a [type=multiply input=\"$(f)\" times=\"$(ok)\"]")),
        "task `f`, whose result is needed, failed"
    );
    assert_eq!(
        error(&format!("{failing} a [type=memo value=<[$(f), $(ok)]>]")),
        "task `f`, whose result is needed, failed"
    );
}

#[test]
fn texts_and_maps_change_their_form() {
    for (graph, wanted) in [
        (r#"a [type=lowercase input="AbC"]"#, r#""abc""#),
        (r#"a [type=uppercase input="AbC"]"#, r#""ABC""#),
        (r#"a [type=base64encode input="Hello, playground"]"#, r#""SGVsbG8sIHBsYXlncm91bmQ=""#),
        (r#"a [type=base64decode input="SGVsbG8="]"#, r#""0x48656c6c6f""#),
        (r#"a [type=hexencode input="0x12"]"#, r#""0x30783132""#),
        (r#"m [type=memo value=10]; a [type=hexencode]; m -> a"#, r#""0xa""#),
        (r#"a [type=hexdecode input="0x0aff"]"#, r#""0x0aff""#),
        (r#"a [type=length input="0x0aff"]"#, r#""2""#),
        (r#"a [type=length input="héllo"]"#, r#""6""#),
        (r#"m [type=memo value=<{"k": 1, "l": 2}>]; a [type=lookup key=k]; m -> a"#, "1"),
        (r#"m [type=memo value=<{"k": 1}>]; a [type=lookup key=z]; m -> a"#, "null"),
        (
            r#"m [type=memo value=<{"k": 1, "l": 2}>]; a [type=merge right=<{"l": null, "m": 3}>]; m -> a"#,
            r#"{"k":1,"l":null,"m":3}"#,
        ),
        (r#"a [type=merge left=<{"k": 1}> right=<{}>]"#, r#"{"k":1}"#),
        (r#"a [type=conditional data="true"]"#, "true"),
    ] {
        assert_eq!(evaluate(graph).unwrap(), wanted, "{graph}");
    }
    assert_eq!(error("m [type=memo value=7]; a [type=lowercase]; m -> a"), "`input` must be text, got 7");
    assert_eq!(error("a [type=conditional data=false]"), "conditional was not satisfied");
    assert_eq!(
        error("m [type=memo value=null]; a [type=conditional]; m -> a"),
        "`data` must be true or false, got null"
    );
    assert_eq!(
        error(r#"a [type=hexdecode input="12"]"#),
        "`input` must be 0x and hexadecimal digits, got the text `12`"
    );
}

#[test]
fn copies_of_copies_end_in_an_error_and_not_in_memory() {
    let mut graph = String::from(r#"m0 [type=memo value=<"0123456789">];"#);
    for i in 1..40 {
        graph += &format!("m{i} [type=memo value=<[$(m{0}), $(m{0})]>];", i - 1);
    }
    let error = evaluate(&graph).unwrap_err();
    assert_eq!(error.to_string(), "task `m39` failed: task `m38`, whose result is needed, failed");
    let mut deep = String::from("m0 [type=memo value=<[]>];");
    for i in 1..200 {
        deep += &format!("m{i} [type=memo value=<[[[[$(m{})]]]]>];", i - 1);
    }
    assert!(evaluate(&deep).is_err());
}

#[test]
fn an_observation_is_one_number() {
    let observe = |graph: &str| Desk::new(graph, RunLimits::default()).outcome.unwrap().observation();
    assert_eq!(observe(r#"a [type=memo value=<"-12.99">]"#).unwrap(), (-12).into());
    assert_eq!(observe("a [type=memo value=<1e20>]").unwrap(), 100_000_000_000_000_000_000u128.into());
    assert_eq!(observe("a [type=memo value=1]; b [type=memo value=2]").unwrap_err(), RunError::Outputs { got: 2 });
    assert_eq!(
        observe("a [type=memo value=<[1]>]").unwrap_err().to_string(),
        "the value of task `a` is not a number: a list of 1"
    );
}

#[test]
fn a_url_from_outside_is_kept_out_of_the_operators_network() {
    let graph = r#"m [type=memo value=<"http://127.0.0.1/">]; a [type=http url="$(m)" method=post requestData=<{"x": $(m)}> headers=<["X-Key", "k"]>]"#;
    let desk = Desk::new(graph, RunLimits::default());
    let Ask::Http(request) = &desk.asks[0].1 else { panic!() };
    assert_eq!((request.access, request.method.as_str()), (Access::Public, "POST"));
    assert_eq!(request.body.as_deref(), Some(r#"{"x":"http://127.0.0.1/"}"#.as_bytes()));
    assert_eq!(request.headers[1].name, "X-Key");
    let opened = graph.replace("method=post", "allowUnrestrictedNetworkAccess=true");
    let desk = Desk::new(&opened, RunLimits::default());
    let Ask::Http(request) = &desk.asks[0].1 else { panic!() };
    assert_eq!(request.access, Access::Unrestricted);
}

#[test]
fn the_pipeline_gets_the_observations_time_less_a_tenth_or_a_tenth_of_a_second() {
    assert_eq!(pipeline::observation_time(Duration::from_millis(500)), Duration::from_millis(450));
    assert_eq!(pipeline::observation_time(Duration::from_secs(5)), Duration::from_millis(4900));
}
