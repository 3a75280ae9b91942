// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A report in memory, laid out so that it turns into the data of its NewTransmission event in place
/// @dev A report is `abi.encode(uint32 observationsTimestamp, bytes32 rawObservers, int192[] observations,
/// int192 juelsPerFeeCoin)`. The event's data ends with the same list of observations, so the report is copied to where
/// its list already is the event's list; the event's other words are then written around it:
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
library Transmission {
    uint256 private constant REPORT = 0x80;
    uint256 private constant EMPTY_REPORT_LENGTH = 160;

    /// @return start The address where the transmission begins. Two words are reserved behind the report for the observers;
    /// the first is zero until then.
    function load(bytes calldata report) internal pure returns (uint256 start) {
        assembly ("memory-safe") {
            start := mload(0x40)
            calldatacopy(add(start, REPORT), report.offset, report.length)
            let end := add(add(start, REPORT), report.length)
            mstore(end, 0)
            mstore(0x40, add(end, 0x40))
        }
    }

    /// @return h What the oracles have signed: keccak256(keccak256(report) || report context), OCR2 spec 1.4.
    function signedHash(uint256 start, uint256 reportLength, bytes32[3] calldata reportContext)
        internal
        pure
        returns (bytes32 h)
    {
        assembly ("memory-safe") {
            let reportHash := keccak256(add(start, REPORT), reportLength)
            let scratch := mload(0x40)
            mstore(scratch, reportHash)
            calldatacopy(add(scratch, 0x20), reportContext, 0x60)
            h := keccak256(scratch, 0x80)
        }
    }

    /// @return wellFormed Whether the report has exactly the layout above and every number is in its type's range.
    function isWellFormed(uint256 start, uint256 reportLength) internal pure returns (bool wellFormed) {
        assembly ("memory-safe") {
            // A report shorter than its five fixed words has a length that no small count explains: the subtraction wraps.
            let k := mload(add(start, 0x100))
            wellFormed :=
                and(
                    and(eq(shl(5, k), sub(reportLength, EMPTY_REPORT_LENGTH)), lt(k, 32)),
                    and(eq(mload(add(start, 0xc0)), 0x80), iszero(shr(32, mload(add(start, 0x80)))))
                )
            if wellFormed {
                // x is an int192 exactly if x + 2^191 < 2^192. The loop goes in pairs; behind an odd last observation it
                // reads the zero that `load` wrote there.
                let half := shl(191, 1)
                let all := add(mload(add(start, 0xe0)), half)
                let observation := add(start, 0x120)
                for { let end := add(observation, shl(5, k)) } lt(observation, end) { observation := add(observation, 0x40) } {
                    all := or(all, or(add(mload(observation), half), add(mload(add(observation, 0x20)), half)))
                }
                wellFormed := iszero(shr(192, all))
            }
        }
    }

    function observationsTimestamp(uint256 start) internal pure returns (uint32 t) {
        assembly ("memory-safe") {
            t := mload(add(start, 0x80))
        }
    }

    function juelsPerFeeCoin(uint256 start) internal pure returns (int192 juels) {
        assembly ("memory-safe") {
            juels := mload(add(start, 0xe0))
        }
    }

    function observationCount(uint256 start) internal pure returns (uint256 k) {
        assembly ("memory-safe") {
            k := mload(add(start, 0x100))
        }
    }

    /// @return answer The upper median of the observations, which the signers have sorted.
    function median(uint256 start) internal pure returns (int192 answer) {
        assembly ("memory-safe") {
            answer := mload(add(add(start, 0x120), shl(5, shr(1, mload(add(start, 0x100))))))
        }
    }

    /// @notice Emits NewTransmission. The report must be well formed; it is gone afterwards.
    function emitted(uint256 start, bytes32 topic, uint32 roundId, int192 answer, bytes32 configDigest, uint40 epochAndRound)
        internal
    {
        assembly ("memory-safe") {
            let k := mload(add(start, 0x100))
            let observers := add(add(start, 0x120), shl(5, k))
            mstore(observers, k)
            // The first k bytes; k is start most 31.
            mstore(add(observers, 0x20), and(mload(add(start, 0xa0)), not(shr(shl(3, k), not(0)))))

            mstore(start, answer)
            mstore(add(start, 0x20), caller())
            mstore(add(start, 0x40), mload(add(start, 0x80)))
            mstore(add(start, 0x60), 0x100)
            mstore(add(start, 0x80), sub(observers, start))
            mstore(add(start, 0xa0), mload(add(start, 0xe0)))
            mstore(add(start, 0xc0), configDigest)
            mstore(add(start, 0xe0), epochAndRound)
            log2(start, sub(add(observers, 0x40), start), topic, roundId)
        }
    }
}
