// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A configuration kept as the code of a contract
/// @notice A transmission needs the config digest, the terms of payment, the validator and the signers. As the code of a
/// small data contract all of them cost one EXTCODECOPY; as storage they would cost 2,100 gas per word.
/// @dev The code is a STOP byte, so that a call to the data contract does nothing, and then the data:
///
///     at     bytes     content
///     0x000  32        config digest (of OCR1: its 16 bytes and zeros), 0 if only terms or validator were set yet
///     0x020  32        multiplier of the seat table
///     0x040  32        terms of payment, see OCR1Billing and OCR2Billing; above them, in the highest byte, f
///     0x060  32        validator (160 bits from the least significant), its gas limit (32)
///     0x080  256       seat table
///     0x180  20 * n    signers
///     ...    20 * n    transmitters
///
/// The seat table finds a signer's index without a search: byte `(signer * multiplier mod 2^256) >> 248` of the table is
/// the only index that the signer can have. A multiplier without collisions is looked for when a configuration is set.
/// Attestation reads all of this but the transmitters in memory, by these numbers.
library ConfigData {
    uint256 internal constant DIGEST = 0x000;
    uint256 internal constant MULTIPLIER = 0x020;
    uint256 internal constant TERMS = 0x040;
    uint256 internal constant VALIDATOR = 0x060;
    uint256 internal constant SEATS = 0x080;
    uint256 internal constant SIGNERS = 0x180;

    /// @dev The highest byte of the terms' word.
    uint256 internal constant F_AT = 248;

    error DataContractNotCreated();

    /// @notice The data of a configuration; terms and validator are those of `previous`, except for f.
    function encode(
        bytes memory previous,
        bytes32 digest,
        uint8 f,
        address[] memory signerList,
        address[] memory transmitterList
    ) internal pure returns (bytes memory data) {
        uint256 n = signerList.length;
        data = new bytes(SIGNERS + 40 * n);
        setWord(data, DIGEST, uint256(digest));
        setWord(data, TERMS, (word(previous, TERMS) & ((1 << F_AT) - 1)) | (uint256(f) << F_AT));
        setWord(data, VALIDATOR, word(previous, VALIDATOR));
        for (uint256 i = 0; i < n; i++) {
            _setAddress(data, SIGNERS + 20 * i, signerList[i]);
            _setAddress(data, SIGNERS + 20 * (n + i), transmitterList[i]);
        }
        _seat(data, digest, signerList);
    }

    /// @return pointer The address of a new contract with this data.
    function deploy(bytes memory data) internal returns (address pointer) {
        // PUSH2 length, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN, and then the code, which begins with STOP.
        bytes memory creation = abi.encodePacked(hex"61", uint16(data.length + 1), hex"80600a5f395ff300", data);
        assembly ("memory-safe") {
            pointer := create(0, add(creation, 0x20), mload(creation))
        }
        if (pointer == address(0)) revert DataContractNotCreated();
    }

    /// @return data All of the data, the empty configuration if there is none yet.
    function load(address pointer) internal view returns (bytes memory data) {
        if (pointer == address(0)) return new bytes(SIGNERS);
        uint256 length = pointer.code.length - 1;
        data = new bytes(length);
        assembly ("memory-safe") {
            extcodecopy(pointer, add(data, 0x20), 1, length)
        }
    }

    /// @return One word of the code, without loading the rest.
    function peek(address pointer, uint256 offset) internal view returns (uint256) {
        if (pointer == address(0)) return 0;
        uint256 value;
        assembly ("memory-safe") {
            extcodecopy(pointer, 0, add(offset, 1), 0x20)
            value := mload(0)
        }
        return value;
    }

    function word(bytes memory data, uint256 offset) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 0x20), offset))
        }
    }

    function setWord(bytes memory data, uint256 offset, uint256 value) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 0x20), offset), value)
        }
    }

    /// @notice Other terms, and the same f.
    /// @param terms Of 248 bits.
    function setTerms(bytes memory data, uint256 terms) internal pure {
        setWord(data, TERMS, (word(data, TERMS) >> F_AT << F_AT) | terms);
    }

    /// @return list The transmitters, in the order of their seats.
    function transmitters(bytes memory data) internal pure returns (address[] memory list) {
        uint256 n = (data.length - SIGNERS) / 40;
        list = new address[](n);
        for (uint256 i = 0; i < n; i++) {
            list[i] = address(uint160(word(data, SIGNERS + 20 * (n + i) - 12)));
        }
    }

    /// @return known Whether the address is a signer.
    /// @return seat Its seat.
    function seatOf(bytes memory data, address signer) internal pure returns (bool known, uint256 seat) {
        uint256 n = (data.length - SIGNERS) / 40;
        seat = uint8(data[SEATS + _place(signer, word(data, MULTIPLIER))]);
        known = seat < n && address(uint160(word(data, SIGNERS + 20 * seat - 12))) == signer;
    }

    /// @dev Writes 20 bytes by writing a word that ends with them, keeping the 12 before; so there must be 12 before.
    function _setAddress(bytes memory data, uint256 offset, address value) private pure {
        uint256 kept = word(data, offset - 12) >> 160 << 160;
        setWord(data, offset - 12, kept | uint160(value));
    }

    /// @dev Looks for a multiplier under which no two signers share a byte of the table. A try succeeds with a probability
    /// of about exp(-n^2 / 512), 15 % for 31 signers, whatever the signers are, since the multipliers come from a hash of
    /// the digest. The signers must be distinct.
    function _seat(bytes memory data, bytes32 digest, address[] memory signers) private pure {
        uint256 n = signers.length;
        uint256 multiplier = uint256(digest);
        uint256 seated;
        do {
            multiplier = uint256(keccak256(abi.encode(multiplier)));
            uint256 taken = 0;
            for (seated = 0; seated < n; seated++) {
                uint256 mark = 1 << _place(signers[seated], multiplier);
                if (taken & mark != 0) break;
                taken |= mark;
            }
        } while (seated < n);
        _fillTable(data, multiplier, signers);
    }

    function _fillTable(bytes memory data, uint256 multiplier, address[] memory signers) private pure {
        setWord(data, MULTIPLIER, multiplier);
        for (uint256 i = 0; i < signers.length; i++) {
            data[SEATS + _place(signers[i], multiplier)] = bytes1(uint8(i));
        }
    }

    function _place(address signer, uint256 multiplier) private pure returns (uint256) {
        unchecked {
            return (uint256(uint160(signer)) * multiplier) >> 248;
        }
    }
}
