// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A token that moves balances and then answers what it was told to
contract SpoiledToken {
    mapping(address => uint256) public balanceOf;
    bytes private s_answer = abi.encode(true);
    bool private s_burnsGas;

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
    }

    /// @param answer_ What `transfer` returns from now on; nothing is moved if it is longer than nothing and not true.
    function answer(bytes memory answer_) external {
        s_answer = answer_;
    }

    /// @notice From now on transfer is an invalid instruction, as in contracts of old compilers.
    function burnGas() external {
        s_burnsGas = true;
    }

    function transfer(address to, uint256 value) external {
        if (s_burnsGas) {
            assembly {
                invalid()
            }
        }
        bytes memory result = s_answer;
        if (result.length == 0 || (result.length >= 32 && abi.decode(result, (uint256)) == 1)) {
            balanceOf[msg.sender] -= value;
            balanceOf[to] += value;
        }
        assembly {
            return(add(result, 0x20), mload(result))
        }
    }
}
