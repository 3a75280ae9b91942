// Package bench runs one oracle of the reference under measurement: real network, real keys and the median plugin, with a
// source, a chain and a database in memory, and no log. What it says and hears are the words of crates/bench.
package bench

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/smartcontractkit/libocr/commontypes"
	"github.com/smartcontractkit/libocr/networking"
	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median"
	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median/evmreportcodec"
	libocr "github.com/smartcontractkit/libocr/offchainreporting2plus"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/chains/evmutil"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/seat"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// Committee is the file that the runner writes.
type Committee struct {
	ChainID  uint64         `json:"chain_id"`
	Contract common.Address `json:"contract"`
	Config   struct {
		Digest       Bytes    `json:"digest"`
		Count        uint64   `json:"count"`
		Signers      []Bytes  `json:"signers"`
		Transmitters []string `json:"transmitters"`
		F            uint8    `json:"f"`
		Onchain      Bytes    `json:"onchain"`
		Version      uint64   `json:"version"`
		Offchain     Bytes    `json:"offchain"`
	} `json:"config"`
	Oracles []struct {
		Listen      string      `json:"listen"`
		PeerID      string      `json:"peer_id"`
		Transmitter string      `json:"transmitter"`
		Peer        seat.Secret `json:"peer"`
		Offchain    seat.Secret `json:"offchain"`
		Opening     seat.Secret `json:"opening"`
		Onchain     seat.Secret `json:"onchain"`
	} `json:"oracles"`
}

// Bytes are hex in the file.
type Bytes []byte

func (b *Bytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// Run takes the seat until in ends.
func Run(path string, number int, in io.Reader, out io.Writer) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var committee Committee
	if err := json.Unmarshal(text, &committee); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if number < 0 || number >= len(committee.Oracles) {
		return fmt.Errorf("%s has no seat %d", path, number)
	}
	mine := committee.Oracles[number]
	known := []commontypes.BootstrapperLocator{}
	for i, other := range committee.Oracles {
		if i != number {
			locator, err := commontypes.NewBootstrapperLocator(other.PeerID, []string{other.Listen})
			if err != nil {
				return err
			}
			known = append(known, *locator)
		}
	}
	database, err := seat.OpenDatabase("")
	if err != nil {
		return err
	}
	offchain, err := seat.NewOffchainKeyring(mine.Offchain, mine.Opening)
	if err != nil {
		return err
	}
	onchain, err := seat.NewOnchainKeyring(mine.Onchain)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	peer, err := networking.NewPeer(networking.PeerConfig{
		PrivKey:             ed25519.NewKeyFromSeed(mine.Peer[:]),
		Logger:              silent{},
		V2ListenAddresses:   []string{mine.Listen},
		V2AnnounceAddresses: []string{mine.Listen},
		// Everybody's address is known from the start, so there is nothing to gossip about.
		V2DeltaReconcile:     time.Minute,
		V2DeltaDial:          500 * time.Millisecond,
		V2DiscovererDatabase: database,
		V2EndpointConfig:     networking.EndpointConfigV2{IncomingMessageBufferSize: 10, OutgoingMessageBufferSize: 10},
		MetricsRegisterer:    registry,
	})
	if err != nil {
		return err
	}
	defer peer.Close()

	meter := &meter{out: out, gatherer: registry, notes: map[string]uint64{}}
	chain := newChain(committee, number)
	oracle, err := libocr.NewOracle(libocr.OCR2OracleArgs{
		BinaryNetworkEndpointFactory: peer.OCR2BinaryNetworkEndpointFactory(),
		V2Bootstrappers:              known,
		ContractConfigTracker:        chain,
		ContractTransmitter:          chain,
		Database:                     database,
		LocalConfig: types.LocalConfig{
			BlockchainTimeout:                  5 * time.Second,
			ContractConfigConfirmations:        1,
			ContractConfigTrackerPollInterval:  15 * time.Second,
			ContractConfigLoadTimeout:          10 * time.Second,
			ContractTransmitterTransmitTimeout: 10 * time.Second,
			DatabaseTimeout:                    5 * time.Second,
			DefaultMaxDurationInitialization:   10 * time.Second,
		},
		Logger:                 silent{},
		MonitoringEndpoint:     nil,
		MetricsRegisterer:      registry,
		OffchainConfigDigester: evmutil.EVMOffchainConfigDigester{ChainID: committee.ChainID, ContractAddress: committee.Contract},
		OffchainKeyring:        offchain,
		OnchainKeyring:         onchain,
		ReportingPluginFactory: metered{meter, median.NumericalMedianFactory{
			ContractTransmitter:        chain,
			DataSource:                 &source{},
			JuelsPerFeeCoinDataSource:  constant{big.NewInt(1)},
			GasPriceSubunitsDataSource: constant{new(big.Int)},
			Logger:                     silent{},
			OnchainConfigCodec:         median.StandardOnchainConfigCodec{},
			ReportCodec:                evmreportcodec.ReportCodec{},
		}},
	})
	if err != nil {
		return err
	}
	if err := oracle.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if err := meter.tell(); err != nil {
			return err
		}
	}
	return oracle.Close()
}

// source changes with every look, so that every report moves the answer.
type source struct {
	mu    sync.Mutex
	looks int64
}

func (s *source) Observe(context.Context, types.ReportTimestamp) (*big.Int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	return big.NewInt(1_000_000_000 + s.looks), nil
}

type constant struct{ value *big.Int }

func (c constant) Observe(context.Context, types.ReportTimestamp) (*big.Int, error) {
	return c.value, nil
}

// silent is a logger that is off.
type silent struct{}

func (silent) Trace(string, commontypes.LogFields)    {}
func (silent) Debug(string, commontypes.LogFields)    {}
func (silent) Info(string, commontypes.LogFields)     {}
func (silent) Warn(string, commontypes.LogFields)     {}
func (silent) Error(string, commontypes.LogFields)    {}
func (silent) Critical(string, commontypes.LogFields) {}
