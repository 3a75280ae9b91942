package codec

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"golang.org/x/crypto/curve25519"

	"github.com/smartcontractkit/libocr/commontypes"
	"github.com/smartcontractkit/libocr/internal/loghelper"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/chains/evmutil"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/seat"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/config"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/config/ocr2config"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/managed/limits"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/protocol"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
	"github.com/smartcontractkit/libocr/subprocesses"
)

// contractConfig is what a contract says. A transmitter is text, as in the reference.
type contractConfig struct {
	ConfigDigest          Hex32    `json:"config_digest"`
	ConfigCount           U64      `json:"config_count"`
	Signers               []Hex    `json:"signers"`
	Transmitters          []string `json:"transmitters"`
	F                     uint8    `json:"f"`
	OnchainConfig         Hex      `json:"onchain_config"`
	OffchainConfigVersion U64      `json:"offchain_config_version"`
	OffchainConfig        Hex      `json:"offchain_config"`
}

func (c contractConfig) reference() types.ContractConfig {
	out := types.ContractConfig{
		ConfigDigest: types.ConfigDigest(c.ConfigDigest), ConfigCount: uint64(c.ConfigCount), F: c.F, OnchainConfig: c.OnchainConfig,
		OffchainConfigVersion: uint64(c.OffchainConfigVersion), OffchainConfig: c.OffchainConfig,
	}
	for _, signer := range c.Signers {
		out.Signers = append(out.Signers, types.OnchainPublicKey(signer))
	}
	for _, transmitter := range c.Transmitters {
		out.Transmitters = append(out.Transmitters, types.Account(transmitter))
	}
	return out
}

func configDigest(in struct {
	ChainID  U64            `json:"chain_id"`
	Contract common.Address `json:"contract"`
	contractConfig
}) (Answer, error) {
	digester := evmutil.EVMOffchainConfigDigester{ChainID: uint64(in.ChainID), ContractAddress: in.Contract}
	digest, err := digester.ConfigDigest(context.Background(), in.reference())
	return Answer{"digest": Hex32(digest)}, err
}

type offchainInput struct {
	contractConfig
	SkipResourceChecks bool `json:"skip_resource_checks"`
}

// offchainConfig decodes and checks, and opens nothing.
func offchainConfig(in struct {
	Input offchainInput `json:"input"`
}) (Answer, error) {
	decoded, sealed, err := publicConfig(in.Input.SkipResourceChecks, in.Input.reference())
	if err != nil {
		return nil, err
	}
	encryptions := []Hex{}
	for _, encryption := range sealed.Encryptions {
		encryptions = append(encryptions, encryption[:])
	}
	return Answer{"decoded": describeConfig(decoded), "sealed": Answer{
		"dh_point": Hex(sealed.DiffieHellmanPoint[:]), "shared_secret_hash": Hex(sealed.SharedSecretHash[:]), "encryptions": encryptions,
	}}, nil
}

type oracleDescription struct {
	OffchainPK  Hex32  `json:"offchain_pk"`
	PeerID      string `json:"peer_id"`
	Signer      Hex    `json:"signer"`
	Transmitter string `json:"transmitter"`
}

// configDescription has the names and units of the vectors: durations in nanoseconds.
type configDescription struct {
	DeltaProgress             I64                 `json:"delta_progress"`
	DeltaResend               I64                 `json:"delta_resend"`
	DeltaRound                I64                 `json:"delta_round"`
	DeltaGrace                I64                 `json:"delta_grace"`
	DeltaStage                I64                 `json:"delta_stage"`
	RMax                      uint8               `json:"r_max"`
	S                         []int               `json:"s"`
	Oracles                   []oracleDescription `json:"oracles"`
	ReportingPluginConfig     Hex                 `json:"reporting_plugin_config"`
	MaxDurationInitialization *I64                `json:"max_duration_initialization"`
	MaxDurationQuery          I64                 `json:"max_duration_query"`
	MaxDurationObservation    I64                 `json:"max_duration_observation"`
	MaxDurationReport         I64                 `json:"max_duration_report"`
	MaxDurationShouldAccept   I64                 `json:"max_duration_should_accept"`
	MaxDurationShouldTransmit I64                 `json:"max_duration_should_transmit"`
	F                         int                 `json:"f"`
	OnchainConfig             Hex                 `json:"onchain_config"`
}

func describeConfig(c ocr2config.PublicConfig) configDescription {
	d := configDescription{
		DeltaProgress: I64(c.DeltaProgress), DeltaResend: I64(c.DeltaResend), DeltaRound: I64(c.DeltaRound),
		DeltaGrace: I64(c.DeltaGrace), DeltaStage: I64(c.DeltaStage), RMax: c.RMax, S: c.S,
		Oracles: []oracleDescription{}, ReportingPluginConfig: c.ReportingPluginConfig,
		MaxDurationInitialization: (*I64)(c.MaxDurationInitialization),
		MaxDurationQuery:          I64(c.MaxDurationQuery), MaxDurationObservation: I64(c.MaxDurationObservation),
		MaxDurationReport:       I64(c.MaxDurationReport),
		MaxDurationShouldAccept: I64(c.MaxDurationShouldAcceptFinalizedReport), MaxDurationShouldTransmit: I64(c.MaxDurationShouldTransmitAcceptedReport),
		F: c.F, OnchainConfig: c.OnchainConfig,
	}
	for _, o := range c.OracleIdentities {
		d.Oracles = append(d.Oracles, oracleDescription{Hex32(o.OffchainPublicKey), o.PeerID, Hex(o.OnchainPublicKey), string(o.TransmitAccount)})
	}
	return d
}

func (d configDescription) reference() ocr2config.PublicConfig {
	c := ocr2config.PublicConfig{
		DeltaProgress: time.Duration(d.DeltaProgress), DeltaResend: time.Duration(d.DeltaResend), DeltaRound: time.Duration(d.DeltaRound),
		DeltaGrace: time.Duration(d.DeltaGrace), DeltaStage: time.Duration(d.DeltaStage), RMax: d.RMax, S: d.S,
		ReportingPluginConfig: d.ReportingPluginConfig, MaxDurationInitialization: (*time.Duration)(d.MaxDurationInitialization),
		MaxDurationQuery: time.Duration(d.MaxDurationQuery), MaxDurationObservation: time.Duration(d.MaxDurationObservation),
		MaxDurationReport:                       time.Duration(d.MaxDurationReport),
		MaxDurationShouldAcceptFinalizedReport:  time.Duration(d.MaxDurationShouldAccept),
		MaxDurationShouldTransmitAcceptedReport: time.Duration(d.MaxDurationShouldTransmit),
		F:                                       d.F, OnchainConfig: d.OnchainConfig,
	}
	for _, o := range d.Oracles {
		c.OracleIdentities = append(c.OracleIdentities, config.OracleIdentity{
			OffchainPublicKey: types.OffchainPublicKey(o.OffchainPK), OnchainPublicKey: types.OnchainPublicKey(o.Signer),
			PeerID: o.PeerID, TransmitAccount: types.Account(o.Transmitter),
		})
	}
	return c
}

// The encoder draws its ephemeral key from this variable and from nowhere else.
var randomness sync.Mutex

func offchainConfigEncode(in struct {
	Decoded configDescription `json:"decoded"`
	Secrets struct {
		SharedSecret Hex16   `json:"shared_secret"`
		EphemeralSK  Hex32   `json:"ephemeral_sk"`
		SKs          []Hex32 `json:"config_encryption_sks"`
	} `json:"secrets"`
}) (Answer, error) {
	var keys []types.ConfigEncryptionPublicKey
	for _, sk := range in.Secrets.SKs {
		public, err := curve25519.X25519(sk[:], curve25519.Basepoint)
		if err != nil {
			return nil, badRequest{err}
		}
		keys = append(keys, types.ConfigEncryptionPublicKey(public))
	}
	shared := ocr2config.SharedConfig{PublicConfig: in.Decoded.reference(), SharedSecret: (*[16]byte)(&in.Secrets.SharedSecret)}
	randomness.Lock()
	defer randomness.Unlock()
	system := rand.Reader
	defer func() { rand.Reader = system }()
	rand.Reader = bytes.NewReader(in.Secrets.EphemeralSK[:])
	_, _, _, _, version, encoded, err := ocr2config.XXXContractSetConfigArgsFromSharedConfig(shared, keys)
	if err != nil {
		return nil, err
	}
	return Answer{
		"offchain_config": Hex(encoded), "offchain_config_version": U64(version),
		"leader_selection_key": Hex16(shared.LeaderSelectionKey()), "transmission_order_key": Hex16(shared.TransmissionOrderKey()),
	}, nil
}

// knownSigner is an on-chain keyring that only knows who it is.
type knownSigner struct {
	types.OnchainKeyring
	address []byte
}

func (s knownSigner) PublicKey() types.OnchainPublicKey { return s.address }

// opener is an off-chain keyring that can open, but claims any signing key.
type opener struct {
	seat.OffchainKeyring
	public types.OffchainPublicKey
}

func (o opener) OffchainPublicKey() types.OffchainPublicKey { return o.public }

func newOpener(public, secret Hex32) (opener, error) {
	keyring, err := seat.NewOffchainKeyring(seat.Secret{}, seat.Secret(secret))
	return opener{keyring, types.OffchainPublicKey(public)}, err
}

// offchainConfigOracle is how one oracle finds itself in a configuration and opens the shared secret.
func offchainConfigOracle(in struct {
	Input offchainInput `json:"input"`
	Me    struct {
		SK          Hex32  `json:"config_encryption_sk"`
		OffchainPK  Hex32  `json:"offchain_pk"`
		PeerID      string `json:"peer_id"`
		Signer      Hex    `json:"signer"`
		Transmitter string `json:"transmitter"`
	} `json:"me"`
}) (Answer, error) {
	me, err := newOpener(in.Me.OffchainPK, in.Me.SK)
	if err != nil {
		return nil, badRequest{err}
	}
	shared, id, err := ocr2config.SharedConfigFromContractConfig(
		in.Input.SkipResourceChecks, in.Input.reference(), me, knownSigner{address: in.Me.Signer}, in.Me.PeerID, types.Account(in.Me.Transmitter))
	if err != nil {
		return nil, err
	}
	return Answer{
		"oracle_id": id, "shared_secret": Hex(shared.SharedSecret[:]),
		"leader_selection_key": Hex16(shared.LeaderSelectionKey()), "transmission_order_key": Hex16(shared.TransmissionOrderKey()),
	}, nil
}

// sharedSecret opens one sealed secret.
func sharedSecret(in struct {
	Point       Hex32   `json:"dh_point"`
	Hash        Hex32   `json:"shared_secret_hash"`
	Encryptions []Hex16 `json:"encryptions"`
	Oracle      uint8   `json:"oracle_id"`
	SK          Hex32   `json:"config_encryption_sk"`
}) (Answer, error) {
	me, err := newOpener(Hex32{}, in.SK)
	if err != nil {
		return nil, badRequest{err}
	}
	sealed := config.SharedSecretEncryptions{DiffieHellmanPoint: in.Point, SharedSecretHash: common.Hash(in.Hash)}
	for _, encryption := range in.Encryptions {
		sealed.Encryptions = append(sealed.Encryptions, config.EncryptedSharedSecret(encryption))
	}
	opened, err := sealed.Decrypt(commontypes.OracleID(in.Oracle), me)
	if err != nil {
		return nil, err
	}
	return Answer{"shared_secret": Hex(opened[:])}, nil
}

// leaders of consecutive epochs; epoch has 32 bits and wraps.
func leaders(in struct {
	SharedSecret *Hex16 `json:"shared_secret"`
	Key          *Hex16 `json:"leader_selection_key"`
	N            int    `json:"n"`
	From         uint32 `json:"from_epoch"`
	Count        int    `json:"count"`
}) (Answer, error) {
	if in.N < 1 || in.Count < 0 || in.Count > 100_000 || in.Key == nil && in.SharedSecret == nil {
		return nil, badRequest{errors.New("wanted n > 0, a count up to 100000, and shared_secret or leader_selection_key")}
	}
	if in.Key == nil {
		shared := ocr2config.SharedConfig{SharedSecret: (*[16]byte)(in.SharedSecret)}
		key := Hex16(shared.LeaderSelectionKey())
		in.Key = &key
	}
	found := []commontypes.OracleID{}
	for i := range in.Count {
		found = append(found, protocol.Leader(in.From+uint32(i), in.N, [16]byte(*in.Key)))
	}
	return Answer{"leaders": asNumbers(found), "leader_selection_key": in.Key}, nil
}

func asNumbers(ids []commontypes.OracleID) []int { // else encoding/json would write bytes
	numbers := []int{}
	for _, id := range ids {
		numbers = append(numbers, int(id))
	}
	return numbers
}

// schedule lets the reference's transmission protocol accept a report and takes the schedule that it computes.
func schedule(in struct {
	SharedSecret Hex16  `json:"shared_secret"`
	ConfigDigest Hex32  `json:"config_digest"`
	Epoch        uint32 `json:"epoch"`
	Round        uint8  `json:"round"`
	N            int    `json:"n"`
	S            []int  `json:"s"`
	DeltaStage   I64    `json:"delta_stage"`
}) (Answer, error) {
	if in.N < 1 || in.N > 255 {
		return nil, badRequest{fmt.Errorf("n = %d", in.N)}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running subprocesses.Subprocesses
	defer running.Wait()
	defer cancel()
	accepted := make(chan protocol.EventToTransmission)
	computed := make(scheduleTaker, 1)
	shared := ocr2config.SharedConfig{
		PublicConfig: ocr2config.PublicConfig{
			DeltaStage: time.Duration(in.DeltaStage), S: in.S, OracleIdentities: make([]config.OracleIdentity, in.N),
			ConfigDigest:                           types.ConfigDigest(in.ConfigDigest),
			MaxDurationShouldAcceptFinalizedReport: time.Minute, MaxDurationShouldTransmitAcceptedReport: time.Minute,
		},
		SharedSecret: (*[16]byte)(&in.SharedSecret),
	}
	database, err := seat.OpenDatabase("")
	if err != nil {
		return nil, err
	}
	const nobody = 255 // is in no schedule, so nothing becomes due
	running.Go(func() {
		protocol.RunTransmission(ctx, &running, shared, accepted, database, nobody,
			types.LocalConfig{DatabaseTimeout: time.Minute}, loghelper.MakeRootLoggerWithContext(silence{}), acceptAll{}, computed, nil)
	})
	accepted <- protocol.EventTransmit{Epoch: in.Epoch, Round: in.Round}
	delays := make([]*I64, in.N)
	for oracle, delay := range <-computed {
		value := I64(delay)
		delays[oracle] = &value
	}
	return Answer{"delays": delays}, nil
}

func transportLimits(in struct {
	N             int `json:"n"`
	DeltaProgress I64 `json:"delta_progress"`
	DeltaResend   I64 `json:"delta_resend"`
	DeltaRound    I64 `json:"delta_round"`
	SignatureMax  int `json:"max_signature_length"`
	pluginLimits
}) (Answer, error) {
	if in.N < 0 || in.N > 1000 {
		return nil, badRequest{fmt.Errorf("n = %d", in.N)}
	}
	found, err := limits.OCR2Limits(ocr2config.PublicConfig{
		DeltaProgress: time.Duration(in.DeltaProgress), DeltaResend: time.Duration(in.DeltaResend), DeltaRound: time.Duration(in.DeltaRound),
		OracleIdentities: make([]config.OracleIdentity, in.N),
	}, in.pluginLimits.reference(), in.SignatureMax)
	if err != nil {
		return nil, err
	}
	return Answer{
		"max_message_length": found.MaxMessageLength,
		"messages_rate":      fmt.Sprint(found.MessagesRatePerOracle), "messages_capacity": found.MessagesCapacityPerOracle,
		"bytes_rate": fmt.Sprint(found.BytesRatePerOracle), "bytes_capacity": found.BytesCapacityPerOracle,
	}, nil
}
