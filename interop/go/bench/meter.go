package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// Rounds whose query we made that may be open at a time; older ones have failed.
const openRounds = 8

// meter counts what the plugin is called for, and tells it in JSON lines.
type meter struct {
	out      io.Writer
	gatherer prometheus.Gatherer

	mu          sync.Mutex
	accepted    uint64
	queried     []query
	latenciesUs []int64
	notes       map[string]uint64
}

type query struct {
	at    types.ReportTimestamp
	since time.Time
}

func (m *meter) onQuery(at types.ReportTimestamp) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queried) == openRounds {
		m.queried = m.queried[1:]
	}
	m.queried = append(m.queried, query{at, time.Now()})
}

func (m *meter) onAccepted(at types.ReportTimestamp) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accepted++
	if m.accepted == 1 {
		fmt.Fprintf(m.out, "{\"event\":\"first\",\"unix_ns\":%d}\n", time.Now().UnixNano())
	}
	for i, q := range m.queried {
		if q.at == at {
			m.latenciesUs = append(m.latenciesUs, time.Since(q.since).Microseconds())
			m.queried = append(m.queried[:i], m.queried[i+1:]...)
			return
		}
	}
}

func (m *meter) note(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes[name]++
}

// tell writes the counters. Bytes on the wire are the reference's own metric: TCP bytes after the knock, TLS included.
func (m *meter) tell() error {
	families, err := m.gatherer.Gather()
	if err != nil {
		return err
	}
	var wire float64
	for _, family := range families {
		if family.GetName() == "ragep2p_peer_rawconn_written_bytes_total" {
			for _, metric := range family.Metric {
				wire += metric.GetCounter().GetValue()
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.latenciesUs == nil {
		m.latenciesUs = []int64{}
	}
	line, err := json.Marshal(map[string]any{
		"event": "counters", "unix_ns": time.Now().UnixNano(), "accepted": m.accepted, "wire_bytes": uint64(wire),
		"latencies_us": m.latenciesUs, "notes": maps.Clone(m.notes),
	})
	if err != nil {
		return err
	}
	m.latenciesUs = nil
	_, err = m.out.Write(append(line, '\n'))
	return err
}

// metered makes plugins whose calls are counted.
type metered struct {
	*meter
	types.ReportingPluginFactory
}

func (f metered) NewReportingPlugin(ctx context.Context, config types.ReportingPluginConfig) (types.ReportingPlugin, types.ReportingPluginInfo, error) {
	plugin, info, err := f.ReportingPluginFactory.NewReportingPlugin(ctx, config)
	return meteredPlugin{f.meter, plugin}, info, err
}

type meteredPlugin struct {
	*meter
	types.ReportingPlugin
}

func (p meteredPlugin) Query(ctx context.Context, at types.ReportTimestamp) (types.Query, error) {
	p.onQuery(at)
	return p.ReportingPlugin.Query(ctx, at)
}

func (p meteredPlugin) Report(ctx context.Context, at types.ReportTimestamp, query types.Query, observations []types.AttributedObservation) (bool, types.Report, error) {
	should, report, err := p.ReportingPlugin.Report(ctx, at, query, observations)
	if !should {
		p.note("skipped")
	}
	return should, report, err
}

func (p meteredPlugin) ShouldAcceptFinalizedReport(ctx context.Context, at types.ReportTimestamp, report types.Report) (bool, error) {
	accepted, err := p.ReportingPlugin.ShouldAcceptFinalizedReport(ctx, at, report)
	if accepted {
		p.onAccepted(at)
	} else {
		p.note("not accepted")
	}
	return accepted, err
}
