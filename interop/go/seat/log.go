package seat

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/smartcontractkit/libocr/commontypes"
)

var levels = []string{"trace", "debug", "info", "warn", "error", "critical"}

// Logger takes the reference's log: lines from its level up go to the log, every message is counted, and what it warns
// of is an event too, because that is how the reference says that it refuses a message.
type Logger struct {
	events *Events
	log    *Lines
	from   int
}

var _ commontypes.Logger = Logger{}

func NewLogger(events *Events, log *Lines, level string) (Logger, error) {
	from := slices.Index(levels, level)
	if from < 0 {
		return Logger{}, fmt.Errorf("no log level %q; there are %v", level, levels)
	}
	return Logger{events, log, from}, nil
}

func (l Logger) Trace(message string, fields commontypes.LogFields)    { l.take(0, message, fields) }
func (l Logger) Debug(message string, fields commontypes.LogFields)    { l.take(1, message, fields) }
func (l Logger) Info(message string, fields commontypes.LogFields)     { l.take(2, message, fields) }
func (l Logger) Warn(message string, fields commontypes.LogFields)     { l.take(3, message, fields) }
func (l Logger) Error(message string, fields commontypes.LogFields)    { l.take(4, message, fields) }
func (l Logger) Critical(message string, fields commontypes.LogFields) { l.take(5, message, fields) }

func (l Logger) take(level int, message string, fields commontypes.LogFields) {
	name := levels[level]
	count := 0
	if level > 0 { // traces are many and say nothing of refusals
		l.events.mu.Lock()
		l.events.logged[logKey{name, message}]++
		count = l.events.logged[logKey{name, message}]
		l.events.mu.Unlock()
	}
	if level < l.from && level < 3 {
		return
	}
	plain := Fields{}
	for key, value := range fields {
		plain[key] = printable(value)
	}
	if level >= 3 {
		warning := Fields{"level": name, "message": message, "fields": plain, "count": count}
		reason := usual(message, plain)
		if reason != "" {
			warning["usual"] = reason
		}
		// A peer that is missed is missed often; each doubling is enough of an event.
		if reason == "" || bits.OnesCount(uint(count)) == 1 {
			l.events.Emit("warning", warning)
		}
	}
	if level >= l.from {
		line := Fields{"level": name, "message": message, "fields": plain, "unix_ms": time.Now().UnixMilli()}
		maps.Copy(line, l.events.name)
		l.log.write(line)
	}
}

// printable keeps what JSON can say and turns the rest into text; errors and bytes would come out empty or in base64.
func printable(value any) any {
	switch value := value.(type) {
	case error:
		return value.Error()
	case fmt.Stringer:
		return value.String()
	case []byte:
		return hex.EncodeToString(value)
	}
	if _, err := json.Marshal(value); err != nil {
		return fmt.Sprintf("%+v", value)
	}
	return value
}

// usual says why an honest network warns of this, or nothing: then somebody refused something.
func usual(message string, fields Fields) string {
	switch message {
	case "Discoverer found no addresses", "Dial error":
		return "a peer is not up yet"
	case "Error reading from connection", "Error writing to connection", "Error while sending knock", "Error while reading knock",
		"Closing connection, error during Handshake", "Failed to close connection", "Failed to close incoming connection",
		"Failed to close outgoing connection", "Closing connection, error during SetWriteDeadline",
		"Closing connection, error during SetReadDeadline", "Closing connection, error during SetDeadline":
		return "a peer went away"
	case "OCR2SerializingEndpoint: dropping telemetry", "OCR2TelemetrySender: dropping telemetry":
		return "events were lost"
	case "Received incoming connection from an unknown peer, closing", "Write message to peer we don't have a stream open for",
		"authenticatedConnectionReadLoop: unknown stream id, dropping message":
		return "peers learn of a configuration one after another"
	case "Asked to remove connectivity with peer we don't have a stream for":
		return "an instance ends that knew a peer both as oracle and as bootstrapper"
	case "PrometheusMetrics: Could not register collector":
		return "counters of an instance that ends, and nobody's message"
	case "Failed to process announcement", "Failed to process announcement from reconcile":
		// With another error it is a refusal.
		if text, _ := fields["error"].(string); strings.Contains(text, "is not an oracle in any of our jobs") {
			return "peers learn of a configuration one after another"
		}
	case "ReportGeneration: new round number would be larger than RMax + 1. Looks like your connection to more than f other nodes is not working.":
		return "the others were slow to follow into the next epoch"
	}
	// Work of one's own that took longer than it may, never a peer's message.
	text, _ := fields["error"].(string)
	if strings.HasSuffix(message, "is taking too long") || strings.Contains(text, context.DeadlineExceeded.Error()) {
		return "the machine or the chain is slow"
	}
	return ""
}
