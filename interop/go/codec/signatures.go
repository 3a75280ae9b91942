package codec

import (
	"crypto/ed25519"
	"errors"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/smartcontractkit/libocr/commontypes"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/chains/evmutil"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/seat"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/config"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/protocol"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// ed25519Verify is the standard library's, which the reference uses everywhere.
func ed25519Verify(in struct {
	PublicKey Hex32 `json:"public_key"`
	Message   Hex   `json:"message"`
	Signature Hex   `json:"signature"`
}) (Answer, error) {
	return Answer{"valid": ed25519.Verify(in.PublicKey[:], in.Message, in.Signature)}, nil
}

// secp256k1Verify recovers the signer of a hash, with go-ethereum's libsecp256k1.
func secp256k1Verify(in struct {
	Hash      Hex  `json:"hash"`
	Signature Hex  `json:"signature"`
	Address   *Hex `json:"address"`
}) (Answer, error) {
	answer := Answer{}
	public, err := crypto.SigToPub(in.Hash, in.Signature)
	if err == nil {
		answer["recovered"] = Hex(crypto.PubkeyToAddress(*public).Bytes())
	} else {
		answer["recovered"], answer["why"] = nil, err.Error()
	}
	if in.Address != nil {
		answer["valid"] = seat.VerifyReport(*in.Address, in.Hash, in.Signature)
	}
	return answer, nil
}

type timestamp struct {
	ConfigDigest Hex32  `json:"config_digest"`
	Epoch        uint32 `json:"epoch"`
	Round        uint8  `json:"round"`
}

func (t timestamp) reference() types.ReportTimestamp {
	return types.ReportTimestamp{ConfigDigest: types.ConfigDigest(t.ConfigDigest), Epoch: t.Epoch, Round: t.Round}
}

// observationSignature gives the digest, verifies a signature over it, and signs where a seed is given.
func observationSignature(in struct {
	timestamp
	Query       Hex    `json:"query"`
	Observation Hex    `json:"observation"`
	PublicKey   *Hex32 `json:"public_key"`
	Signature   *Hex   `json:"signature"`
	Seed        *Hex32 `json:"secret_seed"`
}) (Answer, error) {
	digest := observationDigest(in.reference(), types.Query(in.Query), types.Observation(in.Observation))
	answer := Answer{"digest": Hex(digest)}
	if in.PublicKey != nil && in.Signature != nil {
		signed := protocol.SignedObservation{Observation: types.Observation(in.Observation), Signature: *in.Signature}
		answer["valid"] = signed.Verify(in.reference(), types.Query(in.Query), types.OffchainPublicKey(*in.PublicKey)) == nil
	}
	if in.Seed != nil {
		answer["signed"] = Hex(ed25519.Sign(ed25519.NewKeyFromSeed(in.Seed[:]), digest))
	}
	return answer, nil
}

func extraHashOf(in struct {
	Query        Hex                     `json:"query"`
	Observations []attributedObservation `json:"observations"`
}) (Answer, error) {
	return Answer{"extra_hash": Hex32(extraHash(types.Query(in.Query), plain(in.Observations)))}, nil
}

func plain(observations []attributedObservation) []types.AttributedObservation {
	out := []types.AttributedObservation{}
	for _, o := range observations {
		out = append(out, types.AttributedObservation{Observation: types.Observation(o.Observation), Observer: commontypes.OracleID(o.Observer)})
	}
	return out
}

type signedReport struct {
	timestamp
	ExtraHash Hex32 `json:"extra_hash"`
	Report    Hex   `json:"report"`
}

func (s signedReport) context() types.ReportContext {
	return types.ReportContext{ReportTimestamp: s.reference(), ExtraHash: s.ExtraHash}
}

func (s signedReport) describe() Answer {
	words := []Hex{}
	for _, word := range evmutil.RawReportContext(s.context()) {
		words = append(words, word[:])
	}
	return Answer{"report_context": words, "sighash": Hex(seat.ReportHash(s.context(), types.Report(s.Report)))}
}

func reportSignature(in struct {
	signedReport
	Address   *Hex   `json:"address"`
	Signature *Hex   `json:"signature"`
	Secret    *Hex32 `json:"secret_key"`
}) (Answer, error) {
	answer := in.describe()
	if in.Address != nil && in.Signature != nil {
		answer["valid"] = (seat.OnchainKeyring{}).Verify(types.OnchainPublicKey(*in.Address), in.context(), types.Report(in.Report), *in.Signature)
	}
	if in.Secret != nil {
		keyring, err := seat.NewOnchainKeyring(seat.Secret(*in.Secret))
		if err != nil {
			return nil, badRequest{err}
		}
		signed, err := keyring.Sign(in.context(), types.Report(in.Report))
		if err != nil {
			return nil, err
		}
		answer["signed"] = Hex(signed)
	}
	return answer, nil
}

// attestedOne judges the content of a Report message against one signer.
func attestedOne(in struct {
	signedReport
	Skip      bool `json:"skip"`
	Signature Hex  `json:"signature"`
	Address   Hex  `json:"address"`
}) (Answer, error) {
	one := protocol.AttestedReportOne{Skip: in.Skip, Report: types.Report(in.Report), Signature: in.Signature}
	err := one.Verify(seat.OnchainKeyring{}, types.OnchainPublicKey(in.Address), in.context())
	return verdict(err), nil
}

// attestedMany judges the content of a Final against the committee's addresses.
func attestedMany(in struct {
	signedReport
	Signatures []signature `json:"signatures"`
	Addresses  []Hex       `json:"addresses"`
	Quorum     int         `json:"quorum"`
}) (Answer, error) {
	if len(in.Addresses) > 255 {
		return nil, badRequest{errors.New("more than 255 addresses")}
	}
	many := protocol.AttestedReportMany{Report: types.Report(in.Report)}
	for _, s := range in.Signatures {
		many.AttributedSignatures = append(many.AttributedSignatures, types.AttributedOnchainSignature{
			Signature: s.Signature, Signer: commontypes.OracleID(s.Signer),
		})
	}
	identities := []config.OracleIdentity{}
	for _, address := range in.Addresses {
		identities = append(identities, config.OracleIdentity{OnchainPublicKey: types.OnchainPublicKey(address)})
	}
	return verdict(many.VerifySignatures(in.Quorum, seat.OnchainKeyring{}, identities, in.context())), nil
}

func verdict(err error) Answer {
	if err != nil {
		return Answer{"valid": false, "why": err.Error()}
	}
	return Answer{"valid": true}
}
