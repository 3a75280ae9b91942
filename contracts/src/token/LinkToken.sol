// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ILinkToken, ITokenReceiver} from "../interfaces/ILinkToken.sol";

/// @title A token to pay oracles with on a local network
/// @notice The deployer receives the whole supply of 10^27 units (a billion tokens with 18 digits).
/// @dev As the real token does, it refuses to send to nobody or to itself: such a transfer is always a mistake.
contract LinkToken is ILinkToken {
    string public constant override name = "ChainLink Token";
    string public constant override symbol = "LINK";
    uint8 public constant override decimals = 18;
    uint256 public constant override totalSupply = 10 ** 27;

    mapping(address owner => uint256 value) public override balanceOf;
    mapping(address owner => mapping(address spender => uint256 value)) public override allowance;

    error InvalidRecipient(address to);
    error InsufficientBalance(address owner, uint256 got, uint256 wanted);
    error InsufficientAllowance(address owner, address spender, uint256 got, uint256 wanted);

    constructor() {
        balanceOf[msg.sender] = totalSupply;
        emit Transfer(address(0), msg.sender, totalSupply);
    }

    /// @inheritdoc ILinkToken
    function transfer(address to, uint256 value) external override returns (bool) {
        _transfer(msg.sender, to, value);
        return true;
    }

    /// @inheritdoc ILinkToken
    function transferFrom(address from, address to, uint256 value) external override returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < value) revert InsufficientAllowance(from, msg.sender, allowed, value);
        allowance[from][msg.sender] = allowed - value;
        _transfer(from, to, value);
        return true;
    }

    /// @inheritdoc ILinkToken
    function transferAndCall(address to, uint256 value, bytes calldata data) external override returns (bool) {
        _transfer(msg.sender, to, value);
        emit Transfer(msg.sender, to, value, data);
        if (to.code.length > 0) ITokenReceiver(to).onTokenTransfer(msg.sender, value, data);
        return true;
    }

    /// @inheritdoc ILinkToken
    function approve(address spender, uint256 value) external override returns (bool) {
        _approve(spender, value);
        return true;
    }

    /// @inheritdoc ILinkToken
    function increaseApproval(address spender, uint256 addedValue) external override returns (bool) {
        _approve(spender, allowance[msg.sender][spender] + addedValue);
        return true;
    }

    /// @inheritdoc ILinkToken
    function decreaseApproval(address spender, uint256 subtractedValue) external override returns (bool) {
        uint256 allowed = allowance[msg.sender][spender];
        _approve(spender, allowed > subtractedValue ? allowed - subtractedValue : 0);
        return true;
    }

    function _approve(address spender, uint256 value) private {
        if (spender == address(0) || spender == address(this)) revert InvalidRecipient(spender);
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
    }

    function _transfer(address from, address to, uint256 value) private {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(to);
        uint256 balance = balanceOf[from];
        if (balance < value) revert InsufficientBalance(from, balance, value);
        balanceOf[from] = balance - value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}
