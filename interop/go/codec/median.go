package codec

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/smartcontractkit/libocr/commontypes"
	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median"
	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median/evmreportcodec"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

func medianObservation(in struct {
	Bytes Hex `json:"bytes"`
}) (Answer, error) {
	parsed, err := parseObservation(types.AttributedObservation{Observation: types.Observation(in.Bytes)})
	if err != nil {
		return nil, err
	}
	return Answer{"decoded": Answer{
		"timestamp": parsed.Timestamp, "value": Big{parsed.Value},
		"juels_per_fee_coin": Big{parsed.JuelsPerFeeCoin}, "gas_price_subunits": Big{parsed.GasPriceSubunits},
	}}, nil
}

// firstRound is a contract that has seen no report of its configuration yet, so that every report is due.
type firstRound struct{ digest types.ConfigDigest }

func (f firstRound) LatestTransmissionDetails(context.Context) (types.ConfigDigest, uint32, uint8, *big.Int, time.Time, error) {
	return f.digest, 0, 0, new(big.Int), time.Time{}, nil
}

func (f firstRound) LatestRoundRequested(context.Context, time.Duration) (types.ConfigDigest, uint32, uint8, error) {
	return f.digest, 0, 0, nil
}

// The largest range of answers there is: the contract's own bounds are not in question here.
var anyAnswer = func() []byte {
	bound := new(big.Int).Lsh(big.NewInt(1), 191)
	encoded, err := median.StandardOnchainConfigCodec{}.Encode(context.Background(), median.OnchainConfig{
		Min: new(big.Int).Neg(bound), Max: new(big.Int).Sub(bound, big.NewInt(1)),
	})
	if err != nil {
		panic(err)
	}
	return encoded
}()

func newPlugin(n, f int) (types.ReportingPlugin, types.ReportTimestamp, error) {
	digest := types.ConfigDigest{0, 1}
	plugin, _, err := median.NumericalMedianFactory{
		ContractTransmitter: firstRound{digest}, Logger: silence{},
		OnchainConfigCodec: median.StandardOnchainConfigCodec{}, ReportCodec: evmreportcodec.ReportCodec{},
	}.NewReportingPlugin(context.Background(), types.ReportingPluginConfig{ConfigDigest: digest, N: n, F: f, OnchainConfig: anyAnswer})
	return plugin, types.ReportTimestamp{ConfigDigest: digest, Epoch: 1, Round: 1}, err
}

func report(n, f int, observations []types.AttributedObservation) (types.Report, error) {
	plugin, ts, err := newPlugin(n, f)
	if err != nil {
		return nil, err
	}
	should, report, err := plugin.Report(context.Background(), ts, nil, observations)
	if err == nil && !should {
		err = fmt.Errorf("no report is due")
	}
	return report, err
}

// medianReport is the plugin's report of the first round, from observations in the order of the request.
func medianReport(in struct {
	N            int                     `json:"n"`
	F            int                     `json:"f"`
	Observations []attributedObservation `json:"observations"`
}) (Answer, error) {
	built, err := report(in.N, in.F, plain(in.Observations))
	if err != nil {
		return nil, err
	}
	codec := evmreportcodec.ReportCodec{}
	value, err := codec.MedianFromReport(context.Background(), built)
	if err != nil {
		return nil, err
	}
	juels, err := codec.XXXJuelsPerFeeCoinFromReport(built)
	return Answer{"report": Hex(built), "median": Big{value}, "juels_per_fee_coin": Big{juels}}, err
}

// medianOrder is medianReport for numbers: the k-th of each list is what oracle k observed.
func medianOrder(in struct {
	Timestamps []uint32 `json:"timestamps"`
	Values     []Big    `json:"values"`
	Juels      []Big    `json:"juels"`
}) (Answer, error) {
	n := len(in.Timestamps)
	if n == 0 || n > 31 || len(in.Values) != n || len(in.Juels) != n {
		return nil, badRequest{fmt.Errorf("wanted three lists of one length from 1 to 31")}
	}
	// Through the codec's own steps, the first of which (by value) is the plugin's.
	observations := []types.AttributedObservation{}
	for i := range n {
		bytes, err := encodeObservation(in.Timestamps[i], in.Values[i].Int, in.Juels[i].Int)
		if err != nil {
			return nil, err
		}
		observations = append(observations, types.AttributedObservation{Observation: bytes, Observer: commontypes.OracleID(i)})
	}
	built, err := report(n, (n-1)/3, observations)
	if err != nil {
		return nil, err
	}
	return Answer{"observers": Hex(built[32 : 32+n]), "report": Hex(built), "report_keccak": Hex(crypto.Keccak256(built))}, nil
}

func encodeObservation(timestamp uint32, value, juels *big.Int) (types.Observation, error) {
	message := median.NumericalMedianObservationProto{Timestamp: timestamp}
	var err error
	if message.Value, err = median.EncodeValue(value); err != nil {
		return nil, err
	}
	if message.JuelsPerFeeCoin, err = median.EncodeValue(juels); err != nil {
		return nil, err
	}
	return marshal(&message)
}

func medianDecode(in struct {
	Report Hex `json:"report"`
}) (Answer, error) {
	value, err := evmreportcodec.ReportCodec{}.MedianFromReport(context.Background(), types.Report(in.Report))
	return Answer{"median": Big{value}}, err
}

func medianDeviates(in struct {
	Threshold U64 `json:"threshold_ppb"`
	Old       Big `json:"old"`
	New       Big `json:"new"`
}) (Answer, error) {
	deviates, err := median.DefaultDeviationFunc(context.Background(), uint64(in.Threshold), in.Old.Int, in.New.Int)
	return Answer{"deviates": deviates}, err
}

func medianOffchainConfig(in struct {
	Bytes Hex `json:"bytes"`
}) (Answer, error) {
	c, err := median.DecodeOffchainConfig(in.Bytes)
	if err != nil {
		return nil, err
	}
	return Answer{"reencoded": Hex(c.Encode()), "decoded": Answer{
		"alpha_report_infinite": c.AlphaReportInfinite, "alpha_report_ppb": U64(c.AlphaReportPPB),
		"alpha_accept_infinite": c.AlphaAcceptInfinite, "alpha_accept_ppb": U64(c.AlphaAcceptPPB), "delta_c": I64(c.DeltaC),
	}}, nil
}

func medianOnchainConfig(in struct {
	Bytes Hex `json:"bytes"`
}) (Answer, error) {
	codec := median.StandardOnchainConfigCodec{}
	c, err := codec.Decode(context.Background(), in.Bytes)
	if err != nil {
		return nil, err
	}
	reencoded, err := codec.Encode(context.Background(), c)
	return Answer{"reencoded": Hex(reencoded), "decoded": Answer{"min": Big{c.Min}, "max": Big{c.Max}}}, err
}

// medianValue encodes a value, or decodes bytes.
func medianValue(in struct {
	Value *Big `json:"value"`
	Bytes *Hex `json:"bytes"`
}) (Answer, error) {
	switch {
	case in.Value != nil && in.Bytes == nil:
		encoded, err := median.EncodeValue(in.Value.Int)
		return Answer{"bytes": Hex(encoded)}, err
	case in.Bytes != nil && in.Value == nil:
		value, err := median.DecodeValue(*in.Bytes)
		return Answer{"value": Big{value}}, err
	default:
		return nil, badRequest{fmt.Errorf("wanted value or bytes")}
	}
}
