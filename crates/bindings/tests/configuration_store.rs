//! The configuration store under the code size limit of a real chain (EIP-170), which forge does not apply.

mod chain;

use alloy_primitives::{Address, B256, Bytes};
use bindings::ocr_configuration_store::{
    BYTECODE, IOCRConfigurationStore::ConfigurationEVMSimple, addConfigCall, readConfigCall,
};
use chain::{Chain, address, committee::Committee};

#[test]
fn a_configuration_larger_than_a_contract_is_kept_in_parts() {
    let committee = Committee::new(31, 0);
    for size in [20_000, 23_000, 30_000, 60_000] {
        let mut chain = Chain::new();
        let (at, _) = chain.deploy(address("owner", 0), BYTECODE.to_vec());
        let configuration = ConfigurationEVMSimple {
            signers: committee.signers.clone(),
            transmitters: committee.transmitters.clone(),
            onchainConfig: Bytes::new(),
            offchainConfig: (0..size).map(|i| (i % 251) as u8).collect(),
            contractAddress: address("feed", 0),
            offchainConfigVersion: 2,
            configCount: 1,
            f: committee.f,
        };
        let call = addConfigCall { configuration: configuration.clone() };
        let outcome = chain.send_call(Address::ZERO, at, &call).success();
        let read = chain.read(at, &readConfigCall { configDigest: B256::from_slice(&outcome.output) });
        assert_eq!(read, configuration, "{size}");
    }
}
