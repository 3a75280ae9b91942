// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessController} from "../../src/interfaces/IAccessController.sol";
import {IAggregatorValidator} from "../../src/interfaces/IAggregatorValidator.sol";
import {IOCR2, IOCR2Aggregator} from "../../src/interfaces/IOCR2Aggregator.sol";
import {FeedTest} from "./FeedTest.sol";

/// @title A feed of OCR2
abstract contract Ocr2Test is FeedTest {
    int192 internal constant RATE = 215_000_000_000_000_000_123; // juels per fee coin

    function ocr2() internal view returns (IOCR2Aggregator) {
        return IOCR2Aggregator(address(feed));
    }

    // -- configuration

    function onchainConfig() internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(1), MIN, MAX);
    }

    function encodeConfig(address[] memory signers, address[] memory transmitters, uint8 f)
        internal
        view
        override
        returns (bytes memory)
    {
        return abi.encodeCall(ocr2().setConfig, (signers, transmitters, f, onchainConfig(), 2, "offchain config"));
    }

    function configSet() internal override returns (uint32 previousBlock, uint64 count, bytes memory offchainConfig) {
        (previousBlock,, count,,,,,, offchainConfig) = abi.decode(
            logOf(IOCR2.ConfigSet.selector).data,
            (uint32, bytes32, uint64, address[], address[], uint8, bytes, uint64, bytes)
        );
    }

    function configDigest() internal view override returns (bytes32 name) {
        (,, name) = ocr2().latestConfigDetails();
    }

    function start(uint256 n) internal override {
        ocr2().setBilling(1000, 50, 400_000, 1_000_000, 15_000);
        feed.setPayees(transmittersOf(31), payeesOf(31));
        configure(n);
    }

    // -- terms

    function encodePrices(uint32 observation, uint32 transmission) internal view override returns (bytes memory) {
        return abi.encodeCall(ocr2().setBilling, (0, 0, observation, transmission, 0));
    }

    function countOf(address transmitter) internal view override returns (uint256) {
        return ocr2().oracleObservationCount(transmitter);
    }

    // -- transmissions

    function report(uint256 observations) internal view returns (bytes memory) {
        return reportOf(uint32(startOfRound()), observationsOf(observations, PRICE), RATE);
    }

    function startOfRound() internal view override returns (uint256) {
        return block.timestamp - 5;
    }

    function callOf(bytes32 digest_, uint32 epoch_, uint8 round, int192[] memory observations, uint256 n)
        internal
        view
        override
        returns (Call memory)
    {
        bytes memory report_ = reportOf(uint32(startOfRound()), observations, RATE);
        return signedBy(contextOf(digest_, epoch_, round), report_, epoch_, (n - 1) / 3 + 1, n);
    }

    function next(uint256 n, bytes memory report_) internal returns (Call memory) {
        epoch++;
        return signedBy(contextOf(digest, epoch, 1), report_, epoch, (n - 1) / 3 + 1, n);
    }

    function hashOf(Call memory call) internal pure override returns (bytes32) {
        return signedHash(call.report, call.context);
    }

    function fewest(uint256 f) internal pure override returns (uint256) {
        return f + 1;
    }

    function encode(Call memory call) internal view override returns (bytes memory) {
        return abi.encodeCall(ocr2().transmit, (call.context, call.report, call.rs, call.ss, call.rawVs));
    }

    function announced(Call memory call, address transmitter) internal view override returns (bytes memory) {
        (uint32 time, bytes32 observers, int192[] memory observations, int192 rate) =
            abi.decode(call.report, (uint32, bytes32, int192[], int192));
        uint256 k = observations.length;
        uint40 epochAndRound = uint40(uint256(call.context[1]));
        return abi.encode(
            observations[k / 2], transmitter, time, observations, cut(observers, k), rate, digest, epochAndRound
        );
    }

    function newTransmission() internal pure override returns (bytes32) {
        return IOCR2Aggregator.NewTransmission.selector;
    }

    // -- reads

    function details() internal override returns (bytes32, uint32, uint8, int192, uint64) {
        vm.prank(stranger, stranger);
        return ocr2().latestTransmissionDetails();
    }

    function requesterController() internal view override returns (IAccessController) {
        return ocr2().getRequesterAccessController();
    }

    function billingController() internal view override returns (IAccessController) {
        return ocr2().getBillingAccessController();
    }

    function validatorConfig() internal view override returns (IAggregatorValidator, uint32) {
        return ocr2().getValidatorConfig();
    }
}
