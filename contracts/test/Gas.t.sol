// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OCR2Aggregator} from "../src/OCR2Aggregator.sol";
import {IAccessController} from "../src/interfaces/IAccessController.sol";
import {LinkToken} from "../src/token/LinkToken.sol";
import {Committee} from "./support/Committee.sol";

contract GasTest is Committee {
    function transmitGas(uint256 n, uint24 history) internal returns (uint256) {
        LinkToken link = new LinkToken();
        OCR2Aggregator feed =
            new OCR2Aggregator(link, 1, type(int192).max, IAccessController(address(0)), IAccessController(address(0)), 8, "ETH / USD");
        link.transfer(address(feed), 1e24);
        feed.setHistoryLimit(history);
        feed.setBilling(1000, 50, 200, 300, 10000);
        feed.setPayees(transmittersOf(n), payeesOf(n));
        uint8 f = uint8((n - 1) / 3);
        feed.setConfig(signersOf(n), transmittersOf(n), f, abi.encodePacked(uint8(1), feed.minAnswer(), feed.maxAnswer()), 2, new bytes(500));
        (,, bytes32 digest) = feed.latestConfigDetails();
        uint256 total;
        vm.txGasPrice(20 gwei);
        for (uint256 i = 1; i < 6; i++) {
            vm.warp(1_700_000_000 + i * 60);
            Call memory c = signedBy(contextOf(digest, 1, uint8(i)), reportOf(uint32(block.timestamp - 3), observationsOf(n, 250_000_000_000), 215_000_000_000_000_000_123), i, f + 1, n);
            bytes memory data = abi.encodeCall(feed.transmit, (c.context, c.report, c.rs, c.ss, c.rawVs));
            vm.cool(address(feed));
            (address where) = address(uint160(uint256(vm.load(address(feed), bytes32(uint256(4))))));
            where;
            vm.prank(transmitterOf(0));
            uint256 g = gasleft();
            (bool ok,) = address(feed).call(data);
            g -= gasleft();
            yes("transmit", ok);
            total = g + 21000;
            for (uint256 j = 0; j < data.length; j++) total += data[j] == 0 ? 4 : 16;
        }
        return total;
    }

    function test_gas() public {
        uint256[4] memory sizes = [uint256(4), 7, 16, 31];
        for (uint256 i = 0; i < 4; i++) {
            vm.snapshotValue("transmit", string.concat("n=", vm.toString(sizes[i])), transmitGas(sizes[i], 0));
            vm.snapshotValue("transmit", string.concat("bounded n=", vm.toString(sizes[i])), transmitGas(sizes[i], 2));
        }
    }
}
