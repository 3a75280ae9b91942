package codec

import (
	"context"
	"time"

	"github.com/smartcontractkit/libocr/commontypes"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/protocol"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// What the reference's transmission protocol needs around it to compute a schedule.

type silence struct{}

func (silence) Trace(string, commontypes.LogFields)    {}
func (silence) Debug(string, commontypes.LogFields)    {}
func (silence) Info(string, commontypes.LogFields)     {}
func (silence) Warn(string, commontypes.LogFields)     {}
func (silence) Error(string, commontypes.LogFields)    {}
func (silence) Critical(string, commontypes.LogFields) {}

// acceptAll accepts every report and is asked nothing else.
type acceptAll struct{ types.ReportingPlugin }

func (acceptAll) ShouldAcceptFinalizedReport(context.Context, types.ReportTimestamp, types.Report) (bool, error) {
	return true, nil
}

type scheduleTaker chan map[commontypes.OracleID]time.Duration

var _ protocol.TelemetrySender = scheduleTaker(nil)

func (s scheduleTaker) TransmissionScheduleComputed(_ types.ReportTimestamp, _ time.Time, schedule map[commontypes.OracleID]time.Duration) {
	s <- schedule
}

func (scheduleTaker) EpochStarted(types.ConfigDigest, uint32, commontypes.OracleID) {}
func (scheduleTaker) RoundStarted(types.ReportTimestamp, commontypes.OracleID)      {}
func (scheduleTaker) TransmissionShouldAcceptFinalizedReportComputed(types.ReportTimestamp, bool, bool) {
}
func (scheduleTaker) TransmissionShouldTransmitAcceptedReportComputed(types.ReportTimestamp, bool, bool) {
}
