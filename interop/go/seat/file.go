// Package seat runs one oracle of the reference from a seat file: its keys, its chain, its peers, its sources.
// What it does not contain is the protocol: that is the reference's own.
package seat

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// Warning is said whenever a seat is written or read.
const Warning = "a seat file holds unencrypted keys: it is for development chains, never for one where anything has value"

// File is a seat file, with exactly these fields; an unknown one is an error on both sides.
type File struct {
	Seat                 int       `json:"seat"`
	N                    int       `json:"n"`
	F                    int       `json:"f"`
	Chain                Chain     `json:"chain"`
	Network              Network   `json:"network"`
	Keys                 Keys      `json:"keys"`
	Identity             *Identity `json:"identity,omitempty"`
	Sources              []Source  `json:"sources"`
	MinSources           int       `json:"min_sources,omitempty"`
	JuelsPerFeeCoin      string    `json:"juels_per_fee_coin"`
	ObservationTimeoutMs uint64    `json:"observation_timeout_ms,omitempty"`
}

// Chain says where the contract is.
type Chain struct {
	HTTPURL       string         `json:"http_url"`
	WSURL         string         `json:"ws_url,omitempty"`
	ChainID       Decimal        `json:"chain_id"`
	Confirmations uint16         `json:"confirmations"`
	Aggregator    common.Address `json:"aggregator"`
	DeployedBlock uint64         `json:"deployed_block"`
}

// Network says how a peer meets the others. Bootstrappers are PEERID@host:port.
type Network struct {
	Generation       string   `json:"generation"`
	Listen           string   `json:"listen"`
	Announce         string   `json:"announce"`
	Bootstrappers    []string `json:"bootstrappers"`
	DeltaDialMs      uint64   `json:"delta_dial_ms,omitempty"`
	DeltaReconcileMs uint64   `json:"delta_reconcile_ms,omitempty"`
}

// Keys are the five secrets of an oracle.
type Keys struct {
	Peer        Secret `json:"peer_ed25519_seed"`
	Offchain    Secret `json:"offchain_ed25519_seed"`
	Config      Secret `json:"config_x25519_secret"`
	Onchain     Secret `json:"onchain_secp256k1_secret"`
	Transmitter Secret `json:"transmitter_secp256k1_secret"`
}

// Identity is the public half of Keys.
type Identity struct {
	PeerID            string         `json:"peer_id"`
	OffchainPublicKey string         `json:"offchain_public_key"`
	ConfigPublicKey   string         `json:"config_public_key"`
	OnchainAddress    common.Address `json:"onchain_address"`
	Transmitter       common.Address `json:"transmitter"`
}

// Source is an HTTP GET whose JSON answer holds a number, or a decimal string, under Path (names and indexes).
type Source struct {
	URL         string `json:"url"`
	Path        []any  `json:"path"`
	ScaleDigits int    `json:"scale_digits"`
}

// BootstrapFile is what a bootstrap node needs: the contract whose committee it introduces to each other, and a peer.
type BootstrapFile struct {
	Chain   Chain   `json:"chain"`
	Network Network `json:"network"`
	Keys    struct {
		Peer Secret `json:"peer_ed25519_seed"`
	} `json:"keys"`
}

// Decimal is an integer written as a decimal string.
type Decimal uint64

func (d Decimal) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(d), 10), nil }

func (d *Decimal) UnmarshalText(text []byte) error {
	value, err := strconv.ParseUint(string(text), 10, 64)
	*d = Decimal(value)
	return err
}

// Secret is 32 bytes, hex in the file and nowhere else.
type Secret [32]byte

func (s Secret) String() string { return "[secret]" }

func (s Secret) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(s[:])), nil }

func (s *Secret) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(strings.TrimPrefix(string(text), "0x"))
	if err != nil || len(raw) != len(s) {
		return fmt.Errorf("wanted a secret of 32 bytes in hex")
	}
	copy(s[:], raw)
	return nil
}

// Read reads a seat file and checks what it says.
func Read(path string) (File, error) {
	var f File
	if err := readPrivate(path, &f); err != nil {
		return File{}, err
	}
	if f.MinSources == 0 {
		f.MinSources = len(f.Sources)/2 + 1
	}
	switch {
	case f.N < 1 || f.N > 31 || f.F < 0 || 3*f.F >= f.N || f.Seat < 0 || f.Seat >= f.N:
		return File{}, fmt.Errorf("%s: seat %d of n=%d with f=%d is not a committee", path, f.Seat, f.N, f.F)
	case len(f.Sources) == 0 || f.MinSources > len(f.Sources):
		return File{}, fmt.Errorf("%s: %d sources, of which %d must answer", path, len(f.Sources), f.MinSources)
	}
	if f.Identity != nil {
		own, err := f.Keys.Identity()
		if err != nil {
			return File{}, err
		}
		if own != *f.Identity {
			return File{}, fmt.Errorf("%s: identity is not that of the keys", path)
		}
	}
	return f, nil
}

// ReadBootstrap reads the file of a bootstrap node.
func ReadBootstrap(path string) (f BootstrapFile, err error) {
	return f, readPrivate(path, &f)
}

func readPrivate(path string, into any) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s holds secrets but others may read it: chmod 600", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// WritePrivate writes JSON whole (renamed into place) with mode 0600.
func WritePrivate(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(path, append(text, '\n'))
}

func replaceFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // CreateTemp makes mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(content); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
