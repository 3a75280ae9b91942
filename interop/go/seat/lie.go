package seat

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/smartcontractkit/libocr/commontypes"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/protocol"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/serialization"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// Lies are what a dishonest seat can do; everything else of it stays honest. They are told on the way out, after the
// reference has checked itself.
var Lies = []string{
	"observation-signature", // each observation goes to its leader with a broken signature
	"torsion",               // the same, with a signature that holds only when multiplied by the cofactor
	"report-signature",      // each report goes to its leader with a broken signature
	"equivocate",            // as the leader, each oracle gets another selection of the observations
	"wire-type",             // each observation has its fourth field in another wire type, which a decoder must skip
	"garbage",               // a payload that is no message goes before each message
}

type liar struct {
	kind   string
	events *Events
	key    ed25519.PrivateKey // signs observations

	mu     sync.Mutex
	signed []byte // by that key last
}

func newLiar(kind string, key Secret, events *Events) (*liar, error) {
	if kind != "" && !slices.Contains(Lies, kind) {
		return nil, fmt.Errorf("no lie %q; there are %v", kind, Lies)
	}
	return &liar{kind: kind, events: events, key: ed25519.NewKeyFromSeed(key[:])}, nil
}

// watchedKeyring remembers what is signed, because the reference would refuse a false signature of its own.
type watchedKeyring struct {
	types.OffchainKeyring
	*liar
}

func (k watchedKeyring) OffchainSign(message []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.signed = message
	return k.OffchainKeyring.OffchainSign(message)
}

func (l *liar) torsion() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return torsion(l.key, l.signed)
}

// lyingNetwork patches payloads.
type lyingNetwork struct {
	types.BinaryNetworkEndpointFactory
	*liar
}

func (f lyingNetwork) NewEndpoint(digest types.ConfigDigest, peers []string, bootstrappers []commontypes.BootstrapperLocator, faulty int, limits types.BinaryNetworkEndpointLimits) (commontypes.BinaryNetworkEndpoint, error) {
	endpoint, err := f.BinaryNetworkEndpointFactory.NewEndpoint(digest, peers, bootstrappers, faulty, limits)
	if err != nil || f.kind == "" {
		return endpoint, err
	}
	return lyingEndpoint{endpoint, f.liar, len(peers), faulty, slices.Index(peers, f.PeerID())}, nil
}

type lyingEndpoint struct {
	commontypes.BinaryNetworkEndpoint
	*liar
	n, f, me int
}

func (e lyingEndpoint) Broadcast(payload []byte) {
	for to := range e.n {
		e.SendTo(payload, commontypes.OracleID(to))
	}
}

func (e lyingEndpoint) SendTo(payload []byte, to commontypes.OracleID) {
	if int(to) != e.me { // nobody lies to himself
		if e.kind == "garbage" {
			e.BinaryNetworkEndpoint.SendTo([]byte{0xff}, to)
			e.told(to)
		}
		if message, _, err := serialization.Deserialize(payload); err == nil {
			if patched := e.patch(message, int(to)); patched != nil {
				if bytes, _, err := serialization.Serialize(patched); err == nil {
					payload = bytes
					e.told(to)
				}
			}
		}
	}
	e.BinaryNetworkEndpoint.SendTo(payload, to)
}

func (e lyingEndpoint) told(to commontypes.OracleID) {
	e.events.Emit("lie", Fields{"kind": e.kind, "to": to})
}

// patch returns the lie in place of message, or nil.
func (e lyingEndpoint) patch(message protocol.Message, to int) protocol.Message {
	switch m := message.(type) {
	case protocol.MessageObserve:
		if e.kind == "observation-signature" {
			m.SignedObservation.Signature = broken(m.SignedObservation.Signature)
			return m
		}
		if e.kind == "torsion" {
			m.SignedObservation.Signature = e.torsion()
			return m
		}
	case protocol.MessageReport:
		if e.kind == "report-signature" && !m.AttestedReport.Skip {
			m.AttestedReport.Signature = broken(m.AttestedReport.Signature)
			return m
		}
	case protocol.MessageReportReq:
		// With more observations than are needed, everybody is spared another one of them.
		if count := len(m.AttributedSignedObservations); e.kind == "equivocate" && count > 2*e.f+1 {
			spared := to % count
			m.AttributedSignedObservations = slices.Delete(slices.Clone(m.AttributedSignedObservations), spared, spared+1)
			return m
		}
	}
	return nil
}

func broken(signature []byte) []byte {
	signature = slices.Clone(signature)
	if len(signature) > 40 {
		signature[40] ^= 1
	}
	return signature
}

// lyingPlugins patch observations before they are signed.
type lyingPlugins struct {
	types.ReportingPluginFactory
	*liar
}

func (f lyingPlugins) NewReportingPlugin(ctx context.Context, config types.ReportingPluginConfig) (types.ReportingPlugin, types.ReportingPluginInfo, error) {
	plugin, info, err := f.ReportingPluginFactory.NewReportingPlugin(ctx, config)
	if err != nil || f.kind != "wire-type" {
		return plugin, info, err
	}
	return lyingPlugin{plugin, f.liar}, info, nil
}

type lyingPlugin struct {
	types.ReportingPlugin
	*liar
}

func (p lyingPlugin) Observation(ctx context.Context, ts types.ReportTimestamp, query types.Query) (types.Observation, error) {
	observation, err := p.ReportingPlugin.Observation(ctx, ts, query)
	if err == nil {
		observation = protowire.AppendVarint(protowire.AppendTag(observation, 4, protowire.VarintType), 1)
		p.events.Emit("lie", Fields{"kind": p.kind, "epoch": ts.Epoch, "round": ts.Round})
	}
	return observation, err
}
