// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAggregatorV2V3} from "../../src/interfaces/IAggregatorV2V3.sol";

/// @title A feed that says what it was told to say
contract ScriptedFeed is IAggregatorV2V3 {
    struct Round {
        int256 answer;
        uint256 startedAt;
        uint256 updatedAt;
    }

    uint8 public override decimals;
    string public override description = "scripted";
    uint256 public override version = 6;
    uint256 public override latestRound;
    mapping(uint256 id => Round) private s_rounds;

    bool private s_raw;
    bool private s_fails;
    bool private s_burnsGas;
    bytes private s_answer;
    uint80 private s_behind;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function say(int256 answer, uint256 startedAt, uint256 updatedAt) external {
        say(latestRound + 1, answer, startedAt, updatedAt);
    }

    function say(uint256 id, int256 answer, uint256 startedAt, uint256 updatedAt) public {
        latestRound = id;
        s_rounds[id] = Round(answer, startedAt, updatedAt);
    }

    function setDecimals(uint8 decimals_) external {
        decimals = decimals_;
    }

    /// @notice From now on `latestRoundData` returns exactly these bytes.
    function answerRaw(bytes memory answer) external {
        s_raw = true;
        s_answer = answer;
    }

    /// @notice From now on `latestRoundData` fails; with an invalid instruction if it should take all gas along.
    function fail(bool burnsGas) external {
        s_fails = true;
        s_burnsGas = burnsGas;
    }

    /// @notice From now on `answeredInRound` is so much less than the round.
    function carryOver(uint80 behind) external {
        s_behind = behind;
    }

    function latestAnswer() external view override returns (int256) {
        return s_rounds[latestRound].answer;
    }

    function latestTimestamp() external view override returns (uint256) {
        return s_rounds[latestRound].updatedAt;
    }

    function getAnswer(uint256 id) external view override returns (int256) {
        return s_rounds[id].answer;
    }

    function getTimestamp(uint256 id) external view override returns (uint256) {
        return s_rounds[id].updatedAt;
    }

    function getRoundData(uint80 id) public view override returns (uint80, int256, uint256, uint256, uint80) {
        Round memory round = s_rounds[id];
        return (id, round.answer, round.startedAt, round.updatedAt, id - s_behind);
    }

    function latestRoundData() external view override returns (uint80, int256, uint256, uint256, uint80) {
        if (s_fails && s_burnsGas) {
            assembly {
                invalid()
            }
        }
        require(!s_fails, "told to fail");
        if (s_raw) {
            bytes memory answer = s_answer;
            assembly {
                return(add(answer, 0x20), mload(answer))
            }
        }
        return getRoundData(uint80(latestRound));
    }
}
