// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

/// @title The token that oracles are paid in: ERC-20, the older approval calls, and `transferAndCall` (ERC-677)
interface ILinkToken {
    event Transfer(address indexed from, address indexed to, uint256 value);
    /// @notice The transfer of `transferAndCall`, which emits the plain event too.
    event Transfer(address indexed from, address indexed to, uint256 value, bytes data);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    function decimals() external view returns (uint8);
    function totalSupply() external view returns (uint256);
    function balanceOf(address owner) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
    function approve(address spender, uint256 value) external returns (bool);
    function increaseApproval(address spender, uint256 addedValue) external returns (bool);
    function decreaseApproval(address spender, uint256 subtractedValue) external returns (bool);
    /// @notice Transfers, and then tells a receiver that is a contract.
    function transferAndCall(address to, uint256 value, bytes calldata data) external returns (bool);
}

/// @title A contract that `transferAndCall` can pay
interface ITokenReceiver {
    function onTokenTransfer(address sender, uint256 value, bytes calldata data) external;
}
