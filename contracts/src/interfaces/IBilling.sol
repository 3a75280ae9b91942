// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

import {IAccessController} from "./IAccessController.sol";
import {ILinkToken} from "./ILinkToken.sol";
import {IPayees} from "./IPayees.sol";

/// @title How the oracles of a price feed are paid: what is the same for all feeds
/// @notice Amounts are in juels, the smallest unit of LINK (10^-18).
interface IBilling is IPayees {
    event BillingAccessControllerSet(IAccessController old, IAccessController current);
    event LinkTokenSet(ILinkToken indexed oldLinkToken, ILinkToken indexed newLinkToken);
    event OraclePaid(address indexed transmitter, address indexed payee, uint256 amount, ILinkToken indexed linkToken);
    /// @notice A round of payments could not pay this transmitter (no payee, no funds, or the token refused). What it is
    /// owed stays owed, also when it leaves the committee, and its payee can withdraw it.
    event PaymentCarried(address indexed transmitter, uint256 amount);

    error OnlyOwnerOrBillingAdmin(address caller);
    error NotAToken(ILinkToken token);
    error InsufficientBalance(uint256 got, uint256 owedToOracles);
    error TransferFailed(ILinkToken token, address to, uint256 amount);

    /// @notice Changes the token. Oracles are paid in the old one first; the rest of it goes to `recipient`.
    /// @dev Debts that could not be paid in the old token remain, and are paid in the new one. Does nothing if the token is
    /// already set. An old token that does not even tell a balance is given up, so a wrong address is not for ever.
    function setLinkToken(ILinkToken token, address recipient) external;
    function getLinkToken() external view returns (ILinkToken linkToken);

    /// @notice Who, besides the owner, may set terms and withdraw what is left over.
    function setBillingAccessController(IAccessController controller) external;

    /// @notice Pays a transmitter's earnings to its payee, who has to be the caller. Nothing owed: nothing happens.
    function withdrawPayment(address transmitter) external;

    /// @return What the transmitter is owed, in juels; of one that left the committee, what could not be paid then.
    function owedPayment(address transmitter) external view returns (uint256);

    /// @notice Sends `amount` to `recipient`, or as much as is not owed to oracles.
    function withdrawFunds(address recipient, uint256 amount) external;

    /// @return availableBalance Balance less everything owed, in juels; negative if the contract cannot pay its oracles.
    function linkAvailableForPayment() external view returns (int256 availableBalance);
}
