// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Owned} from "../access/Owned.sol";
import {IPayees} from "../interfaces/IPayees.sol";

/// @title Where each transmitter's earnings go
abstract contract Payees is IPayees, Owned {
    mapping(address transmitter => address payee) internal s_payees;
    mapping(address transmitter => address proposed) private s_proposedPayees;

    /// @inheritdoc IPayees
    function setPayees(address[] calldata transmitters, address[] calldata payees) external override onlyOwner {
        if (transmitters.length != payees.length) revert PayeeListsDiffer(transmitters.length, payees.length);
        for (uint256 i = 0; i < transmitters.length; i++) {
            (address transmitter, address payee) = (transmitters[i], payees[i]);
            address current = s_payees[transmitter];
            if (current == payee) continue;
            if (current != address(0)) revert PayeeAlreadySet(transmitter, current, payee);
            s_payees[transmitter] = payee;
            emit PayeeshipTransferred(transmitter, address(0), payee);
        }
    }

    /// @inheritdoc IPayees
    function transferPayeeship(address transmitter, address proposed) external override {
        _requirePayee(transmitter);
        if (msg.sender == proposed) revert CannotTransferPayeeshipToSelf(msg.sender);
        if (s_proposedPayees[transmitter] == proposed) return;
        s_proposedPayees[transmitter] = proposed;
        emit PayeeshipTransferRequested(transmitter, msg.sender, proposed);
    }

    /// @inheritdoc IPayees
    function acceptPayeeship(address transmitter) external override {
        address proposed = s_proposedPayees[transmitter];
        if (msg.sender != proposed) revert OnlyProposedPayee(msg.sender, proposed);
        address previous = s_payees[transmitter];
        s_payees[transmitter] = msg.sender;
        s_proposedPayees[transmitter] = address(0);
        emit PayeeshipTransferred(transmitter, previous, msg.sender);
    }

    function _requirePayee(address transmitter) internal view {
        address payee = s_payees[transmitter];
        if (msg.sender != payee) revert OnlyPayee(msg.sender, payee);
    }
}
