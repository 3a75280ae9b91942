//! A committee and a real aggregator on a chain where signatures are keyed hashes or real ones.
#![allow(clippy::too_many_arguments, reason = "what sol! makes of the contract's constructor")]

use std::str::FromStr;

use alloy::{
    signers::{SignerSync, local::PrivateKeySigner},
    sol,
    sol_types::{SolCall, SolConstructor, SolValue},
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, I256, TxKind, U256, aliases::I192, keccak256};
use devchain::{At, Call, Chain, Config, Headers, Outcome, Recover};

sol! {
    contract Aggregator {
        constructor(address link, int192 min, int192 max, address billing, address requester, uint8 decimals, string description);
        function setConfig(address[] signers, address[] transmitters, uint8 f, bytes onchainConfig, uint64 version, bytes offchainConfig);
        function latestConfigDetails() returns (uint32 count, uint32 block, bytes32 digest);
        function latestAnswer() returns (int256);
        function latestTransmissionDetails() returns (bytes32 digest, uint32 epoch, uint8 round, int192 answer, uint64 timestamp);
        function transmit(bytes32[3] context, bytes report, bytes32[] rs, bytes32[] ss, bytes32 vs);
        event NewTransmission(uint32 indexed roundId, int192 answer, address transmitter, uint32 timestamp, int192[] observations, bytes observers, int192 juelsPerFeeCoin, bytes32 digest, uint40 epochAndRound);
    }
}

pub struct Committee {
    pub chain: Chain,
    pub aggregator: Address,
    pub transmitters: Vec<Address>,
    signers: Vec<PrivateKeySigner>,
    digest: B256,
    f: usize,
}

fn artifact() -> Bytes {
    let json: serde_json::Value =
        serde_json::from_str(include_str!("../../../../contracts/artifacts/OCR2Aggregator.json")).expect("an artifact");
    Bytes::from_str(json["bytecode"]["object"].as_str().expect("bytecode")).expect("hex")
}

fn transaction(nonce: u64, to: TxKind, input: Vec<u8>) -> TxEip1559 {
    TxEip1559 {
        chain_id: 1337,
        nonce,
        gas_limit: 6_000_000,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1,
        to,
        input: input.into(),
        ..TxEip1559::default()
    }
}

impl Committee {
    /// `n` oracles, of which (n-1)/3 may lie, and an aggregator that knows them.
    pub fn new(n: usize, recover: Recover, headers: Headers) -> Self {
        let owner = Address::with_last_byte(0xee);
        let signers: Vec<_> =
            (1..=n as u64).map(|key| PrivateKeySigner::from_bytes(&U256::from(key).into()).expect("a key")).collect();
        let transmitters: Vec<Address> = (0..n).map(|index| Address::with_last_byte(0x20 + index as u8)).collect();
        let ether = U256::from(10).pow(U256::from(18));
        let balances = transmitters.iter().chain([&owner]).map(|address| (*address, ether * U256::from(1_000_000)));
        let mut chain = Chain::new(Config { balances: balances.collect(), recover, headers, ..Config::default() });
        let f = (n - 1) / 3;

        let (min, max) = (I192::ONE, I192::MAX);
        let make = Aggregator::constructorCall {
            link: Address::ZERO,
            min,
            max,
            billing: Address::ZERO,
            requester: Address::ZERO,
            decimals: 8,
            description: "BTC / USD".into(),
        };
        chain
            .submit_from(owner, transaction(0, TxKind::Create, [&artifact()[..], &make.abi_encode()].concat()).into())
            .expect("valid");
        let aggregator = owner.create(0);
        let set = Aggregator::setConfigCall {
            signers: signers.iter().map(PrivateKeySigner::address).collect(),
            transmitters: transmitters.clone(),
            f: f as u8,
            onchainConfig: [&[1][..], &min.to_be_bytes::<24>(), &max.to_be_bytes::<24>()].concat().into(),
            version: 2,
            offchainConfig: vec![7; 600].into(),
        };
        chain.submit_from(owner, transaction(1, TxKind::Call(aggregator), set.abi_encode()).into()).expect("valid");
        chain.mine(1).expect("after genesis");
        let details = Call::read(aggregator, Aggregator::latestConfigDetailsCall {}.abi_encode());
        let Ok(Outcome::Returned { output, .. }) = chain.call(&details, At::Block(1)) else { panic!("no config") };
        let digest = Aggregator::latestConfigDetailsCall::abi_decode_returns(&output).expect("details").digest;
        Committee { chain, aggregator, transmitters, signers, digest, f }
    }

    /// The transaction that brings a report of this round to the contract.
    pub fn transmission(&self, nonce: u64, epoch: u32, round: u8, answer: i64) -> TxEip1559 {
        let n = self.signers.len();
        let observers =
            B256::from_slice(&std::array::from_fn::<u8, 32, _>(|index| if index < n { index as u8 } else { 0 }));
        let observations: Vec<I256> =
            (0..n as i64).map(|index| I256::try_from(answer + index - n as i64 / 2).expect("small")).collect();
        let report = (1_700_000_000u32, observers, observations, I256::ONE).abi_encode_params();
        let epoch_and_round = U256::from(u64::from(epoch) << 8 | u64::from(round));
        let context = [self.digest, epoch_and_round.into(), B256::ZERO];
        let digest = keccak256([keccak256(&report), context[0], context[1], context[2]].concat());
        let (mut rs, mut ss, mut vs) = (Vec::new(), Vec::new(), B256::ZERO);
        for (index, signer) in self.signers.iter().take(self.f + 1).enumerate() {
            let (r, s) = match self.chain.config().recover {
                Recover::KeyedHash => devchain::keyed_signature(signer.address(), digest),
                Recover::Secp256k1 => {
                    let signature = signer.sign_hash_sync(&digest).expect("a signature");
                    vs.0[index] = signature.v().into();
                    (signature.r().into(), signature.s().into())
                }
            };
            rs.push(r);
            ss.push(s);
        }
        let input = Aggregator::transmitCall { context, report: report.into(), rs, ss, vs }.abi_encode();
        TxEip1559 { gas_limit: 500_000, ..transaction(nonce, TxKind::Call(self.aggregator), input) }
    }

    /// What every oracle asks the contract in every round.
    pub fn latest(&self) -> Aggregator::latestTransmissionDetailsReturn {
        let call = Call::read(self.aggregator, Aggregator::latestTransmissionDetailsCall {}.abi_encode());
        match self.chain.call(&call, At::Block(self.chain.height())) {
            Ok(Outcome::Returned { output, .. }) => {
                Aggregator::latestTransmissionDetailsCall::abi_decode_returns(&output).expect("details")
            }
            other => panic!("{other:?}"),
        }
    }
}
