//! Signatures, and what is signed.

use super::{Answer, found, hex, verdict};
use crate::fuzz::request::{Fields, No, array, refused, wrong};
use bytes::Bytes;
use crypto::{Claim, ed25519, secp256k1};
use ocr::{Address, Committee, ConfigDigest, PerOracle};
use ocr2::RoundId;
use ocr2::attested::{check_final, check_report};
use ocr2::message::{AttributedSignature, Final, Report};
use ocr2::signing::{self, ReportContext};
use serde_json::{Map, Value};

pub fn ed25519(request: &Fields<'_>) -> Answer {
    let key = ed25519::PublicKey(request.array("public_key")?);
    let valid = key.verify(&request.bytes("message")?, &request.bytes("signature")?);
    Ok(found([("valid", valid.into())]))
}

pub fn secp256k1(request: &Fields<'_>) -> Answer {
    let hash = request.array("hash")?;
    let signature = request.bytes("signature")?;
    let recovered = signature.as_slice().try_into().ok().and_then(|signature| secp256k1::recover(&hash, signature));
    let mut answer = found([("recovered", recovered.map(|address| hex(address.0)).into())]);
    if request.optional("address").is_some() {
        let address = Address::from_slice(&request.bytes("address")?);
        let valid = address.is_some_and(|address| secp256k1::verify(&address, &hash, &signature));
        answer.insert("valid".into(), valid.into());
    }
    Ok(answer)
}

pub fn observation_signature(request: &Fields<'_>) -> Answer {
    let digest = signing::observation_digest(
        ConfigDigest(request.array("config_digest")?),
        request.number("epoch")?,
        request.number("round")?,
        &request.bytes("query")?,
        &request.bytes("observation")?,
    );
    let mut answer = found([("digest", hex(digest))]);
    if request.optional("public_key").is_some() && request.optional("signature").is_some() {
        let key = ed25519::PublicKey(request.array("public_key")?);
        let claim = Claim::ed25519(key, digest, &request.bytes("signature")?);
        answer.insert("valid".into(), claim.is_some_and(|claim| claim.verdict()).into());
    }
    if request.optional("secret_seed").is_some() {
        let key = ed25519::SecretKey::from_seed(&request.array("secret_seed")?);
        answer.insert("signed".into(), hex(key.sign(&digest)));
    }
    Ok(answer)
}

pub fn extra_hash(request: &Fields<'_>) -> Answer {
    let observations = (request.objects("observations")?.iter())
        .map(|entry| Ok((entry.bytes("observation")?, entry.number("observer")?)))
        .collect::<Result<Vec<(Vec<u8>, u8)>, No>>()?;
    let listed = observations.iter().map(|(observation, observer)| (&observation[..], *observer));
    Ok(found([("extra_hash", hex(signing::extra_hash(&request.bytes("query")?, listed)))]))
}

fn context(request: &Fields<'_>) -> Result<ReportContext, No> {
    Ok(ReportContext {
        config_digest: ConfigDigest(request.array("config_digest")?),
        epoch: request.number("epoch")?,
        round: request.number("round")?,
        extra_hash: request.array("extra_hash")?,
    })
}

fn at(context: &ReportContext) -> RoundId {
    RoundId::new(context.epoch, context.round)
}

pub fn report_signature(request: &Fields<'_>) -> Answer {
    let context = context(request)?;
    let digest = context.report_digest(&request.bytes("report")?);
    let words: Vec<Value> = context.words().iter().map(hex).collect();
    let mut answer: Map<String, Value> = found([("report_context", words.into()), ("sighash", hex(digest))]);
    if request.optional("address").is_some() && request.optional("signature").is_some() {
        let signature = request.bytes("signature")?;
        let claim = Address::from_slice(&request.bytes("address")?)
            .and_then(|address| Claim::secp256k1(address, digest, &signature));
        answer.insert("valid".into(), claim.is_some_and(|claim| claim.verdict()).into());
    }
    if request.optional("secret_key").is_some() {
        let key = secp256k1::SecretKey::from_bytes(&request.array("secret_key")?)
            .map_err(|_| wrong("secret_key", "no scalar"))?;
        answer.insert("signed".into(), hex(key.sign(&digest)));
    }
    Ok(answer)
}

pub fn attested_one(request: &Fields<'_>) -> Answer {
    let context = context(request)?;
    let report = Bytes::from(request.bytes("report")?);
    let digest = context.report_digest(&report);
    let signature = request.bytes("signature")?.into();
    let one = Report { at: at(&context), skip: request.flag("skip")?, report, signature };
    let signer = Address(request.array("address")?);
    verdict(check_report(&one, digest, signer, |claim| claim.verdict()))
}

pub fn attested_many(request: &Fields<'_>) -> Answer {
    let context = context(request)?;
    let addresses = request.each("addresses", |address| Some(Address(array(address)?)))?;
    let committee = Committee::new(addresses.len(), 0).map_err(|_| wrong("addresses", "no committee"))?;
    let signers = PerOracle::from_list(committee, addresses).ok_or_else(|| refused("not one for each oracle"))?;
    let signatures = (request.objects("signatures")?.iter())
        .map(|entry| {
            Ok(AttributedSignature { signature: entry.bytes("signature")?.into(), signer: entry.number("signer")? })
        })
        .collect::<Result<Vec<_>, No>>()?;
    let report = Bytes::from(request.bytes("report")?);
    let digest = context.report_digest(&report);
    let many = Final { at: at(&context), extra_hash: context.extra_hash, report, signatures };
    verdict(check_final(&many, digest, committee, &signers, request.number("quorum")?, |_, claim| claim.verdict()))
}
