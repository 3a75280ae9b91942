//! The ABI of the committed artifacts is the one that oracles, consumers and indexers of the reference know.

use alloy_json_abi::JsonAbi;
use alloy_sol_types::{SolCall, SolEvent};
use bindings::ocr2_aggregator as feed;

/// Name and selector of every function of the reference's OCR2 aggregator.
const FUNCTIONS: &[(&str, &str)] = &[
    ("acceptOwnership", "79ba5097"),
    ("acceptPayeeship", "b121e147"),
    ("decimals", "313ce567"),
    ("description", "7284e416"),
    ("getAnswer", "b5ab58dc"),
    ("getBilling", "29937268"),
    ("getBillingAccessController", "c4c92b37"),
    ("getLinkToken", "e76d5168"),
    ("getRequesterAccessController", "daffc4b5"),
    ("getRoundData", "9a6fc8f5"),
    ("getTimestamp", "b633620c"),
    ("getTransmitters", "666cab8d"),
    ("getValidatorConfig", "9bd2c0b1"),
    ("latestAnswer", "50d25bcd"),
    ("latestConfigDetails", "81ff7048"),
    ("latestConfigDigestAndEpoch", "afcb95d7"),
    ("latestRound", "668a0f02"),
    ("latestRoundData", "feaf968c"),
    ("latestTimestamp", "8205bf6a"),
    ("latestTransmissionDetails", "e5fe4577"),
    ("linkAvailableForPayment", "d09dc339"),
    ("maxAnswer", "70da2f67"),
    ("minAnswer", "22adbc78"),
    ("oracleObservationCount", "e4902f82"),
    ("owedPayment", "0eafb25b"),
    ("owner", "8da5cb5b"),
    ("requestNewRound", "98e5b12a"),
    ("setBilling", "643dc105"),
    ("setBillingAccessController", "fbffd2c1"),
    ("setConfig", "e3d0e712"),
    ("setLinkToken", "4fb17470"),
    ("setPayees", "9c849b30"),
    ("setRequesterAccessController", "9e3ceeab"),
    ("setValidatorConfig", "eb457163"),
    ("transferOwnership", "f2fde38b"),
    ("transferPayeeship", "eb5dcd6c"),
    ("transmit", "b1dc65a4"),
    ("typeAndVersion", "181f5a77"),
    ("version", "54fd4d50"),
    ("withdrawFunds", "c1075329"),
    ("withdrawPayment", "8ac28d5a"),
];

/// Name and topic of every event of the reference's OCR2 aggregator.
const EVENTS: &[(&str, &str)] = &[
    ("AnswerUpdated", "0559884fd3a460db3073b7fc896cc77986f16e378210ded43186175bf646fc5f"),
    ("BillingAccessControllerSet", "793cb73064f3c8cde7e187ae515511e6e56d1ee89bf08b82fa60fb70f8d48912"),
    ("BillingSet", "0bf184bf1bba9699114bdceddaf338a1b364252c5e497cc01918dde92031713f"),
    ("ConfigSet", "1591690b8638f5fb2dbec82ac741805ac5da8b45dc5263f4875b0496fdce4e05"),
    ("LinkTokenSet", "4966a50c93f855342ccf6c5c0d358b85b91335b2acedc7da0932f691f351711a"),
    ("NewRound", "0109fc6f55cf40689f02fbaad7af7fe7bbac8a3d2186600afc7d3e10cac60271"),
    ("NewTransmission", "c797025feeeaf2cd924c99e9205acb8ec04d5cad21c41ce637a38fb6dee6016a"),
    ("OraclePaid", "d0b1dac935d85bd54cf0a33b0d41d39f8cf53a968465fc7ea2377526b8ac712c"),
    ("OwnershipTransferRequested", "ed8889f560326eb138920d842192f0eb3dd22b4f139c87a2c57538e05bae1278"),
    ("OwnershipTransferred", "8be0079c531659141344cd1fd0a4f28419497f9722a3daafe3b4186f6b6457e0"),
    ("PayeeshipTransferRequested", "84f7c7c80bb8ed2279b4aab5f61cd05e6374073d38f46d7f32de8c30e9e38367"),
    ("PayeeshipTransferred", "78af32efdcad432315431e9b03d27e6cd98fb79c405fdc5af7c1714d9c0f75b3"),
    ("RequesterAccessControllerSet", "27b89aede8b560578baaa25ee5ce3852c5eecad1e114b941bbd89e1eb4bae634"),
    ("RoundRequested", "41e3990591fd372502daa15842da15bc7f41c75309ab3ff4f56f1848c178825c"),
    ("Transmitted", "b04e63db38c49950639fa09d29872f21f5d49d614f3a969d8adf3d4b52e41a62"),
    ("ValidatorConfigSet", "b04e3a37abe9c0fcdfebdeae019a8e2b12ddf53f5d55ffb0caccc1bedaca1541"),
];

/// Name and selector of every function of the reference's OCR1 aggregator.
const OCR1_FUNCTIONS: &[(&str, &str)] = &[
    ("acceptOwnership", "79ba5097"),
    ("acceptPayeeship", "b121e147"),
    ("billingAccessController", "996e8298"),
    ("decimals", "313ce567"),
    ("description", "7284e416"),
    ("getAnswer", "b5ab58dc"),
    ("getBilling", "29937268"),
    ("getLinkToken", "e76d5168"),
    ("getRoundData", "9a6fc8f5"),
    ("getTimestamp", "b633620c"),
    ("latestAnswer", "50d25bcd"),
    ("latestConfigDetails", "81ff7048"),
    ("latestRound", "668a0f02"),
    ("latestRoundData", "feaf968c"),
    ("latestTimestamp", "8205bf6a"),
    ("latestTransmissionDetails", "e5fe4577"),
    ("linkAvailableForPayment", "d09dc339"),
    ("maxAnswer", "70da2f67"),
    ("minAnswer", "22adbc78"),
    ("oracleObservationCount", "e4902f82"),
    ("owedPayment", "0eafb25b"),
    ("owner", "8da5cb5b"),
    ("requestNewRound", "98e5b12a"),
    ("requesterAccessController", "70efdf2d"),
    ("setBilling", "bd824706"),
    ("setBillingAccessController", "fbffd2c1"),
    ("setConfig", "585aa7de"),
    ("setLinkToken", "4fb17470"),
    ("setPayees", "9c849b30"),
    ("setRequesterAccessController", "9e3ceeab"),
    ("setValidatorConfig", "eb457163"),
    ("transferOwnership", "f2fde38b"),
    ("transferPayeeship", "eb5dcd6c"),
    ("transmit", "c9807539"),
    ("transmitters", "81411834"),
    ("typeAndVersion", "181f5a77"),
    ("validatorConfig", "8e0566de"),
    ("version", "54fd4d50"),
    ("withdrawFunds", "c1075329"),
    ("withdrawPayment", "8ac28d5a"),
];

/// Name and topic of every event of the reference's OCR1 aggregator.
const OCR1_EVENTS: &[(&str, &str)] = &[
    ("AnswerUpdated", "0559884fd3a460db3073b7fc896cc77986f16e378210ded43186175bf646fc5f"),
    ("BillingAccessControllerSet", "793cb73064f3c8cde7e187ae515511e6e56d1ee89bf08b82fa60fb70f8d48912"),
    ("BillingSet", "d0d9486a2c673e2a4b57fc82e4c8a556b3e2b82dd5db07e2c04a920ca0f469b6"),
    ("ConfigSet", "25d719d88a4512dd76c7442b910a83360845505894eb444ef299409e180f8fb9"),
    ("LinkTokenSet", "4966a50c93f855342ccf6c5c0d358b85b91335b2acedc7da0932f691f351711a"),
    ("NewRound", "0109fc6f55cf40689f02fbaad7af7fe7bbac8a3d2186600afc7d3e10cac60271"),
    ("NewTransmission", "f6a97944f31ea060dfde0566e4167c1a1082551e64b60ecb14d599a9d023d451"),
    ("OraclePaid", "d0b1dac935d85bd54cf0a33b0d41d39f8cf53a968465fc7ea2377526b8ac712c"),
    ("OwnershipTransferRequested", "ed8889f560326eb138920d842192f0eb3dd22b4f139c87a2c57538e05bae1278"),
    ("OwnershipTransferred", "8be0079c531659141344cd1fd0a4f28419497f9722a3daafe3b4186f6b6457e0"),
    ("PayeeshipTransferRequested", "84f7c7c80bb8ed2279b4aab5f61cd05e6374073d38f46d7f32de8c30e9e38367"),
    ("PayeeshipTransferred", "78af32efdcad432315431e9b03d27e6cd98fb79c405fdc5af7c1714d9c0f75b3"),
    ("RequesterAccessControllerSet", "27b89aede8b560578baaa25ee5ce3852c5eecad1e114b941bbd89e1eb4bae634"),
    ("RoundRequested", "3ea16a923ff4b1df6526e854c9e3a995c43385d70e73359e10623c74f0b52037"),
    ("ValidatorConfigSet", "b04e3a37abe9c0fcdfebdeae019a8e2b12ddf53f5d55ffb0caccc1bedaca1541"),
];

/// What the reference's access-controlled aggregators and its access controllers have besides.
const ACCESS_FUNCTIONS: &[(&str, &str)] = &[
    ("addAccess", "a118f249"),
    ("checkEnabled", "dc7f0124"),
    ("disableAccessCheck", "0a756983"),
    ("enableAccessCheck", "8038e4a1"),
    ("hasAccess", "6b14daf8"),
    ("removeAccess", "8823da6c"),
];
const ACCESS_EVENTS: &[(&str, &str)] = &[
    ("AddedAccess", "87286ad1f399c8e82bf0c4ef4fcdc570ea2e1e92176e5c848b6413545b885db4"),
    ("CheckAccessDisabled", "3be8a977a014527b50ae38adda80b56911c267328965c98ddc385d248f539638"),
    ("CheckAccessEnabled", "aebf329500988c6488a0074e5a0a9ff304561fc5c6fc877aeb1d59c8282c3480"),
    ("RemovedAccess", "3d68a6fce901d20453d1a7aa06bf3950302a735948037deb182a8db66df2a0d1"),
];

/// Name and selector of every function of the reference's proxy, EACAggregatorProxy.
const PROXY_FUNCTIONS: &[(&str, &str)] = &[
    ("acceptOwnership", "79ba5097"),
    ("accessController", "bc43cbaf"),
    ("aggregator", "245a7bfc"),
    ("confirmAggregator", "a928c096"),
    ("decimals", "313ce567"),
    ("description", "7284e416"),
    ("getAnswer", "b5ab58dc"),
    ("getRoundData", "9a6fc8f5"),
    ("getTimestamp", "b633620c"),
    ("latestAnswer", "50d25bcd"),
    ("latestRound", "668a0f02"),
    ("latestRoundData", "feaf968c"),
    ("latestTimestamp", "8205bf6a"),
    ("owner", "8da5cb5b"),
    ("phaseAggregators", "c1597304"),
    ("phaseId", "58303b10"),
    ("proposeAggregator", "f8a2abd3"),
    ("proposedAggregator", "e8c4be30"),
    ("proposedGetRoundData", "6001ac53"),
    ("proposedLatestRoundData", "8f6b4d91"),
    ("setController", "92eefe9b"),
    ("transferOwnership", "f2fde38b"),
    ("version", "54fd4d50"),
];

const STORE_FUNCTIONS: &[(&str, &str)] =
    &[("addConfig", "a6d3ad9e"), ("readConfig", "bc4215dc"), ("typeAndVersion", "181f5a77")];
const STORE_EVENTS: &[(&str, &str)] =
    &[("NewConfiguration", "b07c231f5a1f53b6761761661dcafa59d063ff6e9929e00ad1fb9cb9c5b02e44")];

/// Name and selector of every error of the reference's ECDSA verifiers.
const ATTESTATION_ERRORS: &[(&str, &str)] = &[
    ("InvalidAttestationAttributionBitmask", "f4e04eaa"),
    ("InvalidAttestationLength", "1174ad85"),
    ("InvalidAttestationNumberOfSignatures", "ddbf0b44"),
    ("InvalidKey", "76d4e1e8"),
    ("InvalidNumberOfKeys", "a07f647e"),
    ("KeysOfInvalidSize", "add49945"),
    ("MaximumNumberOfKeysExceeded", "1ede571b"),
];

fn abi(name: &str) -> JsonAbi {
    let path = format!("{}/../../contracts/artifacts/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let artifact: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    serde_json::from_value(artifact["abi"].clone()).unwrap()
}

fn assert_has(name: &str, functions: &[(&str, &str)], events: &[(&str, &str)]) {
    let abi = abi(name);
    for (function, selector) in functions {
        let found: Vec<String> =
            abi.function(function).into_iter().flatten().map(|f| hex::encode(f.selector())).collect();
        assert_eq!(found, [*selector], "{name}.{function}");
    }
    for (event, topic) in events {
        let found: Vec<String> = abi.event(event).into_iter().flatten().map(|e| hex::encode(e.selector())).collect();
        assert_eq!(found, [*topic], "{name}.{event}");
    }
}

#[test]
fn aggregators_have_every_function_and_event_of_the_reference() {
    assert_has("OCR2Aggregator", FUNCTIONS, EVENTS);
    assert_has("AccessControlledOCR2Aggregator", FUNCTIONS, EVENTS);
    assert_has("AccessControlledOCR2Aggregator", ACCESS_FUNCTIONS, ACCESS_EVENTS);
    assert_has("OffchainAggregator", OCR1_FUNCTIONS, OCR1_EVENTS);
    assert_has("AccessControlledOffchainAggregator", OCR1_FUNCTIONS, OCR1_EVENTS);
    assert_has("AccessControlledOffchainAggregator", ACCESS_FUNCTIONS, ACCESS_EVENTS);
    assert_has("SimpleWriteAccessController", ACCESS_FUNCTIONS, ACCESS_EVENTS);
    assert_has("SimpleReadAccessController", ACCESS_FUNCTIONS, ACCESS_EVENTS);
}

#[test]
fn threshold_feeds_have_what_consumers_of_the_reference_read() {
    const CONSUMER: &[&str] = &[
        "decimals",
        "description",
        "getAnswer",
        "getRoundData",
        "getTimestamp",
        "latestAnswer",
        "latestRound",
        "latestRoundData",
        "latestTimestamp",
        "version",
    ];
    let functions: Vec<_> = FUNCTIONS.iter().copied().filter(|(name, _)| CONSUMER.contains(name)).collect();
    assert_eq!(functions.len(), CONSUMER.len());
    let events: Vec<_> =
        EVENTS.iter().copied().filter(|(name, _)| ["AnswerUpdated", "NewRound"].contains(name)).collect();
    assert_eq!(events.len(), 2);
    assert_has("ThresholdAggregator", &functions, &events);
    assert_has("ThresholdFeed", &functions, &events);
}

fn constructor(name: &str) -> Vec<String> {
    abi(name).constructor.unwrap().inputs.iter().map(|input| input.selector_type().into_owned()).collect()
}

#[test]
fn aggregators_are_constructed_with_the_parameters_of_the_reference() {
    let ocr2 = ["address", "int192", "int192", "address", "address", "uint8", "string"];
    let ocr1 = [&["uint32"; 5][..], &ocr2].concat();
    for (name, types) in [("OCR2Aggregator", &ocr2[..]), ("OffchainAggregator", &ocr1)] {
        assert_eq!(constructor(name), types, "{name}");
        assert_eq!(constructor(&format!("AccessControlled{name}")), types, "{name}");
    }
}

#[test]
fn proxy_and_store_have_every_function_and_event_of_the_reference() {
    assert_has("FeedProxy", PROXY_FUNCTIONS, &[]);
    assert_has("OCRConfigurationStoreEVMSimple", STORE_FUNCTIONS, STORE_EVENTS);
    let types: Vec<String> =
        abi("FeedProxy").constructor.unwrap().inputs.iter().map(|input| input.selector_type().into_owned()).collect();
    assert_eq!(types, ["address", "address"]);
}

#[test]
fn verifiers_of_attestations_refuse_with_the_errors_of_the_reference() {
    for name in ["OCR3Verifier", "OCR3DynamicallyDispatchedECDSAAttestationVerifierLib"] {
        let abi = abi(name);
        for (error, selector) in ATTESTATION_ERRORS {
            let found: Vec<String> =
                abi.error(error).into_iter().flatten().map(|e| hex::encode(e.selector())).collect();
            assert_eq!(found, [*selector], "{name}.{error}");
        }
    }
}

#[test]
fn only_the_history_limit_is_ours() {
    for (name, known) in [("OCR2Aggregator", FUNCTIONS), ("OffchainAggregator", OCR1_FUNCTIONS)] {
        let ours: Vec<String> = abi(name)
            .functions()
            .map(|function| function.name.clone())
            .filter(|name| !known.iter().any(|(known, _)| known == name))
            .collect();
        assert_eq!(ours, ["getHistoryLimit", "setHistoryLimit"], "{name}");
    }
}

#[test]
fn bindings_say_what_the_artifact_says() {
    assert_eq!(feed::transmitCall::SELECTOR, [0xb1, 0xdc, 0x65, 0xa4]);
    assert_eq!(feed::setConfigCall::SELECTOR, [0xe3, 0xd0, 0xe7, 0x12]);
    assert_eq!(feed::ConfigSet::SIGNATURE_HASH, abi("OCR2Aggregator").event("ConfigSet").unwrap()[0].selector());
    assert_eq!(
        feed::NewTransmission::SIGNATURE,
        "NewTransmission(uint32,int192,address,uint32,int192[],bytes,int192,bytes32,uint40)"
    );
    assert_eq!(feed::RoundRequested::SIGNATURE, "RoundRequested(address,bytes32,uint32,uint8)");
    assert_eq!(feed::Transmitted::SIGNATURE, "Transmitted(bytes32,uint32)");
    assert_eq!(feed::AnswerUpdated::SIGNATURE, "AnswerUpdated(int256,uint256,uint256)");
}
