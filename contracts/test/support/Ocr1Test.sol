// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {IAggregatorValidator} from "../../src/interfaces/IAggregatorValidator.sol";
import {IOffchainAggregator} from "../../src/interfaces/IOffchainAggregator.sol";
import {FeedTest} from "./FeedTest.sol";

/// @title A feed of OCR1, deployed with the terms 1000, 50, 215,000,000, 400,000 and 1,000,000
/// @dev The context of its calls stands in the report.
abstract contract Ocr1Test is FeedTest {
    function ocr1() internal view returns (IOffchainAggregator) {
        return IOffchainAggregator(address(feed));
    }

    // -- configuration

    function encodeConfig(address[] memory signers, address[] memory transmitters, uint8 f)
        internal
        view
        override
        returns (bytes memory)
    {
        return abi.encodeCall(ocr1().setConfig, (signers, transmitters, f, 1, "encoded"));
    }

    function configSet() internal override returns (uint32 previousBlock, uint64 count, bytes memory encoded) {
        (previousBlock, count,,,,, encoded) = abi.decode(
            logOf(IOffchainAggregator.ConfigSet.selector).data,
            (uint32, uint64, address[], address[], uint8, uint64, bytes)
        );
    }

    function configDigest() internal view override returns (bytes32) {
        (,, bytes16 name) = ocr1().latestConfigDetails();
        return name;
    }

    function start(uint256 n) internal override {
        feed.setPayees(transmittersOf(31), payeesOf(31));
        configure(n);
    }

    // -- terms

    function encodePrices(uint32 observation, uint32 transmission) internal view override returns (bytes memory) {
        return abi.encodeCall(ocr1().setBilling, (0, 0, 0, observation, transmission));
    }

    function countOf(address transmitter) internal view override returns (uint256) {
        return ocr1().oracleObservationCount(transmitter);
    }

    // -- transmissions

    function ocr1Context(bytes32 digest_, uint32 epoch_, uint8 round) internal pure returns (bytes32) {
        return bytes32((uint256(digest_) >> 128 << 40) | (uint256(epoch_) << 8) | round);
    }

    /// @return Observations by oracles 0 to k-1, in another order.
    function report(bytes32 context, int192[] memory observations) internal pure returns (bytes memory) {
        return abi.encode(context, observersOf(observations.length), observations);
    }

    function observersOf(uint256 k) internal pure returns (bytes32 observers) {
        for (uint256 i = 0; i < k; i++) {
            observers |= bytes32((k - 1 - i) << (248 - 8 * i));
        }
    }

    function startOfRound() internal view override returns (uint256) {
        return block.timestamp;
    }

    function signed(bytes memory report_, uint256 first, uint256 count, uint256 n)
        internal
        pure
        returns (Call memory call)
    {
        call.report = report_;
        return sign(call, first, count, n);
    }

    /// @return A call with f+1 signatures.
    function signed(bytes memory report_, uint256 n) internal view returns (Call memory) {
        return signed(report_, epoch, (n - 1) / 3 + 1, n);
    }

    function callOf(bytes32 digest_, uint32 epoch_, uint8 round, int192[] memory observations, uint256 n)
        internal
        pure
        override
        returns (Call memory)
    {
        return signed(report(ocr1Context(digest_, epoch_, round), observations), epoch_, (n - 1) / 3 + 1, n);
    }

    function nextContext() internal returns (bytes32) {
        return ocr1Context(digest, ++epoch, 1);
    }

    function next(uint256 n, bytes32 observers, int192[] memory observations) internal returns (Call memory) {
        return signed(abi.encode(nextContext(), observers, observations), n);
    }

    function hashOf(Call memory call) internal pure override returns (bytes32) {
        return keccak256(call.report);
    }

    function fewest(uint256 f) internal pure override returns (uint256) {
        return 2 * f + 1;
    }

    function encode(Call memory call) internal view override returns (bytes memory) {
        return abi.encodeCall(ocr1().transmit, (call.report, call.rs, call.ss, call.rawVs));
    }

    function announced(Call memory call, address transmitter) internal pure override returns (bytes memory) {
        (bytes32 context, bytes32 observers, int192[] memory observations) =
            abi.decode(call.report, (bytes32, bytes32, int192[]));
        uint256 k = observations.length;
        return abi.encode(observations[k / 2], transmitter, observations, cut(observers, k), context);
    }

    function newTransmission() internal pure override returns (bytes32) {
        return IOffchainAggregator.NewTransmission.selector;
    }

    // -- reads

    function details() internal override returns (bytes32, uint32, uint8, int192, uint64) {
        vm.prank(stranger, stranger);
        return ocr1().latestTransmissionDetails();
    }

    function requesterController() internal view override returns (IAccessController) {
        return ocr1().requesterAccessController();
    }

    function billingController() internal view override returns (IAccessController) {
        return ocr1().billingAccessController();
    }

    function validatorConfig() internal view override returns (IAggregatorValidator, uint32) {
        return ocr1().validatorConfig();
    }
}
