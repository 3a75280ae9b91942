// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Hot} from "../feed/Hot.sol";
import {Signatures} from "../feed/Signatures.sol";
import {IFeed} from "../interfaces/IFeed.sol";

/// @title Is this a report that f+1 oracles of the configuration have signed?
/// @dev A report is `abi.encode(uint32 observationsTimestamp, bytes32 rawObservers, int192[] observations,
/// int192 juelsPerFeeCoin)`. The data of its event, NewTransmission, ends with the same list of observations; so the report is
/// loaded to where its list already is the event's list, and later the event's other words are written around it. This piece
/// of memory is called a transmission:
///
///     at       report                        event
///     0x000                                  answer
///     0x020                                  transmitter
///     0x040                                  observationsTimestamp
///     0x060                                  offset of observations: 0x100
///     0x080    observationsTimestamp         offset of observers
///     0x0a0    rawObservers                  juelsPerFeeCoin
///     0x0c0    offset of observations: 0x80  configDigest
///     0x0e0    juelsPerFeeCoin               epochAndRound
///     0x100    number of observations k      k
///     0x120    observations                  observations
///     ...                                    k again, as the length of observers
///     ...                                    observers, the first k bytes
///
/// The numbers in the assembly are those of this table and of the one in ConfigData. Every block reads and writes only what
/// the first one has reserved, or the scratch space below 0x40.
library Attestation {
    /// @dev Bytes of a call of transmit without report and signatures: selector; three words of context, three offsets,
    /// rawVs; three lengths.
    uint256 private constant TRANSMIT_LENGTH = 324; // 4 + 32 * 10

    /// @notice Requires the digest of the configuration, no byte of calldata more than needed, exactly f+1 signatures, each
    /// of another signer of the configuration, and a well-formed report.
    /// @return config The configuration in memory; see ConfigData.
    /// @return transmission The report in memory; see above.
    function requireValid(
        Hot hot,
        bytes32[3] calldata context,
        bytes calldata report,
        bytes32[] calldata rs,
        bytes32[] calldata ss,
        bytes32 rawVs
    ) internal view returns (uint256 config, uint256 transmission) {
        assembly ("memory-safe") {
            // The configuration without its transmitters, and a word more, because the last signer is read as a word; then
            // the report, and three words of zeros: the loop over observations reads up to three of them, and the first two
            // are for the observers. EXTCODECOPY takes the address from the low 160 bits.
            config := mload(0x40)
            let length := add(0x180, mul(shr(248, hot), 20))
            extcodecopy(hot, config, 1, length)
            transmission := add(add(config, length), 0x20)
            let end := add(transmission, 0x80)
            calldatacopy(end, report.offset, report.length)
            end := add(end, report.length)
            mstore(end, 0)
            mstore(add(end, 0x20), 0)
            mstore(add(end, 0x40), 0)
            mstore(0x40, add(end, 0x60))
        }
        uint256 wrong;
        assembly ("memory-safe") {
            // Three checks at once: digest, length, numbers of signatures. Calldata is reimbursed by the byte, so none may be there that the report does not need. Each length was
            // compared with the length of calldata when it was decoded, so their sum is small.
            wrong := xor(calldataload(context), mload(config))
            let length := add(add(TRANSMIT_LENGTH, report.length), shl(5, add(rs.length, ss.length)))
            wrong := or(wrong, xor(calldatasize(), length))
            let quorum := add(byte(0, mload(add(config, 0x040))), 1)
            wrong := or(wrong, or(xor(rs.length, quorum), xor(ss.length, quorum)))
        }
        if (wrong != 0) _refuseCall(context[0], config, report.length, rs.length, ss.length);

        uint256 index; // of the signature that is looked at; in the end, the number of good ones
        uint256 seen; // bit i: oracle i has signed
        assembly ("memory-safe") {
            // What is signed is keccak256(keccak256(report) || context), OCR2 spec 1.4. That hash is the first argument of
            // ecrecover, the precompile at address 1, which takes hash, v (27 or 28), r, s. The four words at the
            // beginning of a transmission are free until it is announced, so they hold first the one and then the other.
            mstore(transmission, keccak256(add(transmission, 0x80), report.length))
            calldatacopy(add(transmission, 0x20), context, 0x60)
            mstore(transmission, keccak256(transmission, 0x80))

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
        wrong = index ^ rs.length;
        assembly ("memory-safe") {
            // Whether the report has exactly the layout above and every number is in its type's range. A report shorter
            // than its five fixed words has a length that no small count explains: the subtraction wraps.
            let k := mload(add(transmission, 0x100))
            wrong := or(wrong, or(xor(shl(5, k), sub(report.length, 160)), gt(k, 31)))
            wrong := or(wrong, or(xor(mload(add(transmission, 0xc0)), 0x80), shr(32, mload(add(transmission, 0x80)))))
            // x is an int192 exactly if x + 2^191 < 2^192. The loop goes in fours, and never further than 31, whatever k
            // says; behind the last observation it reads the zeros that were written there.
            let half := shl(191, 1)
            let all := add(mload(add(transmission, 0xe0)), half)
            let at := add(transmission, 0x120)
            for { let end := add(at, shl(5, and(k, 31))) } lt(at, end) { at := add(at, 0x80) } {
                all := or(all, or(add(mload(at), half), add(mload(add(at, 0x20)), half)))
                all := or(all, or(add(mload(add(at, 0x40)), half), add(mload(add(at, 0x60)), half)))
            }
            wrong := or(wrong, shr(192, all))
        }
        if (wrong != 0) {
            if (index == rs.length) revert IFeed.MalformedReport();
            Signatures.refuse(config, index, seen);
        }
    }

    /// @dev Says which of the first checks has failed.
    function _refuseCall(bytes32 digest, uint256 config, uint256 report, uint256 rs, uint256 ss) private pure {
        bytes32 wanted;
        uint256 quorum;
        assembly ("memory-safe") {
            wanted := mload(config)
            quorum := add(byte(0, mload(add(config, 0x040))), 1)
        }
        if (digest != wanted) revert IFeed.ConfigDigestMismatch(digest, wanted);
        uint256 length = TRANSMIT_LENGTH + report + 32 * (rs + ss);
        if (msg.data.length != length) revert IFeed.CalldataLengthMismatch(msg.data.length, length);
        revert IFeed.WrongNumberOfSignatures(rs, ss, quorum);
    }
}
