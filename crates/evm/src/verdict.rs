//! What an endpoint means by its refusal of a transaction. There is no standard: clients agree on few codes and no texts,
//! so the words of geth, Erigon, Nethermind, Besu, reth, anvil and ourselves are looked for.

use evm_proto::transactions::Verdict;

use crate::error::Failure;

/// The verdict, if the failure is one.
pub fn of(failure: &Failure) -> Option<Verdict> {
    let Failure::Rpc { message, .. } = failure else { return None };
    let message = message.to_lowercase();
    WORDS.iter().find(|(_, words)| words.iter().any(|word| message.contains(word))).map(|(verdict, _)| *verdict)
}

/// Looked through from the top: the more special words stand before those that they contain.
const WORDS: &[(Verdict, &[&str])] = &[
    (
        Verdict::AlreadyKnown,
        &[
            "already known",
            "known transaction",
            "alreadyknown",
            "already imported",
            "already in mempool",
            "already exists",
        ],
    ),
    (Verdict::NonceTooLow, &["nonce too low", "nonce is too low", "old nonce", "oldnonce", "nonce_too_low"]),
    (
        Verdict::NonceTooHigh,
        &["nonce too high", "nonce is too high", "nonce gap", "noncegap", "nonce too distant", "nonce_too_distant"],
    ),
    (
        Verdict::ReplacementUnderpriced,
        &[
            "replacement transaction underpriced",
            "replacement not allowed",
            "too low to replace",
            "to replace existing",
            "feetoolowtocompete",
            "underpriced replacement",
        ],
    ),
    (
        Verdict::InsufficientFunds,
        &[
            "insufficient funds",
            "insufficient balance",
            "insufficientfunds",
            "upfront cost exceeds",
            "enough funds",
            "lack of funds",
        ],
    ),
    (
        Verdict::FeesAboveCap,
        &["exceeds the configured cap", "fee cap exceeded", "exceeds the cap", "exceeds maximum fee"],
    ),
    (
        Verdict::Underpriced,
        &[
            "underpriced",
            "less than block base fee",
            "below configured minimum",
            "feetoolow",
            "fee too low",
            "gas price too low",
            "max fee per gas less than",
            "less than the minimum",
            "tip needed",
            "gas tip cap",
        ],
    ),
    (
        Verdict::GasLimitOutOfRange,
        &[
            "exceeds block gas limit",
            "exceeds the block gas limit",
            "intrinsic gas",
            "gas limit too high",
            "gas limit is too high",
            "gas limit reached",
            "floor data gas",
            "gaslimitexceeded",
            "gas limit exceeds",
            "exceeds max transaction gas limit",
            "transaction gas limit too high",
            "gas limit too low",
        ],
    ),
    (
        Verdict::Refused,
        &[
            "invalid sender",
            "invalid signature",
            "type not supported",
            "oversized data",
            "higher than max fee",
            "sender not an eoa",
            "sender is not an eoa",
            "invalid chain id",
            "wrong chain",
            "nonce has max value",
            "rlp:",
            "max initcode size",
            "unprotected",
            "has code",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(message: &str) -> Option<Verdict> {
        of(&Failure::Rpc { code: -32000, message: message.into(), data: None })
    }

    #[test]
    fn the_words_of_several_clients_are_understood() {
        for (words, wanted) in [
            ("already known", Verdict::AlreadyKnown),
            ("AlreadyKnown", Verdict::AlreadyKnown),
            ("Known transaction", Verdict::AlreadyKnown),
            ("transaction already imported", Verdict::AlreadyKnown),
            ("nonce too low: next nonce 5, tx nonce 4", Verdict::NonceTooLow),
            ("OldNonce, Current nonce: 5, nonce of rejected tx: 4", Verdict::NonceTooLow),
            ("Nonce too low", Verdict::NonceTooLow),
            ("nonce too high", Verdict::NonceTooHigh),
            ("replacement transaction underpriced", Verdict::ReplacementUnderpriced),
            ("Transaction gas price supplied is too low to replace existing", Verdict::ReplacementUnderpriced),
            ("transaction underpriced: gas tip cap 1, minimum needed 2", Verdict::Underpriced),
            (
                "max fee per gas less than block base fee: address 0x…, maxFeePerGas: 1, baseFee: 7",
                Verdict::Underpriced,
            ),
            ("Gas price below configured minimum gas price", Verdict::Underpriced),
            ("FeeTooLow, MaxFeePerGas too low", Verdict::Underpriced),
            ("FeeTooLowToCompete", Verdict::ReplacementUnderpriced),
            ("insufficient funds for gas * price + value: balance 0, tx cost 1", Verdict::InsufficientFunds),
            ("Insufficient funds for gas * price + value", Verdict::InsufficientFunds),
            ("Upfront cost exceeds account balance", Verdict::InsufficientFunds),
            ("tx fee (2.00 ether) exceeds the configured cap (1.00 ether)", Verdict::FeesAboveCap),
            ("Transaction fee cap exceeded", Verdict::FeesAboveCap),
            ("exceeds block gas limit", Verdict::GasLimitOutOfRange),
            ("intrinsic gas too low: gas 20000, minimum needed 21000", Verdict::GasLimitOutOfRange),
            ("invalid sender", Verdict::Refused),
            ("transaction type not supported", Verdict::Refused),
        ] {
            assert_eq!(verdict(words), Some(wanted), "{words}");
        }
    }

    #[test]
    fn other_words_are_no_verdict() {
        for words in ["internal error", "txpool is full", "request rate exceeded", "", "the method is not available"] {
            assert_eq!(verdict(words), None, "{words}");
        }
        assert_eq!(of(&Failure::Broken("nonce too low".into())), None);
    }
}
