//! The contracts as Rust types: calls, events, errors and creation bytecode, read from their committed artifacts.
//!
//! Nothing here talks to a chain; that is the business of `evm`.
//!
//! One module per contract. A call is a `…Call` struct (`SolCall` encodes it and decodes its `…Return`), an event is a
//! struct (`SolEvent` decodes it from a log), the revert reasons are one enum, `…Errors` (`SolInterface` decodes it).
//! `BYTECODE` is the creation code; [`creation`] joins it to the constructor's arguments.
#![no_std]

extern crate alloc;

pub mod threshold;
mod transmit;

pub use transmit::{transmit, transmit_ocr1};

use alloc::vec::Vec;
use alloy_primitives::Bytes;
use alloy_sol_types::SolConstructor;

/// What `sol!` makes of artifacts has no documentation of its own; the contracts' sources have.
macro_rules! contracts {
    ($($(#[$doc:meta])* $module:ident: $contract:ident, $path:literal;)*) => {$(
        $(#[$doc])*
        pub mod $module {
            #![allow(missing_docs, clippy::all)]
            pub use self::$contract::*;
            alloy_sol_types::sol!(#[derive(Debug, PartialEq, Eq)] $contract, $path);
        }
    )*};
}

contracts! {
    /// The OCR2 price feed.
    ocr2_aggregator: OCR2Aggregator, "../../contracts/artifacts/OCR2Aggregator.json";
    /// The OCR2 price feed that only listed contracts can read on chain.
    access_controlled_ocr2_aggregator: AccessControlledOCR2Aggregator,
        "../../contracts/artifacts/AccessControlledOCR2Aggregator.json";
    /// The OCR1 price feed.
    offchain_aggregator: OffchainAggregator, "../../contracts/artifacts/OffchainAggregator.json";
    /// The OCR1 price feed that only listed contracts can read on chain.
    access_controlled_offchain_aggregator: AccessControlledOffchainAggregator,
        "../../contracts/artifacts/AccessControlledOffchainAggregator.json";
    /// A list of addresses that may do something.
    simple_write_access_controller: SimpleWriteAccessController,
        "../../contracts/artifacts/SimpleWriteAccessController.json";
    /// The list, and everyone who is no contract.
    simple_read_access_controller: SimpleReadAccessController,
        "../../contracts/artifacts/SimpleReadAccessController.json";
    /// Tells whether an OCR3 report is attested by a committee.
    ocr3_verifier: OCR3Verifier, "../../contracts/artifacts/OCR3Verifier.json";
    /// The same as a library for the reference's contracts that dispatch to one.
    ocr3_ecdsa_library: OCR3DynamicallyDispatchedECDSAAttestationVerifierLib,
        "../../contracts/artifacts/OCR3DynamicallyDispatchedECDSAAttestationVerifierLib.json";
    /// Configurations, each under its digest.
    ocr_configuration_store: OCRConfigurationStoreEVMSimple,
        "../../contracts/artifacts/OCRConfigurationStoreEVMSimple.json";
    /// An address for a feed that stays when its aggregator is replaced.
    feed_proxy: FeedProxy, "../../contracts/artifacts/FeedProxy.json";
    /// An example of a consumer: tokens are lent against the chain's own coin.
    example_lending: ExampleLending, "../../contracts/artifacts/ExampleLending.json";
    /// The token that oracles are paid in on local networks.
    link_token: LinkToken, "../../contracts/artifacts/LinkToken.json";
    /// A price feed that is updated by one signature of its whole committee.
    threshold_aggregator: ThresholdAggregator, "../../contracts/artifacts/ThresholdAggregator.json";
    /// Many price feeds that are updated together by one signature.
    threshold_batch: ThresholdBatch, "../../contracts/artifacts/ThresholdBatch.json";
    /// One feed of a batch, in the form that readers of price feeds know.
    threshold_feed: ThresholdFeed, "../../contracts/artifacts/ThresholdFeed.json";
}

/// The data of a transaction that deploys a contract: its creation bytecode and its constructor's arguments.
///
/// ```
/// use bindings::{creation, link_token};
/// assert_eq!(creation(&link_token::BYTECODE, &link_token::constructorCall {}), link_token::BYTECODE.to_vec());
/// ```
pub fn creation<C: SolConstructor>(bytecode: &Bytes, arguments: &C) -> Vec<u8> {
    let mut data = bytecode.to_vec();
    data.extend(arguments.abi_encode());
    data
}
