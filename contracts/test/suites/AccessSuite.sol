// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SimpleReadAccessController} from "../../src/access/SimpleReadAccessController.sol";
import {SimpleWriteAccessController} from "../../src/access/SimpleWriteAccessController.sol";
import {ITypeAndVersion} from "../../src/interfaces/ITypeAndVersion.sol";
import {FeedTest} from "../support/FeedTest.sol";

/// @title A feed that only listed contracts read on chain
abstract contract AccessSuite is FeedTest {
    function _name() internal pure virtual returns (string memory);

    function gated() private view returns (bytes[] memory calls) {
        calls = new bytes[](8);
        calls[0] = abi.encodeCall(feed.latestAnswer, ());
        calls[1] = abi.encodeCall(feed.latestTimestamp, ());
        calls[2] = abi.encodeCall(feed.latestRound, ());
        calls[3] = abi.encodeCall(feed.getAnswer, (1));
        calls[4] = abi.encodeCall(feed.getTimestamp, (1));
        calls[5] = abi.encodeCall(feed.description, ());
        calls[6] = abi.encodeCall(feed.getRoundData, (1));
        calls[7] = abi.encodeCall(feed.latestRoundData, ());
    }

    function read(address from, address origin, bytes memory data) private returns (bool ok, bytes memory ret) {
        vm.prank(from, origin);
        return address(feed).staticcall(data);
    }

    function test_answers_are_for_listed_contracts_and_external_accounts() public {
        start(4);
        transmit(4);
        SimpleReadAccessController list = SimpleReadAccessController(address(feed));
        bytes[] memory calls = gated();
        for (uint256 i = 0; i < calls.length; i++) {
            (bool ok, bytes memory ret) = read(stranger, address(1), calls[i]);
            yes("a contract is refused", !ok);
            if (_ours()) {
                eq("why", ret, abi.encodeWithSelector(SimpleWriteAccessController.NoAccess.selector, stranger));
            }
            (ok, ret) = read(stranger, stranger, calls[i]);
            yes("an external account reads", ok);
            list.addAccess(stranger);
            bytes memory again;
            (ok, again) = read(stranger, address(1), calls[i]);
            yes("a listed contract reads", ok);
            eq("the same", again, ret);
            list.removeAccess(stranger);
        }
        list.disableAccessCheck();
        for (uint256 i = 0; i < calls.length; i++) {
            (bool ok,) = read(stranger, address(1), calls[i]);
            yes("everyone reads", ok);
        }
    }

    function test_the_rest_is_for_everyone() public {
        bytes[4] memory calls = [
            abi.encodeCall(feed.decimals, ()),
            abi.encodeCall(feed.version, ()),
            abi.encodeCall(feed.minAnswer, ()),
            abi.encodeWithSignature("latestConfigDetails()")
        ];
        for (uint256 i = 0; i < 4; i++) {
            (bool ok,) = read(stranger, address(1), calls[i]);
            yes("open", ok);
        }
    }

    function test_the_owner_keeps_the_list() public {
        onlyOwner(abi.encodeCall(SimpleWriteAccessController.addAccess, (stranger)));
        onlyOwner(abi.encodeCall(SimpleWriteAccessController.disableAccessCheck, ()));
    }

    function test_its_name() public view {
        eq("name", bytes(ITypeAndVersion(address(feed)).typeAndVersion()), bytes(_name()));
    }
}
