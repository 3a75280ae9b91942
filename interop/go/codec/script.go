package codec

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/smartcontractkit/libocr/commontypes"
	"github.com/smartcontractkit/libocr/internal/loghelper"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/seat"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/config"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/config/ocr2config"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/protocol"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/serialization"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// script runs one oracle of the reference and hands it messages, one a step. No timer fires and nothing that it
// broadcasts comes back to it, unless a step says so. Its plugin is the toy of spec/vectors/ocr2/follower.json.
func script(in struct {
	ConfigDigest Hex32         `json:"config_digest"`
	SharedSecret Hex16         `json:"shared_secret"`
	N            int           `json:"n"`
	F            int           `json:"f"`
	ID           uint8         `json:"id"`
	RMax         uint8         `json:"r_max"`
	Quorum       int           `json:"report_quorum"`
	DeltaRound   I64           `json:"delta_round"`
	Seed         Hex32         `json:"offchain_seed"`
	Onchain      Hex32         `json:"onchain_sk"`
	Limits       *pluginLimits `json:"limits"`
	Oracles      []struct {
		Address    Hex   `json:"address"`
		OffchainPK Hex32 `json:"offchain_pk"`
	} `json:"oracles"`
	Restored *struct {
		Epoch    uint32   `json:"epoch"`
		Sent     uint32   `json:"highest_sent_epoch"`
		Received []uint32 `json:"highest_received_epoch"`
	} `json:"restored_state"`
	ContractEpoch       uint32 `json:"contract_epoch"`
	ContractDigestEqual bool   `json:"contract_digest_equal"`
	Steps               []struct {
		From  uint8 `json:"from"`
		Bytes Hex   `json:"bytes"`
	} `json:"steps"`
}) (Answer, error) {
	if in.N < 1 || in.N > types.MaxOracles || int(in.ID) >= in.N || len(in.Oracles) != in.N {
		return nil, badRequest{fmt.Errorf("oracle %d of n = %d, with %d oracles given", in.ID, in.N, len(in.Oracles))}
	}
	offchain, err := seat.NewOffchainKeyring(seat.Secret(in.Seed), seat.Secret{1})
	if err != nil {
		return nil, badRequest{err}
	}
	onchain, err := seat.NewOnchainKeyring(seat.Secret(in.Onchain))
	if err != nil {
		return nil, badRequest{err}
	}
	never, atOnce := 1000*time.Hour, []int{in.N}
	shared := ocr2config.SharedConfig{SharedSecret: (*[16]byte)(&in.SharedSecret), PublicConfig: ocr2config.PublicConfig{
		DeltaProgress: never, DeltaResend: never, DeltaRound: time.Duration(in.DeltaRound), DeltaGrace: never, DeltaStage: never,
		RMax: in.RMax, S: atOnce, F: in.F, ConfigDigest: types.ConfigDigest(in.ConfigDigest),
		MaxDurationQuery: never, MaxDurationObservation: never, MaxDurationReport: never,
		MaxDurationShouldAcceptFinalizedReport: never, MaxDurationShouldTransmitAcceptedReport: never,
	}}
	for _, o := range in.Oracles {
		shared.OracleIdentities = append(shared.OracleIdentities, config.OracleIdentity{
			OffchainPublicKey: types.OffchainPublicKey(o.OffchainPK), OnchainPublicKey: types.OnchainPublicKey(o.Address),
		})
	}
	database, err := seat.OpenDatabase("")
	if err != nil {
		return nil, err
	}
	if r := in.Restored; r != nil {
		state := types.PersistentState{Epoch: r.Epoch, HighestSentEpoch: r.Sent, HighestReceivedEpoch: r.Received}
		if err := database.WriteState(context.Background(), shared.ConfigDigest, state); err != nil {
			return nil, err
		}
	}
	contract := contractAt{epoch: in.ContractEpoch}
	if in.ContractDigestEqual {
		contract.digest = shared.ConfigDigest
	}
	stage := &stage{incoming: make(chan protocol.MessageWithSender), told: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		protocol.RunOracle(ctx, shared, contract, database, commontypes.OracleID(in.ID),
			types.LocalConfig{BlockchainTimeout: time.Minute, DatabaseTimeout: time.Minute, ContractTransmitterTransmitTimeout: time.Minute},
			loghelper.MakeRootLoggerWithContext(stageLog{stage: stage}), prometheus.NewRegistry(),
			stage, offchain, onchain, toyPlugin{}, in.Quorum, stageTelemetry{scheduleTaker: make(scheduleTaker, 1), stage: stage})
	}()
	defer func() {
		cancel()
		<-done
	}()

	stage.settle()
	answer := Answer{"start": stage.take()}
	steps := []Answer{}
	for _, step := range in.Steps {
		message, _, err := serialization.Deserialize(step.Bytes)
		if err == nil && in.Limits != nil && !message.CheckSize(in.Limits.reference()) {
			err = errors.New("above a limit")
		}
		if err != nil {
			steps = append(steps, Answer{"refused": err.Error(), "out": []outgoing{}})
			continue
		}
		stage.incoming <- protocol.MessageWithSender{Msg: message, Sender: commontypes.OracleID(step.From)}
		stage.settle()
		taken := stage.take()
		steps = append(steps, Answer{"out": taken, "entered": stage.takeEntered()})
	}
	answer["steps"] = steps
	return answer, nil
}

type outgoing struct {
	To    any `json:"to"` // an oracle, or "all"
	Bytes Hex `json:"bytes"`
	kind  int
}

// stage is the network of the one oracle that plays, and knows when it has done everything.
type stage struct {
	incoming chan protocol.MessageWithSender
	told     chan struct{} // something of the below has changed

	mu       sync.Mutex
	out      []outgoing
	entered  [][2]uint64 // epochs by the pacemaker, with their leaders
	count    int         // of everything that came out or was entered
	epoch    uint32      // of the pacemaker
	informed *uint32     // the epoch that the oracle's own loop has been told
}

// settle returns when nothing more will happen. All channels between the goroutines of an oracle are unbuffered, so when
// the second of two messages for one of them has been taken off the network, that one has finished all before the first.
// The probes have no effect: NewEpoch(0) is never news, a leader's round is never 0, no echo is of a round above RMax.
func (s *stage) settle() {
	for {
		before := s.changes()
		s.probe(protocol.MessageNewEpoch{})
		epoch := s.awaitInformed()
		s.probe(protocol.MessageObserve{Epoch: epoch})
		s.probe(protocol.MessageFinalEcho{MessageFinal: protocol.MessageFinal{Epoch: math.MaxUint32, Round: math.MaxUint8}})
		s.probe(protocol.MessageNewEpoch{})
		s.awaitInformed()
		if s.changes() == before {
			return
		}
	}
}

func (s *stage) probe(message protocol.Message) {
	for range 3 {
		s.incoming <- protocol.MessageWithSender{Msg: message, Sender: 0}
	}
}

func (s *stage) changes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// awaitInformed waits until the oracle's loop knows the pacemaker's epoch, which comes to it in no order with messages.
func (s *stage) awaitInformed() uint32 {
	for {
		s.mu.Lock()
		informed, epoch := s.informed, s.epoch
		s.mu.Unlock()
		if informed != nil && *informed >= epoch {
			return *informed
		}
		<-s.told
	}
}

func (s *stage) note(change func()) {
	s.mu.Lock()
	change()
	s.count++
	s.mu.Unlock()
	select {
	case s.told <- struct{}{}:
	default:
	}
}

// take is what went out: the pacemaker's first, then report generation's, then report finalization's, because between
// them there is no order.
func (s *stage) take() []outgoing {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := append([]outgoing{}, s.out...)
	s.out = nil
	slices.SortStableFunc(taken, func(a, b outgoing) int { return a.kind - b.kind })
	return taken
}

func (s *stage) takeEntered() [][2]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := append([][2]uint64{}, s.entered...)
	s.entered = nil
	return taken
}

func (s *stage) send(message protocol.Message, to any) {
	bytes, _, err := serialization.Serialize(message)
	if err != nil {
		panic(err)
	}
	kind := 1
	switch message.(type) {
	case protocol.MessageNewEpoch:
		kind = 0
	case protocol.MessageFinalEcho:
		kind = 2
	}
	s.note(func() { s.out = append(s.out, outgoing{to, bytes, kind}) })
}

func (s *stage) SendTo(message protocol.Message, to commontypes.OracleID) { s.send(message, to) }
func (s *stage) Broadcast(message protocol.Message)                       { s.send(message, "all") }
func (s *stage) Receive() <-chan protocol.MessageWithSender               { return s.incoming }
func (s *stage) Start() error                                             { return nil }
func (s *stage) Close() error                                             { return nil }

// stageLog hears when the oracle's loop has been told an epoch; nothing else says so.
type stageLog struct {
	silence
	stage *stage
}

func (l stageLog) Trace(message string, fields commontypes.LogFields) {
	if epoch, is := fields["epoch"].(uint32); is && message == "epochChanged: done getting messages for new epoch" {
		l.stage.note(func() { l.stage.informed = &epoch })
	}
}

type stageTelemetry struct {
	scheduleTaker
	stage *stage
}

func (t stageTelemetry) EpochStarted(_ types.ConfigDigest, epoch uint32, leader commontypes.OracleID) {
	t.stage.note(func() {
		t.stage.epoch = epoch
		t.stage.entered = append(t.stage.entered, [2]uint64{uint64(epoch), uint64(leader)})
	})
}

func (t stageTelemetry) TransmissionScheduleComputed(types.ReportTimestamp, time.Time, map[commontypes.OracleID]time.Duration) {
}

type contractAt struct {
	types.ContractTransmitter
	digest types.ConfigDigest
	epoch  uint32
}

func (c contractAt) LatestConfigDigestAndEpoch(context.Context) (types.ConfigDigest, uint32, error) {
	return c.digest, c.epoch, nil
}

// toyPlugin makes everything that it is given visible in what it returns.
type toyPlugin struct{ acceptAll }

func (toyPlugin) Query(context.Context, types.ReportTimestamp) (types.Query, error) { return nil, nil }

func (toyPlugin) Observation(_ context.Context, ts types.ReportTimestamp, query types.Query) (types.Observation, error) {
	observation := binary.BigEndian.AppendUint32([]byte{0x6f}, ts.Epoch)
	return append(append(observation, ts.Round), query...), nil
}

func (toyPlugin) Report(_ context.Context, _ types.ReportTimestamp, _ types.Query, observations []types.AttributedObservation) (bool, types.Report, error) {
	if first := observations[0].Observation; len(first) > 0 {
		switch first[0] {
		case 0x73:
			return false, nil, nil
		case 0x65:
			return false, nil, errors.New("the toy's error")
		}
	}
	report := types.Report{}
	for _, o := range observations {
		report = append(report, byte(o.Observer))
		report = binary.BigEndian.AppendUint32(report, uint32(len(o.Observation)))
		report = append(report, o.Observation...)
	}
	return true, report, nil
}

func (toyPlugin) ShouldTransmitAcceptedReport(context.Context, types.ReportTimestamp, types.Report) (bool, error) {
	return false, nil
}
