// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

/// @title Where each transmitter's earnings go
/// @notice The owner may name a payee once; after that only the payee can hand over, in two steps.
interface IPayees {
    event PayeeshipTransferRequested(address indexed transmitter, address indexed current, address indexed proposed);
    event PayeeshipTransferred(address indexed transmitter, address indexed previous, address indexed current);

    error PayeeListsDiffer(uint256 transmitters, uint256 payees);
    error PayeeAlreadySet(address transmitter, address current, address proposed);
    error OnlyPayee(address caller, address payee);
    error OnlyProposedPayee(address caller, address proposed);
    error CannotTransferPayeeshipToSelf(address payee);

    /// @notice Names payees of transmitters that have none. Repeating a present payee is allowed and does nothing.
    function setPayees(address[] calldata transmitters, address[] calldata payees) external;

    /// @notice Offers a transmitter's earnings to another address.
    function transferPayeeship(address transmitter, address proposed) external;

    /// @notice Takes the offer.
    function acceptPayeeship(address transmitter) external;
}
