// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../interfaces/IAccessController.sol";
import {ILinkToken} from "../interfaces/ILinkToken.sol";
import {IOCR2Billing} from "../interfaces/IOCR2Aggregator.sol";
import {ConfigData} from "../ocr2/ConfigData.sol";
import {Hot} from "../ocr2/Hot.sol";
import {Account, newMember, newOutsider} from "./Account.sol";
import {LinkTransfers} from "./LinkTransfers.sol";
import {Payees} from "./Payees.sol";

/// @title The books of an OCR2 price feed
/// @dev What a transmission pays to its transmitter is in OCR2Aggregator, next to the gas that it measures.
abstract contract OCR2Billing is IOCR2Billing, Payees {
    using LinkTransfers for ILinkToken;

    uint256 internal constant MAX_ORACLES = 31;

    Hot internal s_hot;
    mapping(address transmitter => Account) internal s_accounts;

    /// @dev By seat: rounds up to this one were paid.
    uint32[MAX_ORACLES] internal s_rewardFromRound;

    /// @dev The sum of carriedJuels of all who are not members.
    uint256 private s_owedToDeparted;

    ILinkToken private s_linkToken;
    IAccessController private s_billingAccessController;

    modifier onlyOwnerOrBillingAdmin() {
        if (!_isOwnerOr(s_billingAccessController)) revert OnlyOwnerOrBillingAdmin(msg.sender);
        _;
    }

    constructor(ILinkToken token, IAccessController billingAccessController) {
        s_linkToken = token;
        emit LinkTokenSet(ILinkToken(address(0)), token);
        _setBillingAccessController(billingAccessController);
    }

    // -- payments

    /// @inheritdoc IOCR2Billing
    function withdrawPayment(address transmitter) external override {
        _requirePayee(transmitter);
        uint256 amount = owedPayment(transmitter);
        if (amount == 0) return;

        // Everything is written before the token is called, so a token that calls back finds nothing owed.
        Account account = s_accounts[transmitter];
        if (account.active()) {
            s_rewardFromRound[account.seat()] = s_hot.roundId();
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
        address[] memory transmitters = ConfigData.transmitters(ConfigData.load(s_hot.configData()));
        if (transmitters.length == 0) return;
        uint32 latestRound = s_hot.roundId();
        ILinkToken token = s_linkToken;
        (, uint256 balance) = token.tryBalance();

        for (uint256 seat = 0; seat < transmitters.length; seat++) {
            address transmitter = transmitters[seat];
            uint256 amount = owedPayment(transmitter);
            if (amount == 0) continue;

            // As in withdrawPayment, the books are closed before the token is called.
            s_rewardFromRound[seat] = latestRound;
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
        uint32 latestRound = s_hot.roundId();
        for (uint256 i = 0; i < transmitters.length; i++) {
            uint128 carried = s_accounts[transmitters[i]].carriedJuels();
            owedToDeparted -= carried;
            s_accounts[transmitters[i]] = newMember(i, carried);
            s_rewardFromRound[i] = latestRound;
        }
        s_owedToDeparted = owedToDeparted;
    }

    /// @inheritdoc IOCR2Billing
    function owedPayment(address transmitter) public view override returns (uint256) {
        Account account = s_accounts[transmitter];
        if (!account.active()) return account.carriedJuels();
        uint256 rounds = s_hot.roundId() - s_rewardFromRound[account.seat()];
        return rounds * _observationPaymentJuels() + account.paymentJuels() + account.carriedJuels();
    }

    /// @inheritdoc IOCR2Billing
    function oracleObservationCount(address transmitter) external view override returns (uint32) {
        Account account = s_accounts[transmitter];
        return account.active() ? s_hot.roundId() - s_rewardFromRound[account.seat()] : 0;
    }

    // -- funds

    /// @inheritdoc IOCR2Billing
    function withdrawFunds(address recipient, uint256 amount) external override onlyOwnerOrBillingAdmin {
        ILinkToken token = s_linkToken;
        uint256 due = _totalOwed();
        (, uint256 balance) = token.tryBalance();
        if (balance < due) revert InsufficientBalance(balance, due);
        uint256 available = balance - due;
        _transfer(token, recipient, amount < available ? amount : available);
    }

    /// @inheritdoc IOCR2Billing
    function linkAvailableForPayment() external view override returns (int256 availableBalance) {
        (, uint256 balance) = s_linkToken.tryBalance();
        return int256(balance) - int256(_totalOwed());
    }

    function _totalOwed() private view returns (uint256 due) {
        address[] memory transmitters = ConfigData.transmitters(ConfigData.load(s_hot.configData()));
        due = s_owedToDeparted;
        for (uint256 i = 0; i < transmitters.length; i++) {
            due += owedPayment(transmitters[i]);
        }
    }

    function _transfer(ILinkToken token, address to, uint256 amount) private {
        if (!token.tryTransfer(to, amount, gasleft())) revert TransferFailed(token, to, amount);
    }

    // -- token

    /// @inheritdoc IOCR2Billing
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

    /// @inheritdoc IOCR2Billing
    function getLinkToken() external view override returns (ILinkToken linkToken) {
        return s_linkToken;
    }

    // -- terms

    /// @inheritdoc IOCR2Billing
    function setBilling(
        uint32 maximumGasPriceGwei,
        uint32 reasonableGasPriceGwei,
        uint32 observationPaymentGjuels,
        uint32 transmissionPaymentGjuels,
        uint24 accountingGas
    ) external override onlyOwnerOrBillingAdmin {
        _settle();

        Hot hot = s_hot;
        bytes memory data = ConfigData.load(hot.configData());
        uint256 f = ConfigData.word(data, ConfigData.TERMS) >> ConfigData.F_AT;
        uint256 terms = uint256(maximumGasPriceGwei)
            | (uint256(reasonableGasPriceGwei) << ConfigData.REASONABLE_GAS_PRICE_AT)
            | (uint256(observationPaymentGjuels) << ConfigData.OBSERVATION_PAYMENT_AT)
            | (uint256(transmissionPaymentGjuels) << ConfigData.TRANSMISSION_PAYMENT_AT)
            | (uint256(accountingGas) << ConfigData.ACCOUNTING_GAS_AT) | (f << ConfigData.F_AT);
        ConfigData.setWord(data, ConfigData.TERMS, terms);
        s_hot = hot.withConfigData(ConfigData.deploy(data));

        emit BillingSet(
            maximumGasPriceGwei,
            reasonableGasPriceGwei,
            observationPaymentGjuels,
            transmissionPaymentGjuels,
            accountingGas
        );
    }

    /// @inheritdoc IOCR2Billing
    function getBilling()
        external
        view
        override
        returns (
            uint32 maximumGasPriceGwei,
            uint32 reasonableGasPriceGwei,
            uint32 observationPaymentGjuels,
            uint32 transmissionPaymentGjuels,
            uint24 accountingGas
        )
    {
        uint256 terms = ConfigData.peek(s_hot.configData(), ConfigData.TERMS);
        return (
            uint32(terms),
            uint32(terms >> ConfigData.REASONABLE_GAS_PRICE_AT),
            uint32(terms >> ConfigData.OBSERVATION_PAYMENT_AT),
            uint32(terms >> ConfigData.TRANSMISSION_PAYMENT_AT),
            uint24(terms >> ConfigData.ACCOUNTING_GAS_AT)
        );
    }

    function _observationPaymentJuels() private view returns (uint256) {
        return uint256(
            uint32(ConfigData.peek(s_hot.configData(), ConfigData.TERMS) >> ConfigData.OBSERVATION_PAYMENT_AT)
        ) * 1 gwei;
    }

    // -- access

    /// @inheritdoc IOCR2Billing
    function setBillingAccessController(IAccessController controller) external override onlyOwner {
        _setBillingAccessController(controller);
    }

    /// @inheritdoc IOCR2Billing
    function getBillingAccessController() external view override returns (IAccessController) {
        return s_billingAccessController;
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
