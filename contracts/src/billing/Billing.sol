// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ConfigData} from "../feed/ConfigData.sol";
import {Hot} from "../feed/Hot.sol";
import {IAccessController} from "../interfaces/IAccessController.sol";
import {IBilling} from "../interfaces/IBilling.sol";
import {ILinkToken} from "../interfaces/ILinkToken.sol";
import {Account, newMember, newOutsider} from "./Account.sol";
import {LinkTransfers} from "./LinkTransfers.sol";
import {Payees} from "./Payees.sol";

/// @title The books of a price feed: debts, payments, and funds
/// @dev What earns is said by those who inherit: observations here, as two functions; a transmission in the aggregator, next
/// to the gas that it measures.
abstract contract Billing is IBilling, Payees {
    using LinkTransfers for ILinkToken;

    uint256 internal constant MAX_ORACLES = 31;

    Hot internal s_hot;
    mapping(address transmitter => Account) internal s_accounts;

    /// @dev The sum of carriedJuels of all who are not members.
    uint256 private s_owedToDeparted;

    ILinkToken private s_linkToken;
    IAccessController internal s_billingAccessController;

    modifier onlyOwnerOrBillingAdmin() {
        if (!_isOwnerOr(s_billingAccessController)) revert OnlyOwnerOrBillingAdmin(msg.sender);
        _;
    }

    constructor(ILinkToken token, IAccessController billingAccessController) {
        s_linkToken = token;
        emit LinkTokenSet(ILinkToken(address(0)), token);
        _setBillingAccessController(billingAccessController);
    }

    // -- earnings

    /// @return What the observations of a seat have earned since they were last counted anew, in juels.
    function _earnedByObservations(uint256 seat, Hot hot) internal view virtual returns (uint256);

    /// @dev From now on the observations of a seat earn from zero.
    function _countAnew(uint256 seat, Hot hot) internal virtual;

    // -- payments

    /// @inheritdoc IBilling
    function withdrawPayment(address transmitter) external override {
        _requirePayee(transmitter);
        Hot hot = s_hot;
        uint256 amount = _owed(transmitter, hot);
        if (amount == 0) return;

        // Everything is written before the token is called, so a token that calls back finds nothing owed.
        Account account = s_accounts[transmitter];
        if (account.active()) {
            _countAnew(account.seat(), hot);
            s_accounts[transmitter] = newMember(account.seat(), 0);
        } else {
            s_owedToDeparted -= amount;
            s_accounts[transmitter] = newOutsider(0);
        }

        ILinkToken token = s_linkToken;
        _transfer(token, msg.sender, amount);
        emit OraclePaid(transmitter, msg.sender, amount, token);
    }

    /// @dev Pays every member of the committee what it is owed, or carries it. Never fails because of funds, payees or
    /// token: a committee that has to be replaced must be replaceable now.
    function _settle() internal {
        Hot hot = s_hot;
        address[] memory transmitters = ConfigData.transmitters(ConfigData.load(hot.configData()));
        if (transmitters.length == 0) return;
        ILinkToken token = s_linkToken;
        (, uint256 balance) = token.tryBalance();

        for (uint256 seat = 0; seat < transmitters.length; seat++) {
            address transmitter = transmitters[seat];
            uint256 amount = _owed(transmitter, hot);
            if (amount == 0) continue;

            // As in withdrawPayment, the books are closed before the token is called.
            _countAnew(seat, hot);
            s_accounts[transmitter] = newMember(seat, 0);

            address payee = s_payees[transmitter];
            bool payable_ = payee != address(0) && payee != address(token) && amount <= balance;
            if (payable_ && token.tryTransfer(payee, amount, LinkTransfers.SETTLEMENT_GAS)) {
                balance -= amount;
                emit OraclePaid(transmitter, payee, amount, token);
            } else {
                // Each settlement adds less than 2^97 to a carried sum, so it takes 2^31 of them to fill 128 bits.
                s_accounts[transmitter] = newMember(seat, uint128(amount));
                emit PaymentCarried(transmitter, amount);
            }
        }
    }

    /// @dev After a settlement: takes the old committee's seats away, and keeps what could not be paid.
    function _unseat(address[] memory transmitters) internal {
        uint256 owedToDeparted = s_owedToDeparted;
        for (uint256 i = 0; i < transmitters.length; i++) {
            uint128 carried = s_accounts[transmitters[i]].carriedJuels();
            owedToDeparted += carried;
            s_accounts[transmitters[i]] = newOutsider(carried);
        }
        s_owedToDeparted = owedToDeparted;
    }

    /// @dev Gives seats to a new committee, and takes up what its members may be owed from an earlier one.
    function _seat(address[] memory transmitters) internal {
        uint256 owedToDeparted = s_owedToDeparted;
        Hot hot = s_hot;
        for (uint256 i = 0; i < transmitters.length; i++) {
            uint128 carried = s_accounts[transmitters[i]].carriedJuels();
            owedToDeparted -= carried;
            s_accounts[transmitters[i]] = newMember(i, carried);
            _countAnew(i, hot);
        }
        s_owedToDeparted = owedToDeparted;
    }

    function _owed(address transmitter, Hot hot) internal view returns (uint256) {
        Account account = s_accounts[transmitter];
        if (!account.active()) return account.carriedJuels();
        return _earnedByObservations(account.seat(), hot) + account.paymentJuels() + account.carriedJuels();
    }

    // -- funds

    /// @inheritdoc IBilling
    function withdrawFunds(address recipient, uint256 amount) external override onlyOwnerOrBillingAdmin {
        ILinkToken token = s_linkToken;
        uint256 due = _totalOwed();
        (, uint256 balance) = token.tryBalance();
        if (balance < due) revert InsufficientBalance(balance, due);
        uint256 available = balance - due;
        _transfer(token, recipient, amount < available ? amount : available);
    }

    /// @inheritdoc IBilling
    function linkAvailableForPayment() external view override returns (int256 availableBalance) {
        (, uint256 balance) = s_linkToken.tryBalance();
        return int256(balance) - int256(_totalOwed());
    }

    function _totalOwed() private view returns (uint256 due) {
        Hot hot = s_hot;
        address[] memory transmitters = ConfigData.transmitters(ConfigData.load(hot.configData()));
        due = s_owedToDeparted;
        for (uint256 i = 0; i < transmitters.length; i++) {
            due += _owed(transmitters[i], hot);
        }
    }

    function _transfer(ILinkToken token, address to, uint256 amount) private {
        if (!token.tryTransfer(to, amount, gasleft())) revert TransferFailed(token, to, amount);
    }

    // -- token

    /// @inheritdoc IBilling
    function setLinkToken(ILinkToken token, address recipient) external override onlyOwner {
        ILinkToken old = s_linkToken;
        if (address(token) == address(old)) return;
        (bool known,) = token.tryBalance();
        if (!known) revert NotAToken(token);

        _settle();
        s_linkToken = token;
        (bool oldKnown, uint256 rest) = old.tryBalance();
        if (oldKnown) _transfer(old, recipient, rest);
        emit LinkTokenSet(old, token);
    }

    /// @inheritdoc IBilling
    function getLinkToken() external view override returns (ILinkToken linkToken) {
        return s_linkToken;
    }

    // -- terms

    /// @dev Pays everyone under the old terms, then has new ones, without f.
    function _setTerms(uint256 terms) internal {
        _settle();

        Hot hot = s_hot;
        bytes memory data = ConfigData.load(hot.configData());
        ConfigData.setTerms(data, terms);
        s_hot = hot.withConfigData(ConfigData.deploy(data));
    }

    function _terms(Hot hot) internal view returns (uint256) {
        return ConfigData.peek(hot.configData(), ConfigData.TERMS);
    }

    // -- access

    /// @inheritdoc IBilling
    function setBillingAccessController(IAccessController controller) external override onlyOwner {
        _setBillingAccessController(controller);
    }

    function _setBillingAccessController(IAccessController controller) private {
        IAccessController old = s_billingAccessController;
        if (address(controller) == address(old)) return;
        s_billingAccessController = controller;
        emit BillingAccessControllerSet(old, controller);
    }

    /// @dev No controller admits nobody.
    function _isOwnerOr(IAccessController controller) internal view returns (bool) {
        if (msg.sender == owner) return true;
        return address(controller) != address(0) && controller.hasAccess(msg.sender, msg.data);
    }
}
