package seat

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"

	nettypes "github.com/smartcontractkit/libocr/networking/types"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// Database keeps what one oracle must remember: in memory, and in a file too if it has a path. Every change rewrites the
// file whole and synced, which is slow and safe.
type Database struct {
	path string

	mu   sync.Mutex
	kept kept
}

var (
	_ types.Database              = (*Database)(nil)
	_ nettypes.DiscovererDatabase = (*Database)(nil)
)

type kept struct {
	Config        *types.ContractConfig
	States        map[string]types.PersistentState // by config digest
	Pending       map[string]types.PendingTransmission
	Announcements map[string][]byte // by peer id
}

// OpenDatabase reads the file at path, if there is one; an empty path means memory only.
func OpenDatabase(path string) (*Database, error) {
	d := &Database{path: path}
	if path != "" {
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, &d.kept)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("database %s: %w", path, err)
		}
	}
	if d.kept.States == nil {
		d.kept.States = map[string]types.PersistentState{}
	}
	if d.kept.Pending == nil {
		d.kept.Pending = map[string]types.PendingTransmission{}
	}
	if d.kept.Announcements == nil {
		d.kept.Announcements = map[string][]byte{}
	}
	return d, nil
}

func (d *Database) change(change func(*kept)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.kept)
	if d.path == "" {
		return nil
	}
	text, err := json.Marshal(d.kept)
	if err != nil {
		return err
	}
	return replaceFile(d.path, text)
}

func (d *Database) ReadConfig(context.Context) (*types.ContractConfig, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kept.Config, nil
}

func (d *Database) WriteConfig(_ context.Context, config types.ContractConfig) error {
	return d.change(func(k *kept) { k.Config = &config })
}

func (d *Database) ReadState(_ context.Context, digest types.ConfigDigest) (*types.PersistentState, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if state, ok := d.kept.States[digest.Hex()]; ok {
		return &state, nil
	}
	return nil, nil
}

func (d *Database) WriteState(_ context.Context, digest types.ConfigDigest, state types.PersistentState) error {
	return d.change(func(k *kept) { k.States[digest.Hex()] = state })
}

// A pending transmission's key in the file: digest:epoch:round.
func pendingKey(ts types.ReportTimestamp) string {
	return fmt.Sprintf("%s:%d:%d", ts.ConfigDigest.Hex(), ts.Epoch, ts.Round)
}

func (d *Database) StorePendingTransmission(_ context.Context, ts types.ReportTimestamp, pending types.PendingTransmission) error {
	return d.change(func(k *kept) { k.Pending[pendingKey(ts)] = pending })
}

func (d *Database) DeletePendingTransmission(_ context.Context, ts types.ReportTimestamp) error {
	return d.change(func(k *kept) { delete(k.Pending, pendingKey(ts)) })
}

func (d *Database) DeletePendingTransmissionsOlderThan(_ context.Context, bound time.Time) error {
	return d.change(func(k *kept) {
		maps.DeleteFunc(k.Pending, func(_ string, p types.PendingTransmission) bool { return p.Time.Before(bound) })
	})
}

func (d *Database) PendingTransmissionsWithConfigDigest(_ context.Context, digest types.ConfigDigest) (map[types.ReportTimestamp]types.PendingTransmission, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := map[types.ReportTimestamp]types.PendingTransmission{}
	for key, pending := range d.kept.Pending {
		ts := types.ReportTimestamp{ConfigDigest: digest}
		raw, err := hex.DecodeString(key[:min(64, len(key))])
		if err != nil || string(raw) != string(digest[:]) {
			continue
		}
		if _, err := fmt.Sscanf(key[64:], ":%d:%d", &ts.Epoch, &ts.Round); err != nil {
			return nil, err
		}
		found[ts] = pending
	}
	return found, nil
}

func (d *Database) StoreAnnouncement(_ context.Context, peer string, announcement []byte) error {
	return d.change(func(k *kept) { k.Announcements[peer] = announcement })
}

func (d *Database) ReadAnnouncements(_ context.Context, peers []string) (map[string][]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := map[string][]byte{}
	for _, peer := range peers {
		if announcement, ok := d.kept.Announcements[peer]; ok {
			found[peer] = announcement
		}
	}
	return found, nil
}
