//! The law of effects, held by the driver, seen through a world that writes down what happens.

use machine::{CorruptRecord, Effects, Event, Machine, Mono, Protocol, Record, Ticket, Time, Wall};
use ports::{CannotPersist, Input, World};
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Debug)]
struct Toy;

impl Protocol for Toy {
    type Peer = u8;
    type Audience = Vec<u8>;
    type Message = &'static str;
    type Record = Note;
    type Ask = &'static str;
    type Answer = u32;
    type Order = Say;
    type Output = String;
}

#[derive(Clone, Debug)]
struct Note(&'static str);

impl Record for Note {
    type Key = ();
    fn key(&self) {}
    fn encode_key(_: &(), _: &mut Vec<u8>) {}
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
    fn decode(_: &[u8]) -> Result<Self, CorruptRecord> {
        Err(CorruptRecord { wanted: "nothing: never read in these tests", at: 0 })
    }
}

/// What an order makes the toy do, effect by effect.
#[derive(Clone, Debug)]
enum Say {
    Send(&'static str),
    Keep(&'static str),
    Ask(u64, &'static str),
    Forget(u64),
    Rename,
}

#[derive(Default)]
struct Speaker {
    deadline: Option<Mono>,
    renamed: bool,
}

impl Machine for Speaker {
    type Protocol = Toy;

    fn handle(&mut self, _: Time, event: Event<Toy>, out: &mut Effects<Toy>) {
        match event {
            Event::Woke => out.emit("woke"),
            Event::Received { from, message, .. } => match message.split_once(' ') {
                Some(("say", text)) => out.send(vec![0, 1], text),
                Some(("keep", note)) => out.persist(Note(note)),
                Some(_) | None if self.renamed => out.emit(format!("{message} from {from} after the change")),
                Some(_) | None => out.emit(format!("{message} from {from}")),
            },
            Event::Answered { ticket, answer } => out.emit(format!("{} answered {answer:?}", ticket.0)),
            Event::Told(Say::Send(message)) => out.send(vec![0, 1], message),
            Event::Told(Say::Keep(note)) => out.persist(Note(note)),
            Event::Told(Say::Ask(ticket, ask)) => out.ask(Ticket(ticket), ask),
            Event::Told(Say::Forget(ticket)) => out.forget(Ticket(ticket)),
            Event::Told(Say::Rename) => {
                self.renamed = true;
                out.emit("renamed");
            }
        }
    }

    fn deadline(&self) -> Option<Mono> {
        self.deadline
    }
}

struct Diary {
    inputs: VecDeque<Input<Toy>>,
    /// The disk fails from the first batch that holds this note.
    broken_at: Option<&'static str>,
    log: Vec<String>,
    /// Inputs run out: stop only once this many lines are written.
    stop_after: usize,
}

impl Diary {
    fn new(orders: impl IntoIterator<Item = Say>, stop_after: usize) -> Self {
        let inputs = orders.into_iter().map(Input::Order).collect();
        Diary { inputs, broken_at: None, log: Vec::new(), stop_after }
    }

    fn heard(messages: impl IntoIterator<Item = &'static str>, stop_after: usize) -> Self {
        let mut diary = Diary::new([], stop_after);
        diary.inputs.extend(messages.into_iter().map(|message| Input::Message { from: 7, message: Arc::new(message) }));
        diary
    }
}

impl World<Toy> for Diary {
    fn now(&self) -> Time {
        Time { mono: Mono(0), wall: Wall(0) }
    }

    async fn receive(&mut self) -> Input<Toy> {
        match self.inputs.pop_front() {
            Some(input) => {
                if let Input::Message { message, .. } = &input {
                    self.log.push(format!("heard {message}"));
                }
                input
            }
            None if self.log.len() >= self.stop_after => Input::Stop,
            None => std::future::pending().await,
        }
    }

    async fn persist(&mut self, records: Vec<Note>) -> Result<(), CannotPersist> {
        let notes: Vec<_> = records.iter().map(|note| note.0).collect();
        if self.broken_at.is_some_and(|note| notes.contains(&note)) {
            return Err(CannotPersist("disk full".into()));
        }
        self.log.push(format!("kept {}", notes.join("+")));
        Ok(())
    }

    fn send(&mut self, to: &Vec<u8>, message: &Arc<&'static str>) -> Option<u8> {
        self.log.push(format!("sent {message} to {to:?}"));
        to.contains(&0).then_some(0)
    }

    #[expect(clippy::manual_async_fn, reason = "an async fn would borrow the world while the work runs")]
    fn perform(&mut self, ask: &'static str) -> impl Future<Output = Option<u32>> + Send + 'static {
        async move {
            match ask {
                "hangs" => std::future::pending().await,
                "fails" => None,
                "gone" => {
                    tokio::task::yield_now().await;
                    Some(4)
                }
                other => Some(other.len() as u32),
            }
        }
    }

    fn emit(&mut self, output: String) {
        self.log.push(output);
    }
}

async fn lived(mut diary: Diary) -> (Result<(), String>, Vec<String>) {
    let end = driver::run(&mut Speaker::default(), &mut diary).await.map_err(|error| error.to_string());
    (end, diary.log)
}

#[tokio::test]
async fn a_batch_is_kept_in_one_sync_before_anything_is_said() {
    let heard = ["say a", "keep x", "say b", "keep y"];
    let (end, log) = lived(Diary::heard(heard, 8)).await;
    assert_eq!(end, Ok(()));
    assert_eq!(log[..5], ["woke", "heard say a", "heard keep x", "heard say b", "heard keep y"]);
    assert_eq!(log[5..], ["kept x+y", "sent a to [0, 1]", "sent b to [0, 1]", "a from 0", "b from 0"]);
}

#[tokio::test]
async fn a_machine_whose_disk_fails_says_nothing_that_stands_in_the_same_batch_and_hears_nothing_more() {
    let mut diary = Diary::heard(["keep x", "say after"], 0);
    diary.broken_at = Some("x");
    let (end, log) = lived(diary).await;
    assert!(end.unwrap_err().ends_with("disk full"));
    assert_eq!(log, ["woke", "heard keep x", "heard say after"]);
}

#[tokio::test]
async fn what_is_said_to_oneself_comes_back_after_durability() {
    let (_, log) = lived(Diary::new([Say::Keep("x"), Say::Send("hello")], 4)).await;
    assert_eq!(log, ["woke", "kept x", "sent hello to [0, 1]", "hello from 0"]);
}

#[tokio::test]
async fn an_answer_comes_back_with_its_ticket_and_failure_is_an_answer_too() {
    let (_, log) = lived(Diary::new([Say::Ask(1, "four"), Say::Ask(2, "fails")], 3)).await;
    assert_eq!(log, ["woke", "1 answered Some(4)", "2 answered None"]);
}

#[tokio::test]
async fn a_forgotten_ask_is_never_answered() {
    let orders = [Say::Ask(1, "hangs"), Say::Ask(2, "gone"), Say::Forget(2), Say::Forget(1), Say::Ask(3, "kept")];
    let (_, log) = lived(Diary::new(orders, 2)).await;
    assert_eq!(log, ["woke", "3 answered Some(4)"]);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_in_the_past_wakes_at_once_while_nothing_else_happens() {
    let mut diary = Diary::new([], 2);
    let mut machine = Speaker { deadline: Some(Mono(0)), ..Speaker::default() };
    driver::run(&mut machine, &mut diary).await.unwrap();
    assert_eq!(diary.log[..2], ["woke", "woke"]);
}

#[tokio::test]
async fn what_the_machine_said_to_itself_before_an_order_comes_back_before_it() {
    // An order may change who the machine is: what its former self said must not reach the new one.
    let mut diary = Diary::heard(["say a"], 4);
    diary.inputs.push_back(Input::Order(Say::Rename));
    let (_, log) = lived(diary).await;
    assert_eq!(log, ["woke", "heard say a", "sent a to [0, 1]", "a from 0", "renamed"]);
}

#[tokio::test]
async fn nothing_is_heard_between_an_order_and_its_effects() {
    // An order may change whom the machine hears, and until its effects are performed the world listens as before.
    let mut diary = Diary::new([Say::Rename], 4);
    diary.inputs.extend(Diary::heard(["b"], 0).inputs);
    let (_, log) = lived(diary).await;
    assert_eq!(log, ["woke", "renamed", "heard b", "b from 7 after the change"]);
}

#[tokio::test]
async fn a_deadline_at_the_end_of_the_clock_is_never() {
    let mut diary = Diary::new([], 2);
    let mut machine = Speaker { deadline: Some(Mono(u64::MAX)), ..Speaker::default() };
    diary.inputs.extend(Diary::heard(["b"], 0).inputs);
    driver::run(&mut machine, &mut diary).await.unwrap();
    assert_eq!(diary.log, ["woke", "heard b", "b from 7"]);
}
