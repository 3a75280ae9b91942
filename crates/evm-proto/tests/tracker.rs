//! Transcripts of the tracker, and its behaviour on random chains.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolEvent as _;
use bindings::ocr2_aggregator::ConfigSet;
use evm_proto::chain::{Block, Log};
use evm_proto::tracker::{Answer, Ask, Config, Look, Order, Output, Record, Source, Tracker, Tracking};
use machine::{Effect, Effects, Event, Machine as _, Mono, Record as _, Ticket, Time, Wall};
use ocr::{ConfigDigest, ContractConfig, evm_simple};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const CHAIN_ID: u64 = 1337;

fn contract() -> Address {
    Address::repeat_byte(0x33)
}

fn config(confirmations: u64) -> Config {
    Config {
        chain_id: CHAIN_ID,
        contract: contract(),
        confirmations,
        poll_interval: SECOND * 20,
        load_timeout: SECOND * 60,
    }
}

/// The `ConfigSet` of the contract's configuration number `count`, as the contract would emit it.
fn event(count: u64, content: u8) -> ConfigSet {
    let mut event = ConfigSet {
        previousConfigBlockNumber: 0,
        configDigest: B256::ZERO,
        configCount: count,
        signers: (0..4).map(|i| Address::repeat_byte(0x50 + i)).collect(),
        transmitters: (0..4).map(|i| Address::repeat_byte(0x60 + i)).collect(),
        f: 1,
        onchainConfig: vec![1; 49].into(),
        offchainConfigVersion: 2,
        offchainConfig: vec![content; 40].into(),
    };
    let config = ContractConfig {
        config_digest: ConfigDigest::ZERO,
        config_count: event.configCount,
        signers: event.signers.iter().map(|signer| signer.to_vec()).collect(),
        transmitters: event.transmitters.iter().map(|account| account.to_string()).collect(),
        f: event.f,
        onchain_config: event.onchainConfig.to_vec(),
        offchain_config_version: event.offchainConfigVersion,
        offchain_config: event.offchainConfig.to_vec(),
    };
    let digest = evm_simple::config_digest(CHAIN_ID, ocr::Address(contract().into_array()), &config).unwrap();
    event.configDigest = B256::new(digest.0);
    event
}

/// A chain of blocks, some of which configure the contract.
#[derive(Default)]
struct Chain {
    blocks: Vec<(B256, Vec<ConfigSet>)>,
    salt: u64,
}

impl Chain {
    fn new() -> Self {
        let mut chain = Chain::default();
        chain.mine(vec![]);
        chain
    }

    fn mine(&mut self, events: Vec<ConfigSet>) {
        self.salt += 1;
        self.blocks.push((keccak256(self.salt.to_be_bytes()), events));
    }

    fn head(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    fn count(&self) -> u64 {
        self.blocks.iter().map(|(_, events)| events.len() as u64).sum()
    }

    fn look(&self, behind: u64) -> Look {
        let height = self.head().saturating_sub(behind);
        let head = Block { number: height, hash: self.blocks[height as usize].0 };
        let set = (0..=height).rev().find_map(|number| Some((number, self.blocks[number as usize].1.last()?)));
        match set {
            Some((changed_in, event)) => Look {
                head,
                config_count: event.configCount as u32,
                changed_in,
                digest: ConfigDigest(event.configDigest.0),
            },
            None => Look { head, config_count: 0, changed_in: 0, digest: ConfigDigest::ZERO },
        }
    }

    fn logs(&self, number: u64) -> Vec<Log> {
        let Some((hash, events)) = self.blocks.get(number as usize) else { return Vec::new() };
        let log = |(index, event): (usize, &ConfigSet)| {
            let data = event.encode_log_data();
            let block = Block { number, hash: *hash };
            Log { block, index: index as u64, topics: data.topics().to_vec(), data: data.data }
        };
        events.iter().enumerate().map(log).collect()
    }
}

struct World {
    config: Config,
    tracker: Tracker,
    chain: Chain,
    asks: BTreeMap<Ticket, Ask>,
    disk: Option<Vec<u8>>,
    outputs: Vec<Output>,
    lines: Vec<String>,
    mono: u64,
}

impl World {
    fn new(config: Config) -> Self {
        World {
            tracker: Tracker::recover(config.clone(), []),
            config,
            chain: Chain::new(),
            asks: BTreeMap::new(),
            disk: None,
            outputs: Vec::new(),
            lines: Vec::new(),
            mono: 0,
        }
    }

    fn hand(&mut self, event: Event<Tracking>) {
        let mut out = Effects::default();
        let now = Time { mono: Mono(self.mono), wall: Wall(0) };
        self.tracker.handle(now, event, &mut out);
        for effect in out.drain() {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect<Tracking>) {
        let line = match &effect {
            Effect::Persist(Record::Configured(config)) => format!("persist {}", name(&config.config_digest)),
            Effect::Persist(Record::Unconfigured) => "erase".into(),
            Effect::Send { to, .. } => match *to {},
            Effect::Ask { ticket, ask } => format!("ask {} {ask:?}", ticket.0),
            Effect::Forget(ticket) => format!("forget {}", ticket.0),
            Effect::Emit(Output::Configured { config, source }) => {
                format!("emit configured {} from {source:?}", name(&config.config_digest))
            }
            Effect::Emit(Output::Unconfigured) => "emit unconfigured".into(),
            Effect::Emit(Output::Refused(refusal)) => format!("emit refused: {refusal}"),
        };
        self.lines.push(format!("  {line}"));
        match effect {
            Effect::Persist(record) => {
                let mut bytes = Vec::new();
                record.encode(&mut bytes);
                self.disk = (!record.erases()).then_some(bytes);
            }
            Effect::Send { to, .. } => match to {},
            Effect::Ask { ticket, ask } => {
                self.asks.insert(ticket, ask);
            }
            Effect::Forget(ticket) => {
                self.asks.remove(&ticket).expect("only what was asked is forgotten");
            }
            Effect::Emit(output) => self.outputs.push(output),
        }
    }

    /// Answers the ask that is open; there is never more than one.
    fn answer(&mut self, answer: impl FnOnce(&Chain, Ask) -> Option<Answer>) {
        let Some((ticket, ask)) = self.asks.pop_first() else { return };
        assert!(self.asks.is_empty(), "two questions at once");
        let answer = answer(&self.chain, ask);
        self.hand(Event::Answered { ticket, answer });
    }

    fn honest(&mut self, behind: u64) {
        self.answer(|chain, ask| {
            Some(match ask {
                Ask::Look => Answer::Looked(chain.look(behind)),
                Ask::Logs { block } => Answer::Logs(chain.logs(block)),
            })
        });
    }

    fn pass(&mut self, time: Duration) {
        self.mono += time.as_nanos() as u64;
        self.hand(Event::Woke);
    }

    fn crash(&mut self) {
        self.asks.clear();
        let records = self.disk.iter().map(|bytes| Record::decode(bytes).unwrap()).collect::<Vec<_>>();
        self.tracker = Tracker::recover(self.config.clone(), records);
        self.hand(Event::Woke);
    }

    fn current(&self) -> Option<ConfigDigest> {
        self.tracker.current().map(|config| config.config_digest)
    }
}

fn name(digest: &ConfigDigest) -> String {
    digest.to_string()[..8].into()
}

/// Runs a script, one command a line, and writes down every effect below the command that caused it.
fn transcript(confirmations: u64, script: &str) -> String {
    let mut world = World::new(config(confirmations));
    let mut text = String::new();
    for line in script.trim().lines().map(str::trim) {
        run(&mut world, line);
        text += &format!("> {line}\n");
        text.extend(world.lines.drain(..).map(|line| line + "\n"));
    }
    text
}

fn run(world: &mut World, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |at: usize| words.get(at).map_or(1, |word| word.parse::<u64>().expect("a number"));
    let with = |world: &mut World, change: fn(&mut Log)| {
        world.answer(|chain, ask| {
            let Ask::Logs { block } = ask else { panic!("not asked for logs") };
            let mut logs = chain.logs(block);
            change(&mut logs[0]);
            Some(Answer::Logs(logs))
        });
    };
    match words[0] {
        "set" => {
            let count = world.chain.count() + 1;
            world.chain.mine(vec![event(count, number(1) as u8)]);
        }
        "genesis-set" => world.chain.blocks[0].1.push(event(1, 1)),
        "set-twice" => {
            let count = world.chain.count() + 1;
            world.chain.mine(vec![event(count, 1), event(count + 1, 2)]);
        }
        "mine" => (0..number(1)).for_each(|_| world.chain.mine(vec![])),
        "reorg" => (0..number(1)).for_each(|_| drop(world.chain.blocks.pop())),
        "head" => world.hand(Event::Told(Order::NewHead)),
        "pass" => world.pass(SECOND * number(1) as u32),
        "answer" => world.honest(0),
        "behind" => world.honest(number(1)),
        "fails" => world.answer(|_, _| None),
        "crash" => world.crash(),
        "without-events" => world.answer(|_, _| Some(Answer::Logs(vec![]))),
        "too-many-events" => world.answer(|chain, _| Some(Answer::Logs(vec![chain.logs(1)[0].clone(); 65]))),
        "other-block" => with(world, |log| log.block.number += 1),
        "other-topic" => with(world, |log| log.topics[0] = B256::ZERO),
        "cut" => with(world, |log| log.data = log.data.slice(..log.data.len() - 64)),
        "long" => with(world, |log| log.data = vec![0; 256 * 1024 + 1].into()),
        "other-digest" => with(world, |log| log.data = event(1, 9).encode_data().into()),
        "changed" => with(world, |log| {
            let mut data = log.data.to_vec();
            *data.iter_mut().rev().find(|byte| **byte == 1).expect("the off-chain configuration") = 2;
            log.data = Bytes::from(data);
        }),
        _ => panic!("no such command: {line}"),
    }
}

macro_rules! transcripts {
    ($($(#[$doc:meta])* $claim:ident ($confirmations:literal): $script:literal;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $claim() {
            insta::assert_snapshot!(stringify!($claim), transcript($confirmations, $script));
        }
    )*};
}

transcripts! {
    a_configuration_is_followed_once_it_is_deep_enough (3):
        "pass 0
        answer
        set 1
        pass 20
        answer
        mine
        pass 15
        answer
        mine
        pass 15
        answer
        answer
        pass 20
        answer
        set 2
        mine 2
        pass 20
        answer
        answer";

    with_no_confirmations_the_head_counts_even_in_the_first_block (0):
        "genesis-set
        pass 0
        answer
        answer";

    one_confirmation_is_the_block_itself (1):
        "set 1
        pass 0
        answer
        answer";

    the_last_of_two_configurations_in_a_block_counts (1):
        "set-twice
        pass 0
        answer
        answer";

    a_restart_tells_the_configuration_before_the_chain_answers (1):
        "set 1
        pass 0
        answer
        answer
        crash
        answer
        pass 20
        answer";

    a_reorganisation_that_replaces_the_configuration_is_followed (2):
        "set 1
        mine
        pass 0
        answer
        answer
        reorg 2
        set 2
        mine 2
        pass 20
        answer
        answer";

    a_reorganisation_that_brings_an_older_configuration_back_is_followed (2):
        "set 1
        set 2
        mine
        pass 0
        answer
        answer
        reorg 2
        mine 3
        pass 20
        answer
        answer";

    a_reorganisation_that_removes_the_configuration_is_followed_when_it_is_deep (3):
        "set 1
        mine 2
        pass 0
        answer
        answer
        reorg 3
        mine 4
        pass 20
        answer
        mine 1
        pass 20
        answer
        mine 1
        pass 20
        answer
        crash
        answer";

    a_lagging_endpoint_is_not_believed_unless_it_stays_so (1):
        "set 1
        mine 2
        set 2
        pass 0
        answer
        answer
        pass 20
        behind 1
        pass 20
        answer
        pass 20
        behind 1
        pass 20
        behind 1
        pass 20
        behind 1
        pass 20
        behind 1
        pass 20
        behind 1
        pass 20
        behind 1
        answer";

    what_is_not_the_named_configuration_is_refused (1):
        "set 1
        pass 0
        answer
        without-events
        head
        answer
        other-block
        head
        answer
        other-topic
        head
        answer
        cut
        head
        answer
        long
        head
        answer
        other-digest
        head
        answer
        changed
        head
        answer
        too-many-events";

    a_failed_or_overdue_poll_is_tried_again (1):
        "set 1
        pass 0
        fails
        pass 19
        pass 1
        answer
        fails
        pass 15
        pass 59
        pass 1
        pass 20
        answer
        pass 60
        pass 20
        answer
        answer";

    a_hint_polls_at_once_and_a_poll_underway_is_repeated (1):
        "pass 0
        answer
        head
        set 1
        head
        answer
        answer
        answer
        pass 1";
}

#[test]
fn another_prefix_than_that_of_the_digester_is_refused() {
    let mut world = World::new(config(1));
    let mut foreign = event(1, 1);
    foreign.configDigest.0[1] = 9;
    world.chain.mine(vec![foreign]);
    run(&mut world, "pass 0");
    run(&mut world, "answer");
    run(&mut world, "answer");
    assert!(world.lines.last().unwrap().contains("prefix 0009 (LLO), wanted 0001 (EVMSimple)"), "{:?}", world.lines);
}

#[test]
fn what_is_configured_is_what_the_event_says() {
    let mut world = World::new(config(1));
    for line in ["set 7", "pass 0", "answer", "answer"] {
        run(&mut world, line);
    }
    let Some(Output::Configured { config, source: Source::Chain { block: 1 } }) = world.outputs.last() else {
        panic!("{:?}", world.outputs)
    };
    assert_eq!(config.signers[3], [0x53; 20]);
    assert_eq!(config.transmitters[0], "0x6060606060606060606060606060606060606060");
    assert_eq!((config.f, config.config_count, config.offchain_config_version), (1, 1, 2));
    assert_eq!(config.offchain_config, [7; 40]);
    assert_eq!(config.onchain_config, [1; 49]);
}

#[derive(Clone, Debug)]
enum Step {
    Set(u8),
    Mine(u64),
    Reorg(u64),
    Answer,
    Behind(u64),
    Fail,
    Pass(u64),
    Head,
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0u8..4).prop_map(Step::Set),
        4 => (1u64..4).prop_map(Step::Mine),
        1 => (1u64..5).prop_map(Step::Reorg),
        8 => Just(Step::Answer),
        1 => (1u64..5).prop_map(Step::Behind),
        1 => Just(Step::Fail),
        4 => (1u64..30).prop_map(Step::Pass),
        2 => Just(Step::Head),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    #[test]
    fn once_the_chain_is_calm_its_configuration_is_followed(steps in steps(), confirmations in 0u64..6) {
        let mut world = World::new(config(confirmations));
        for step in steps {
            match step {
                Step::Set(content) => run(&mut world, &format!("set {content}")),
                Step::Mine(count) => run(&mut world, &format!("mine {count}")),
                Step::Reorg(depth) => {
                    let depth = depth.min(world.chain.head());
                    run(&mut world, &format!("reorg {depth}"));
                }
                Step::Answer => world.honest(0),
                Step::Behind(behind) => world.honest(behind),
                Step::Fail => world.answer(|_, _| None),
                Step::Pass(seconds) => world.pass(SECOND * seconds as u32),
                Step::Head => world.hand(Event::Told(Order::NewHead)),
                Step::Crash => world.crash(),
            }
            // What is followed is what is recorded, at every moment.
            let recorded = world.disk.as_ref().map(|bytes| Record::decode(bytes).unwrap());
            let recorded = match recorded {
                Some(Record::Configured(config)) => Some(config.config_digest),
                Some(Record::Unconfigured) | None => None,
            };
            prop_assert_eq!(recorded, world.current());
        }
        for _ in 0..20 {
            world.chain.mine(vec![]);
            world.pass(SECOND * 60);
            world.honest(0);
            world.honest(0);
        }
        let wanted = world.chain.look(0).digest;
        prop_assert_eq!(world.current(), (wanted != ConfigDigest::ZERO).then_some(wanted));
        let told = world.outputs.iter().rev().find_map(|output| match output {
            Output::Configured { config, .. } => Some(Some(config.config_digest)),
            Output::Unconfigured => Some(None),
            Output::Refused(_) => None,
        });
        prop_assert_eq!(told.flatten(), world.current());
    }

    #[test]
    fn no_bytes_of_an_event_panic(data in prop::collection::vec(any::<u8>(), 0..1_000), at in any::<prop::sample::Index>(), value: u8, damage: bool) {
        let mut world = World::new(config(1));
        run(&mut world, "set 1");
        run(&mut world, "pass 0");
        run(&mut world, "answer");
        world.answer(|chain, _| {
            let mut log = chain.logs(1).remove(0);
            if damage {
                let mut bytes = log.data.to_vec();
                let at = at.index(bytes.len());
                bytes[at] = value;
                log.data = bytes.into();
            } else {
                log.data = data.into();
            }
            Some(Answer::Logs(vec![log]))
        });
        let told = matches!(world.outputs.last(), Some(Output::Configured { config, .. }) if config.offchain_config == [1; 40]);
        let refused = matches!(world.outputs.last(), Some(Output::Refused(_)));
        prop_assert!(told || refused);
    }
}
