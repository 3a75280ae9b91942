package seat

import (
	"context"
	"encoding/hex"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/smartcontractkit/libocr/commontypes"
	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median/evmreportcodec"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/serialization"
)

// telemetry turns what the reference reports of itself into events, in a goroutine of its own: the reference keeps only
// 100 reports for a receiver that is busy, and drops the rest.
type telemetry struct {
	events   *Events
	messages bool // every message is an event
	epoch    epoch

	mu      sync.Mutex
	pending [][]byte
	wake    chan struct{}
	done    chan struct{}
}

func newTelemetry(events *Events, messages bool) *telemetry {
	t := &telemetry{events: events, messages: messages, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(t.done)
		for range t.wake {
			t.mu.Lock()
			pending := t.pending
			t.pending = nil
			t.mu.Unlock()
			for _, log := range pending {
				t.take(log)
			}
		}
	}()
	return t
}

func (t *telemetry) SendLog(log []byte) {
	t.mu.Lock()
	t.pending = append(t.pending, log)
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default: // it will look again anyway
	}
}

// close takes what is left. Nothing may be sent after it.
func (t *telemetry) close() {
	close(t.wake)
	<-t.done
}

type epoch struct {
	digest string
	number uint64
}

var _ commontypes.MonitoringEndpoint = (*telemetry)(nil)

// enter makes an event of an epoch's beginning once. The reference reports only changes: the epoch with which an
// instance starts shows in its first round.
func (t *telemetry) enter(digest []byte, number, leader uint64) {
	entered := epoch{hex.EncodeToString(digest), number}
	if t.epoch != entered {
		t.epoch = entered
		t.events.Emit("epoch", Fields{"digest": entered.digest, "epoch": number, "leader": leader})
	}
}

func (t *telemetry) take(log []byte) {
	var wrapper serialization.TelemetryWrapper
	if err := proto.Unmarshal(log, &wrapper); err != nil {
		t.events.Emit("unreadable_telemetry", Fields{"error": err.Error()})
		return
	}
	switch told := wrapper.Wrapped.(type) {
	case *serialization.TelemetryWrapper_EpochStarted:
		m := told.EpochStarted
		t.enter(m.ConfigDigest, m.Epoch, m.Leader)
	case *serialization.TelemetryWrapper_RoundStarted:
		m := told.RoundStarted
		t.enter(m.ConfigDigest, m.Epoch, m.Leader)
		t.events.Emit("round", Fields{"epoch": m.Epoch, "round": m.Round, "leader": m.Leader})
	case *serialization.TelemetryWrapper_MessageSent:
		m := told.MessageSent
		t.message("sent", "to", m.Receiver, m.Msg)
		t.sent(m.Msg, m.Receiver)
	case *serialization.TelemetryWrapper_MessageBroadcast:
		m := told.MessageBroadcast
		t.message("broadcast", "", 0, m.Msg)
		t.broadcast(m.Msg)
	case *serialization.TelemetryWrapper_MessageReceived:
		m := told.MessageReceived
		t.message("received", "from", m.Sender, m.Msg)
		t.received(m.Msg, m.Sender)
	case *serialization.TelemetryWrapper_AssertionViolation:
		if m := told.AssertionViolation.GetInvalidSerialization(); m != nil {
			t.events.Emit("refused", Fields{"reason": "invalid serialization", "from": m.Sender, "bytes": hex.EncodeToString(m.SerializedMsg)})
		}
	case *serialization.TelemetryWrapper_TransmissionScheduleComputed:
		m := told.TransmissionScheduleComputed
		delays := [][2]uint64{}
		for _, oracle := range sortedKeys(m.ScheduleDelayNanosecondsPerNode) {
			delays = append(delays, [2]uint64{oracle, m.ScheduleDelayNanosecondsPerNode[oracle]})
		}
		t.events.Emit("schedule", Fields{"epoch": m.Epoch, "round": m.Round, "delays_ns": delays})
	case *serialization.TelemetryWrapper_TransmissionShouldAcceptFinalizedReportComputed:
		m := told.TransmissionShouldAcceptFinalizedReportComputed
		t.events.Emit("accept", Fields{"epoch": m.Epoch, "round": m.Round, "accept": m.Result, "failed": !m.Ok})
	case *serialization.TelemetryWrapper_TransmissionShouldTransmitAcceptedReportComputed:
		m := told.TransmissionShouldTransmitAcceptedReportComputed
		t.events.Emit("due", Fields{"epoch": m.Epoch, "round": m.Round, "transmit": m.Result, "failed": !m.Ok})
	}
}

// What this oracle said to a leader: its signed report, or that there is none to sign.
func (t *telemetry) sent(wrapper *serialization.MessageWrapper, leader uint32) {
	if m := wrapper.GetMessageReport(); m != nil {
		event := "signed"
		if m.AttestedReport.GetSkip() {
			event = "skipped"
		}
		t.events.Emit(event, Fields{"epoch": m.Epoch, "round": m.Round, "leader": leader})
	}
}

// What this oracle said as the leader: a round that it completed.
func (t *telemetry) broadcast(wrapper *serialization.MessageWrapper) {
	if m := wrapper.GetMessageFinal(); m != nil {
		t.events.Emit("led", final(m))
	}
}

func (t *telemetry) received(wrapper *serialization.MessageWrapper, from uint32) {
	if m := wrapper.GetMessageReportReq(); m != nil {
		observers := []uint32{}
		for _, observation := range m.AttributedSignedObservations {
			observers = append(observers, observation.GetObserver())
		}
		t.events.Emit("report_requested", Fields{"epoch": m.Epoch, "round": m.Round, "leader": from, "observers": observers})
	}
	if m := wrapper.GetMessageFinal(); m != nil {
		fields := final(m)
		fields["leader"] = from
		t.events.Emit("final", fields)
	}
}

func final(m *serialization.MessageFinal) Fields {
	signers := []uint32{}
	for _, signature := range m.AttestedReport.GetAttributedSignatures() {
		signers = append(signers, signature.GetSigner())
	}
	fields := Fields{"epoch": m.Epoch, "round": m.Round, "signers": signers}
	if answer, err := (evmreportcodec.ReportCodec{}).MedianFromReport(context.Background(), m.AttestedReport.GetReport()); err == nil {
		fields["answer"] = answer.String()
	}
	return fields
}

func (t *telemetry) message(direction, role string, other uint32, wrapper *serialization.MessageWrapper) {
	kind := kindOf(wrapper)
	t.events.count(direction + " " + kind)
	if !t.messages {
		return
	}
	fields := Fields{"direction": direction, "kind": kind}
	if role != "" {
		fields[role] = other
	}
	t.events.Emit("message", fields)
}

func kindOf(wrapper *serialization.MessageWrapper) string {
	switch wrapper.GetMsg().(type) {
	case *serialization.MessageWrapper_MessageNewEpoch:
		return "NewEpoch"
	case *serialization.MessageWrapper_MessageObserveReq:
		return "ObserveReq"
	case *serialization.MessageWrapper_MessageObserve:
		return "Observe"
	case *serialization.MessageWrapper_MessageReportReq:
		return "ReportReq"
	case *serialization.MessageWrapper_MessageReport:
		return "Report"
	case *serialization.MessageWrapper_MessageFinal:
		return "Final"
	case *serialization.MessageWrapper_MessageFinalEcho:
		return "FinalEcho"
	default:
		return "none"
	}
}
