// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A transmitter's account in one word of storage
/// @dev From the least significant bit: active (8; 1 for members of the committee), seat (8), paymentJuels (96),
/// carriedJuels (128). `paymentJuels` is what transmissions have earned since the last payment, the same number as in the
/// original's books; `carriedJuels` is what a round of payments could not pay. Members have a seat; of others only the
/// carried sum is kept. A word and not a struct, so that a transmission loads and stores it once.
type Account is uint256;

using {active, seat, paymentJuels, carriedJuels, withPayment} for Account global;

uint256 constant SEAT_AT = 8;
uint256 constant PAYMENT_AT = 16;
uint256 constant CARRIED_AT = 112;

function newMember(uint256 seat_, uint128 carriedJuels_) pure returns (Account) {
    return Account.wrap(1 | (seat_ << SEAT_AT) | (uint256(carriedJuels_) << CARRIED_AT));
}

function newOutsider(uint128 carriedJuels_) pure returns (Account) {
    return Account.wrap(uint256(carriedJuels_) << CARRIED_AT);
}

function active(Account account) pure returns (bool) {
    return uint8(Account.unwrap(account)) != 0;
}

function seat(Account account) pure returns (uint8) {
    return uint8(Account.unwrap(account) >> SEAT_AT);
}

function paymentJuels(Account account) pure returns (uint96) {
    return uint96(Account.unwrap(account) >> PAYMENT_AT);
}

function carriedJuels(Account account) pure returns (uint128) {
    return uint128(Account.unwrap(account) >> CARRIED_AT);
}

/// @param payment A uint96.
function withPayment(Account account, uint256 payment) pure returns (Account) {
    uint256 rest = Account.unwrap(account) & ~(uint256(type(uint96).max) << PAYMENT_AT);
    return Account.wrap(rest | (payment << PAYMENT_AT));
}
