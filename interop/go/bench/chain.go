package bench

import (
	"context"
	"math/big"
	"sync"
	"time"

	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// chain is a contract that never changes its configuration and takes every report at once; each oracle has its own.
type chain struct {
	config  types.ContractConfig
	account types.Account

	mu     sync.Mutex
	latest types.ReportTimestamp
}

var (
	_ types.ContractConfigTracker = (*chain)(nil)
	_ types.ContractTransmitter   = (*chain)(nil)
	_ median.MedianContract       = (*chain)(nil)
)

func newChain(committee Committee, number int) *chain {
	given := committee.Config
	config := types.ContractConfig{
		ConfigCount:           given.Count,
		F:                     given.F,
		OnchainConfig:         given.Onchain,
		OffchainConfigVersion: given.Version,
		OffchainConfig:        given.Offchain,
	}
	copy(config.ConfigDigest[:], given.Digest)
	for _, signer := range given.Signers {
		config.Signers = append(config.Signers, types.OnchainPublicKey(signer))
	}
	for _, transmitter := range given.Transmitters {
		config.Transmitters = append(config.Transmitters, types.Account(transmitter))
	}
	return &chain{
		config:  config,
		account: types.Account(committee.Oracles[number].Transmitter),
		latest:  types.ReportTimestamp{ConfigDigest: config.ConfigDigest},
	}
}

func (c *chain) Notify() <-chan struct{} { return nil }

func (c *chain) LatestConfigDetails(context.Context) (uint64, types.ConfigDigest, error) {
	return 1, c.config.ConfigDigest, nil
}

func (c *chain) LatestConfig(context.Context, uint64) (types.ContractConfig, error) {
	return c.config, nil
}

func (c *chain) LatestBlockHeight(context.Context) (uint64, error) { return 100, nil }

func (c *chain) Transmit(_ context.Context, context types.ReportContext, _ types.Report, _ []types.AttributedOnchainSignature) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := context.ReportTimestamp
	if sent.Epoch > c.latest.Epoch || sent.Epoch == c.latest.Epoch && sent.Round > c.latest.Round {
		c.latest = sent
	}
	return nil
}

func (c *chain) LatestConfigDigestAndEpoch(context.Context) (types.ConfigDigest, uint32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latest.ConfigDigest, c.latest.Epoch, nil
}

func (c *chain) FromAccount(context.Context) (types.Account, error) { return c.account, nil }

func (c *chain) LatestTransmissionDetails(context.Context) (types.ConfigDigest, uint32, uint8, *big.Int, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latest.ConfigDigest, c.latest.Epoch, c.latest.Round, big.NewInt(1), time.Unix(0, 0), nil
}

func (c *chain) LatestRoundRequested(context.Context, time.Duration) (types.ConfigDigest, uint32, uint8, error) {
	return types.ConfigDigest{}, 0, 0, nil
}
