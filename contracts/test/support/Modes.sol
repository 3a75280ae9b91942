// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The ways in which a ThresholdAggregator can be deployed
abstract contract Mode {
    function _roundsKept() internal pure virtual returns (uint32);
    function _attribution() internal pure virtual returns (bool);
    function _announces() internal pure virtual returns (bool);
}

/// @dev The cheapest: everything is in one word.
abstract contract Bare is Mode {
    function _roundsKept() internal pure override returns (uint32) {
        return 1;
    }

    function _attribution() internal pure override returns (bool) {
        return false;
    }

    function _announces() internal pure override returns (bool) {
        return false;
    }
}

/// @dev The dearest.
abstract contract Everything is Mode {
    function _roundsKept() internal pure override returns (uint32) {
        return type(uint32).max;
    }

    function _attribution() internal pure override returns (bool) {
        return true;
    }

    function _announces() internal pure override returns (bool) {
        return true;
    }
}

abstract contract Attributed is Mode {
    function _roundsKept() internal pure override returns (uint32) {
        return 1;
    }

    function _attribution() internal pure override returns (bool) {
        return true;
    }

    function _announces() internal pure override returns (bool) {
        return false;
    }
}

/// @dev A ring of three rounds, without attribution.
abstract contract Ring is Mode {
    function _roundsKept() internal pure override returns (uint32) {
        return 3;
    }

    function _attribution() internal pure override returns (bool) {
        return false;
    }

    function _announces() internal pure override returns (bool) {
        return true;
    }
}
