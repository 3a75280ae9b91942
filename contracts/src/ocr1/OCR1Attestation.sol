// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ConfigData} from "../feed/ConfigData.sol";
import {Hot} from "../feed/Hot.sol";
import {Signatures} from "../feed/Signatures.sol";
import {IFeed} from "../interfaces/IFeed.sol";
import {IOffchainAggregator} from "../interfaces/IOffchainAggregator.sol";

/// @title Is this an OCR1 report that a quorum of the configuration has signed?
/// @dev A report is `abi.encode(bytes32 rawReportContext, bytes32 rawObservers, int192[] observations)`. The data of its
/// event, NewTransmission, ends with the same list of observations; so the report is loaded to where its list already is the
/// event's list, and later the event's other words are written around it. This piece of memory is called a transmission:
///
///     at       report                        event
///     0x040                                  answer
///     0x060                                  transmitter
///     0x080    rawReportContext              offset of observations: 0xa0
///     0x0a0    rawObservers                  offset of observers
///     0x0c0    offset of observations: 0x60  rawReportContext
///     0x0e0    number of observations k      k
///     0x100    observations                  observations
///     ...                                    k again, as the length of observers
///     ...                                    observers, the first k bytes
///
/// The numbers in the assembly are those of this table and of the one in ConfigData. Every block reads and writes only what
/// `load` has reserved, or the scratch space below 0x40.
library OCR1Attestation {
    /// @dev Bytes of a call of transmit without report and signatures: selector; three offsets, rawVs; three lengths.
    uint256 private constant TRANSMIT_LENGTH = 228; // 4 + 32 * 7
    uint256 private constant MAX_ORACLES = 31;

    /// @dev One in each of 16 lanes of 16 bits.
    uint256 private constant ONES = type(uint256).max / type(uint16).max;

    /// @notice Copies configuration and report to memory, side by side.
    /// @dev As in Attestation, except for the zeros at the end; Signatures says why it is not one function.
    /// @return config The configuration in memory; see ConfigData.
    /// @return transmission The report in memory; see above. The four words before it are free.
    function load(Hot hot, bytes calldata report) internal view returns (uint256 config, uint256 transmission) {
        assembly ("memory-safe") {
            // The configuration without its transmitters, and a word more, because the last signer is read as a word; then
            // the report, and four words of zeros, so that the fixed words of a report that is too short are zeros; the
            // first two are for the observers. EXTCODECOPY takes the address from the low 160 bits.
            config := mload(0x40)
            let length := add(0x180, mul(shr(248, hot), 20))
            extcodecopy(hot, config, 1, length)
            transmission := add(add(config, length), 0x20)
            let end := add(transmission, 0x80)
            calldatacopy(end, report.offset, report.length)
            end := add(end, report.length)
            calldatacopy(end, calldatasize(), 0x80)
            mstore(0x40, add(end, 0x80))
        }
    }

    /// @notice Requires the digest of the configuration, no byte of calldata more than needed, and more than f signatures,
    /// each of another signer of the configuration.
    function requireSigned(
        uint256 config,
        uint256 transmission,
        uint256 reportLength,
        bytes32[] calldata rs,
        bytes32[] calldata ss,
        bytes32 rawVs
    ) internal view {
        {
            (uint256 context, uint256 digest, uint256 terms) =
                (word(transmission, 0x80), word(config, ConfigData.DIGEST), word(config, ConfigData.TERMS));
            // The digest is bytes 11 to 26 of the context.
            if ((context << 88) >> 128 != digest >> 128) {
                revert IFeed.ConfigDigestMismatch(bytes16(bytes32(context << 88)), bytes32(digest));
            }
            // Calldata is reimbursed, so none may be there that the report does not need.
            uint256 length = TRANSMIT_LENGTH + reportLength + 32 * (rs.length + ss.length);
            if (msg.data.length != length) revert IFeed.CalldataLengthMismatch(msg.data.length, length);
            uint256 quorum = (terms >> ConfigData.F_AT) + 1;
            if (rs.length < quorum || rs.length != ss.length) {
                revert IFeed.WrongNumberOfSignatures(rs.length, ss.length, quorum);
            }
        }

        uint256 index; // of the signature that is looked at; in the end, the number of good ones
        uint256 seen; // bit i: oracle i has signed
        assembly ("memory-safe") {
            // The four words before the report are the argument of ecrecover, the precompile at address 1: the hash that was
            // signed, v (27 or 28), r, s.
            mstore(transmission, keccak256(add(transmission, 0x80), reportLength))

            // The loop of Attestation, word by word; Signatures says why it is not one function.
            for { let multiplier := mload(add(config, 0x020)) } lt(index, rs.length) { index := add(index, 1) } {
                let offset := shl(5, index)
                mstore(add(transmission, 0x20), add(byte(index, rawVs), 27))
                mstore(add(transmission, 0x40), calldataload(add(rs.offset, offset)))
                mstore(add(transmission, 0x60), calldataload(add(ss.offset, offset)))
                // A failed recovery writes nothing, so the word is cleared before; zero is never a signer.
                mstore(0, 0)
                pop(staticcall(gas(), 1, transmission, 0x80, 0, 0x20))
                let signer := mload(0)

                // The seat table names the only seat that this signer can have; see ConfigData. Both reads stay inside of
                // what was loaded, since a byte is at most 255 and a seat below the number of oracles.
                let seat := byte(0, mload(add(add(config, 0x080), byte(0, mul(signer, multiplier)))))
                let seated := shr(96, mload(add(add(config, 0x180), mul(seat, 20))))
                if or(xor(signer, seated), and(shr(seat, seen), 1)) { break }
                seen := or(seen, shl(seat, 1))
            }
        }
        // No more than all oracles can be distinct, so there are at most 31 good ones.
        if (index != rs.length) Signatures.refuse(config, index, seen);
    }

    /// @notice Requires the layout above, more than 2f ascending observations, and each from another oracle.
    /// @param n Number of oracles.
    /// @return k The number of observations.
    /// @return low Whose observations: one in the lane of 16 bits of each seat from 0 to 15, from the least significant.
    /// @return high The same for seats from 16 on.
    function requireWellFormed(uint256 config, uint256 transmission, uint256 reportLength, uint256 n)
        internal
        pure
        returns (uint256 k, uint256 low, uint256 high)
    {
        k = word(transmission, 0xe0);
        {
            uint256 f = word(config, ConfigData.TERMS) >> ConfigData.F_AT;
            if (k > MAX_ORACLES || reportLength != 128 + 32 * k || word(transmission, 0xc0) != 0x60) {
                revert IFeed.MalformedReport();
            }
            // Of more than 2f observations most are honest, so the median lies between honest ones.
            if (k <= 2 * f) revert IFeed.WrongNumberOfObservations(k, 2 * f + 1, MAX_ORACLES);
        }

        bool unsorted;
        bool unknown;
        assembly ("memory-safe") {
            let observers := mload(add(transmission, 0xa0))
            let before := mload(add(transmission, 0x100))
            for { let i := 0 } lt(i, k) { i := add(i, 1) } {
                let observation := mload(add(add(transmission, 0x100), shl(5, i)))
                unsorted := or(unsorted, slt(observation, before))
                before := observation

                let observer := byte(i, observers)
                unknown := or(unknown, iszero(lt(observer, n)))
                // A shift by 256 or more gives zero, and one by less than nothing is such a shift. A lane holds the sum of
                // at most 31 ones, so none flows over into its neighbour.
                low := add(low, shl(shl(4, observer), 1))
                high := add(high, shl(sub(shl(4, observer), 256), 1))
            }
        }
        if (unsorted || unknown || (low | high) & ~ONES != 0) _refuseObservations(transmission, k, n);
        // All observations lie between the first and the last.
        if (!_isInt192(word(transmission, 0x100)) || !_isInt192(word(transmission, 0xe0 + 32 * k))) {
            revert IFeed.MalformedReport();
        }
    }

    /// @dev Says which observation is the first that is wrong.
    function _refuseObservations(uint256 transmission, uint256 k, uint256 n) private pure {
        bytes32 observers = bytes32(word(transmission, 0xa0));
        uint256 seen;
        for (uint256 i = 0; i < k; i++) {
            uint256 observer = uint8(observers[i]);
            if (observer >= n) revert IOffchainAggregator.UnknownObserver(i, observer, n);
            if (seen & (1 << observer) != 0) revert IOffchainAggregator.RepeatedObserver(i, observer);
            seen |= 1 << observer;
            bool sorted =
                i == 0 || int256(word(transmission, 0xe0 + 32 * i)) <= int256(word(transmission, 0x100 + 32 * i));
            if (!sorted) revert IOffchainAggregator.ObservationsNotSorted(i);
        }
    }

    function _isInt192(uint256 value) private pure returns (bool) {
        return int256(value) == int192(int256(value));
    }

    /// @dev One word of what was loaded.
    function word(uint256 base, uint256 offset) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(base, offset))
        }
    }
}
