// Package network makes whole networks: the reference's contracts on a chain, a configuration from the reference's own
// helper, and a seat file for every oracle. Development chains only.
package network

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/seat"
)

// Plan is what everybody may know of a network: DIR/network.json.
type Plan struct {
	Chain         seat.Chain     `json:"chain"`
	Link          common.Address `json:"link"`
	Bootstrappers []string       `json:"bootstrappers"`
	Oracles       []Oracle       `json:"oracles"`
	// Committee names the oracles of the current configuration, in its order, by their index in Oracles.
	Committee            []int         `json:"committee"`
	Config               Config        `json:"config"`
	Sources              []seat.Source `json:"sources"`
	MinSources           int           `json:"min_sources,omitempty"`
	JuelsPerFeeCoin      string        `json:"juels_per_fee_coin"`
	ObservationTimeoutMs uint64        `json:"observation_timeout_ms,omitempty"`
}

// Oracle is one oracle, in the committee or not.
type Oracle struct {
	Identity seat.Identity `json:"identity"`
	Network  seat.Network  `json:"network"`
}

// Secrets are all keys of a network: DIR/keys.json. Where Oracles is empty, no seat files are written.
type Secrets struct {
	Owner     seat.Secret  `json:"owner_secp256k1_secret"`
	Bootstrap *seat.Secret `json:"bootstrap_peer_ed25519_seed,omitempty"`
	Oracles   []seat.Keys  `json:"oracles,omitempty"`
}

// Config is what the helper of the reference takes, in its own terms. S empty means a stage for each oracle.
type Config struct {
	F                                       int      `json:"f"`
	S                                       []int    `json:"s,omitempty"`
	RMax                                    uint     `json:"r_max"`
	DeltaProgress                           Duration `json:"delta_progress"`
	DeltaResend                             Duration `json:"delta_resend"`
	DeltaRound                              Duration `json:"delta_round"`
	DeltaGrace                              Duration `json:"delta_grace"`
	DeltaStage                              Duration `json:"delta_stage"`
	MaxDurationInitialization               Duration `json:"max_duration_initialization"`
	MaxDurationQuery                        Duration `json:"max_duration_query"`
	MaxDurationObservation                  Duration `json:"max_duration_observation"`
	MaxDurationReport                       Duration `json:"max_duration_report"`
	MaxDurationShouldAcceptFinalizedReport  Duration `json:"max_duration_should_accept"`
	MaxDurationShouldTransmitAcceptedReport Duration `json:"max_duration_should_transmit"`
	AlphaReportInfinite                     bool     `json:"alpha_report_infinite"`
	AlphaReportPPB                          uint64   `json:"alpha_report_ppb"`
	AlphaAcceptInfinite                     bool     `json:"alpha_accept_infinite"`
	AlphaAcceptPPB                          uint64   `json:"alpha_accept_ppb"`
	DeltaC                                  Duration `json:"delta_c"`
	MinAnswer                               string   `json:"min_answer"`
	MaxAnswer                               string   `json:"max_answer"`
}

// Duration is written as Go writes it: "1.5s".
type Duration time.Duration

func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	*d = Duration(value)
	return err
}

func planPath(dir string) string      { return filepath.Join(dir, "network.json") }
func secretsPath(dir string) string   { return filepath.Join(dir, "keys.json") }
func bootstrapPath(dir string) string { return filepath.Join(dir, "bootstrap.json") }
func seatPath(dir string, oracle int) string {
	return filepath.Join(dir, "seats", fmt.Sprintf("%d.json", oracle))
}

// Read reads what Make wrote, or what another tool wrote in the same form.
func Read(dir string) (plan Plan, secrets Secrets, err error) {
	for path, into := range map[string]any{planPath(dir): &plan, secretsPath(dir): &secrets} {
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			return Plan{}, Secrets{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return plan, secrets, nil
}

// Write writes plan, secrets, bootstrap file and the seats of the committee. A seat file is DIR/seats/<oracle>.json,
// named by the oracle; the seat number inside is its place in the committee.
func Write(dir string, plan Plan, secrets Secrets) error {
	if err := os.MkdirAll(filepath.Join(dir, "seats"), 0o700); err != nil {
		return err
	}
	if err := seat.WritePrivate(planPath(dir), plan); err != nil {
		return err
	}
	if err := seat.WritePrivate(secretsPath(dir), secrets); err != nil {
		return err
	}
	if len(secrets.Oracles) == 0 {
		return nil
	}
	for place, oracle := range plan.Committee {
		file := seat.File{
			Seat: place, N: len(plan.Committee), F: plan.Config.F,
			Chain: plan.Chain, Network: plan.Oracles[oracle].Network,
			Keys: secrets.Oracles[oracle], Identity: &plan.Oracles[oracle].Identity,
			Sources: sourcesOf(plan.Sources, oracle), MinSources: plan.MinSources,
			JuelsPerFeeCoin: plan.JuelsPerFeeCoin, ObservationTimeoutMs: plan.ObservationTimeoutMs,
		}
		if err := seat.WritePrivate(seatPath(dir, oracle), file); err != nil {
			return err
		}
	}
	return nil
}
