// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ILinkToken} from "../interfaces/ILinkToken.sol";

/// @title Calls to the token whose failure is a value
/// @dev A feed must stay configurable when its token is empty, wrong, or refuses a payee; so nothing here reverts because
/// of what the token does.
library LinkTransfers {
    /// @dev Gas for one transfer of a round of payments. A plain transfer to a new holder takes about 50,000; the bound
    /// keeps a token that burns all its gas (the deployed LINK does, on failure) from taking the whole call with it.
    uint256 internal constant SETTLEMENT_GAS = 200_000;

    /// @return known Whether there is a token that answers.
    /// @return balance This contract's balance, 0 if not known.
    function tryBalance(ILinkToken token) internal view returns (bool known, uint256 balance) {
        (bool success, bytes memory answer) =
            address(token).staticcall(abi.encodeCall(ILinkToken.balanceOf, (address(this))));
        if (!success || answer.length < 32) return (false, 0);
        return (true, abi.decode(answer, (uint256)));
    }

    /// @notice Sends tokens and says whether that worked.
    /// @dev A token that returns nothing is taken at its word, since its tokens have moved; any returned word but 1 says
    /// that they have not.
    function tryTransfer(ILinkToken token, address to, uint256 value, uint256 gasLimit) internal returns (bool) {
        if (address(token).code.length == 0) return false;
        (bool success, bytes memory answer) =
            address(token).call{gas: gasLimit}(abi.encodeCall(ILinkToken.transfer, (to, value)));
        if (!success) return false;
        if (answer.length == 0) return true;
        return answer.length >= 32 && abi.decode(answer, (uint256)) == 1;
    }
}
