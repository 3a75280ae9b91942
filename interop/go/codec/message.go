package codec

import (
	"bytes"
	"fmt"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/protocol"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/serialization"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

type pluginLimits struct {
	Query       int `json:"max_query_length"`
	Observation int `json:"max_observation_length"`
	Report      int `json:"max_report_length"`
}

func (l pluginLimits) reference() types.ReportingPluginLimits {
	return types.ReportingPluginLimits{MaxQueryLength: l.Query, MaxObservationLength: l.Observation, MaxReportLength: l.Report}
}

// message decodes a payload, encodes what it found, and with limits says whether an endpoint would hand it on.
func message(in struct {
	Bytes  Hex           `json:"bytes"`
	Limits *pluginLimits `json:"limits"`
}) (Answer, error) {
	decoded, _, err := serialization.Deserialize(in.Bytes)
	if err != nil {
		return nil, err
	}
	reencoded, _, err := serialization.Serialize(decoded)
	if err != nil {
		return nil, fmt.Errorf("decoded, but not encoded: %w", err)
	}
	again, _, err := serialization.Deserialize(reencoded)
	if err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", decoded) {
		return nil, fmt.Errorf("encoding changed %+v into %+v: %v", decoded, again, err)
	}
	answer := Answer{"decoded": describe(decoded), "reencoded": Hex(reencoded), "canonical": bytes.Equal(reencoded, in.Bytes)}
	if in.Limits != nil {
		answer["size_ok"] = decoded.CheckSize(in.Limits.reference())
	}
	return answer, nil
}

type signature struct {
	Signer    uint8 `json:"signer"`
	Signature Hex   `json:"signature"`
}

type attributedObservation struct {
	Observer    uint8 `json:"observer"`
	Observation Hex   `json:"observation"`
	Signature   Hex   `json:"signature"`
}

// describe gives a message the form that the vectors have.
func describe(m protocol.Message) Answer {
	switch m := m.(type) {
	case protocol.MessageNewEpoch:
		return Answer{"NewEpoch": Answer{"epoch": m.Epoch}}
	case protocol.MessageObserveReq:
		return Answer{"ObserveReq": Answer{"epoch": m.Epoch, "round": m.Round, "query": Hex(m.Query)}}
	case protocol.MessageObserve:
		return Answer{"Observe": Answer{
			"epoch": m.Epoch, "round": m.Round,
			"observation": Hex(m.SignedObservation.Observation), "signature": Hex(m.SignedObservation.Signature),
		}}
	case protocol.MessageReportReq:
		observations := []attributedObservation{}
		for _, o := range m.AttributedSignedObservations {
			observations = append(observations, attributedObservation{
				uint8(o.Observer), Hex(o.SignedObservation.Observation), o.SignedObservation.Signature,
			})
		}
		return Answer{"ReportReq": Answer{"epoch": m.Epoch, "round": m.Round, "query": Hex(m.Query), "observations": observations}}
	case protocol.MessageReport:
		return Answer{"Report": Answer{
			"epoch": m.Epoch, "round": m.Round, "skip": m.AttestedReport.Skip,
			"report": Hex(m.AttestedReport.Report), "signature": Hex(m.AttestedReport.Signature),
		}}
	case protocol.MessageFinal:
		return Answer{"Final": describeFinal(m)}
	case protocol.MessageFinalEcho:
		return Answer{"FinalEcho": describeFinal(m.MessageFinal)}
	default:
		panic(fmt.Sprintf("the reference has a message that this codec does not know: %T", m))
	}
}

func describeFinal(m protocol.MessageFinal) Answer {
	signatures := []signature{}
	for _, s := range m.AttestedReport.AttributedSignatures {
		signatures = append(signatures, signature{uint8(s.Signer), s.Signature})
	}
	return Answer{"epoch": m.Epoch, "round": m.Round, "h": Hex32(m.H), "report": Hex(m.AttestedReport.Report), "signatures": signatures}
}
