//! Where oracles find the configuration that a digest names.

use crate::{
    chain::{Chain, address, committee::Committee, reference},
    table::{Row, Section},
};
use alloy_primitives::{B256, Bytes, aliases::I192};
use bindings::ocr_configuration_store::{
    BYTECODE, IOCRConfigurationStore::ConfigurationEVMSimple, addConfigCall, readConfigCall,
};

const SIZES: [usize; 4] = [4, 7, 16, 31];

/// Gas of adding a configuration, and of a call that reads it.
fn measure(bytecode: &Bytes, n: usize) -> (u64, u64) {
    let mut chain = Chain::new();
    let (at, _) = chain.deploy(address("owner", 0), bytecode.to_vec());
    let config = Committee::new(n, 0).set_config(1, I192::MAX >> 1);
    let configuration = ConfigurationEVMSimple {
        signers: config.signers,
        transmitters: config.transmitters,
        onchainConfig: config.onchainConfig,
        offchainConfig: config.offchainConfig,
        contractAddress: address("feed", 0),
        offchainConfigVersion: config.offchainConfigVersion,
        configCount: 1,
        f: config.f,
    };
    let outcome = chain.send_call(address("anyone", 0), at, &addConfigCall { configuration }).success();
    let digest = B256::from_slice(&outcome.output);
    let read = alloy_sol_types::SolCall::abi_encode(&readConfigCall { configDigest: digest });
    (outcome.gas, chain.view(address("anyone", 0), at, read).success().gas)
}

pub fn section() -> Section {
    let original = reference("OCRConfigurationStoreEVMSimple");
    let mut rows = Vec::new();
    for n in SIZES {
        let added = |bytecode: &Bytes| measure(bytecode, n).0;
        rows.push(Row::new(format!("`addConfig`, n = {n}"), original.as_ref().map(added), added(&BYTECODE)));
    }
    for n in SIZES {
        let read = |bytecode: &Bytes| measure(bytecode, n).1;
        rows.push(Row::new(
            format!("`readConfig`, the whole call, n = {n}"),
            original.as_ref().map(read),
            read(&BYTECODE),
        ));
    }
    Section {
        title: "OCRConfigurationStoreEVMSimple",
        method: "Offchain config of 100 + 180 n bytes.",
        with_original: original.is_some(),
        rows,
    }
}
