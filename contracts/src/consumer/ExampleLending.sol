// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ILinkToken} from "../interfaces/ILinkToken.sol";
import {CheckedPrice, PriceRules} from "./CheckedPrice.sol";

/// @title An example of a consumer: tokens are lent against the chain's own coin
/// @notice Shows how a price is used, and what happens without one: borrowing, liquidating, and taking back the collateral of a debt need a
/// price, and stop without one; paying back, adding collateral, and leaving without a debt need none, and always work. It is as
/// small as that allows: no interest, no owner, and lenders give by sending tokens to it.
contract ExampleLending {
    using CheckedPrice for PriceRules;

    event Deposited(address indexed account, uint256 coins);
    event Withdrawn(address indexed account, uint256 coins);
    event Borrowed(address indexed account, uint256 tokens);
    event Repaid(address indexed account, address indexed by, uint256 tokens);
    event Liquidated(address indexed account, address indexed by, uint256 tokens, uint256 coins);

    error WrongDecimals(uint8 got, uint8 wanted);
    error NotEnoughCollateral(uint256 value, uint256 needed);
    error Healthy(uint256 value, uint256 needed);
    error CoinsNotSent(address to, uint256 coins);
    error TokensNotMoved(address from, address to, uint256 tokens);

    /// @notice The collateral of a debt is worth at least 3/2 of it when it is made, and a liquidator of a debt whose collateral is
    /// worth less than 5/4 of it takes coins worth 11/10 of what it pays.
    uint256 private constant BORROW_PERCENT = 150;
    uint256 private constant LIQUIDATE_PERCENT = 125;
    uint256 private constant REWARD_PERCENT = 110;

    /// @dev Prices are tokens for a coin. Both have 18 decimals, and so have prices here, whatever the feed has.
    uint8 private constant DECIMALS = 18;
    uint256 private constant ONE = 10 ** DECIMALS;

    struct Account {
        uint128 coins;
        uint128 debt;
    }

    ILinkToken public immutable TOKEN;
    PriceRules private s_rules;
    mapping(address owner => Account) public accounts;

    /// @param rules What a price has to be like; its `decimals` have to be 18.
    constructor(ILinkToken token, PriceRules memory rules) {
        rules.requireSound();
        if (rules.decimals != DECIMALS) revert WrongDecimals(rules.decimals, DECIMALS);
        TOKEN = token;
        s_rules = rules;
    }

    // -- what needs no price

    function deposit() external payable {
        accounts[msg.sender].coins += uint128(msg.value); // no chain has 2^128 of its coin
        emit Deposited(msg.sender, msg.value);
    }

    /// @notice Pays back what somebody owes, or less.
    function repay(address owner, uint128 tokens) external {
        accounts[owner].debt -= tokens;
        emit Repaid(owner, msg.sender, tokens);
        _take(tokens);
    }

    /// @notice Takes collateral back: all of it without a debt, else as much as is not needed.
    function withdraw(uint128 coins) external {
        Account storage account = accounts[msg.sender];
        account.coins -= coins;
        if (account.debt > 0) _requireWorth(account, BORROW_PERCENT);
        emit Withdrawn(msg.sender, coins);
        _send(coins);
    }

    // -- what needs a price

    function borrow(uint128 tokens) external {
        Account storage account = accounts[msg.sender];
        account.debt += tokens;
        _requireWorth(account, BORROW_PERCENT);
        emit Borrowed(msg.sender, tokens);
        if (!TOKEN.transfer(msg.sender, tokens)) revert TokensNotMoved(address(this), msg.sender, tokens);
    }

    /// @notice Pays back a debt, or a part of it, that has too little collateral, for some more of the collateral.
    function liquidate(address owner, uint128 tokens) external {
        Account storage account = accounts[owner];
        uint256 tokensPerCoin = price();
        uint256 value = account.coins * tokensPerCoin / ONE;
        uint256 needed = uint256(account.debt) * LIQUIDATE_PERCENT / 100;
        if (value >= needed) revert Healthy(value, needed);

        uint256 reward = uint256(tokens) * REWARD_PERCENT * ONE / (100 * tokensPerCoin);
        uint128 coins = reward < account.coins ? uint128(reward) : account.coins;
        account.debt -= tokens;
        account.coins -= coins;
        emit Liquidated(owner, msg.sender, tokens, coins);
        _take(tokens);
        _send(coins);
    }

    /// @return Tokens for a coin, with 18 decimals.
    function price() public view returns (uint256) {
        return s_rules.read();
    }

    function _requireWorth(Account storage account, uint256 percent) private view {
        uint256 value = account.coins * price() / ONE;
        uint256 needed = uint256(account.debt) * percent / 100;
        if (value < needed) revert NotEnoughCollateral(value, needed);
    }

    function _take(uint256 tokens) private {
        bool moved = TOKEN.transferFrom(msg.sender, address(this), tokens);
        if (!moved) revert TokensNotMoved(msg.sender, address(this), tokens);
    }

    function _send(uint256 coins) private {
        (bool sent,) = msg.sender.call{value: coins}("");
        if (!sent) revert CoinsNotSent(msg.sender, coins);
    }
}
