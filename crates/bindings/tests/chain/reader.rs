//! A consumer written in Solidity that measures its own call to a feed, so that both contracts are read as they are in use.

use alloy_primitives::{Address, Bytes};

/// The deployed code of this contract, by solc 0.8.37 with 200 optimizer runs for the paris machine:
///
/// ```solidity
/// contract Reader {
///     function latestRoundData(IFeed feed) external view returns (uint256) {
///         uint256 before = gasleft();
///         feed.latestRoundData();
///         return before - gasleft();
///     }
///     function latestAnswer(IFeed feed) external view returns (uint256) {
///         uint256 before = gasleft();
///         feed.latestAnswer();
///         return before - gasleft();
///     }
/// }
/// ```
const READER: &str = "\
    608060405234801561001057600080fd5b50600436106100365760003560e01c8063580a560e1461003b578063a13cc76a146100 \
    60575b600080fd5b61004e610049366004610166565b610073565b60405190815260200160405180910390f35b61004e61006e36 \
    6004610166565b6100ee565b6000805a9050826001600160a01b03166350d25bcd6040518163ffffffff1660e01b815260040160 \
    2060405180830381865afa1580156100b7573d6000803e3d6000fd5b505050506040513d601f19601f8201168201806040525081 \
    01906100db919061018f565b505a6100e790826101a8565b9392505050565b6000805a9050826001600160a01b031663feaf968c \
    6040518163ffffffff1660e01b815260040160a060405180830381865afa158015610132573d6000803e3d6000fd5b5050505060 \
    40513d601f19601f8201168201806040525081019061015691906101ee565b50505050505a6100e790826101a8565b6000602082 \
    8403121561017857600080fd5b81356001600160a01b03811681146100e757600080fd5b6000602082840312156101a157600080 \
    fd5b5051919050565b818103818111156101c957634e487b7160e01b600052601160045260246000fd5b92915050565b805169ff \
    ffffffffffffffffff811681146101e957600080fd5b919050565b600080600080600060a0868803121561020657600080fd5b61 \
    020f866101cf565b60208701516040880151606089015192975090955093509150610234608087016101cf565b90509295509295 \
    90935056";

pub const LATEST_ROUND_DATA: [u8; 4] = 0xa13cc76a_u32.to_be_bytes();
pub const LATEST_ANSWER: [u8; 4] = 0x580a560e_u32.to_be_bytes();

pub fn code() -> Vec<u8> {
    hex::decode(READER.replace(' ', "")).expect("hex")
}

/// The data of a call to the reader.
pub fn call(selector: [u8; 4], feed: Address) -> Bytes {
    [selector.as_slice(), feed.into_word().as_slice()].concat().into()
}
