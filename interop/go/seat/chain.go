package seat

import (
	"context"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi/bind"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/smartcontractkit/libocr/gethwrappers2/ocr2aggregator"
	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/chains/evmutil"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// Contract reads the aggregator: its configuration for the protocol, its answers for the median plugin.
type Contract struct {
	client     *ethclient.Client
	aggregator *ocr2aggregator.OCR2Aggregator
	chain      Chain
	events     *Events

	mu       sync.Mutex
	searched uint64 // RoundRequested events below this block are known
	request  roundRequest
	seen     types.ConfigDigest
}

type roundRequest struct {
	digest types.ConfigDigest
	epoch  uint32
	round  uint8
}

var (
	_ types.ContractConfigTracker = (*Contract)(nil)
	_ median.MedianContract       = (*Contract)(nil)
)

// OpenContract dials the chain and makes sure that it is the one the seat speaks of.
func OpenContract(ctx context.Context, chain Chain, events *Events) (*Contract, error) {
	client, err := ethclient.DialContext(ctx, chain.HTTPURL)
	if err != nil {
		return nil, err
	}
	id, err := client.ChainID(ctx)
	if err != nil {
		return nil, fmt.Errorf("chain %s: %w", chain.HTTPURL, err)
	}
	if !id.IsUint64() || id.Uint64() != uint64(chain.ChainID) {
		return nil, fmt.Errorf("chain %s has id %v, wanted %d", chain.HTTPURL, id, chain.ChainID)
	}
	aggregator, err := ocr2aggregator.NewOCR2Aggregator(chain.Aggregator, client)
	if err != nil {
		return nil, err
	}
	return &Contract{client: client, aggregator: aggregator, chain: chain, events: events, searched: chain.DeployedBlock}, nil
}

func (c *Contract) digester() evmutil.EVMOffchainConfigDigester {
	return evmutil.EVMOffchainConfigDigester{ChainID: uint64(c.chain.ChainID), ContractAddress: c.chain.Aggregator}
}

func (c *Contract) Notify() <-chan struct{} { return nil }

func (c *Contract) LatestConfigDetails(ctx context.Context) (uint64, types.ConfigDigest, error) {
	details, err := c.aggregator.LatestConfigDetails(&bind.CallOpts{Context: ctx})
	if err != nil {
		return 0, types.ConfigDigest{}, err
	}
	c.mu.Lock()
	isNew := c.seen != details.ConfigDigest
	c.seen = details.ConfigDigest
	c.mu.Unlock()
	if isNew {
		c.events.Emit("config_seen", Fields{"digest": types.ConfigDigest(details.ConfigDigest).Hex(), "count": details.ConfigCount, "block": details.BlockNumber})
	}
	return uint64(details.BlockNumber), details.ConfigDigest, nil
}

func (c *Contract) LatestConfig(ctx context.Context, block uint64) (types.ContractConfig, error) {
	found, err := c.aggregator.FilterConfigSet(&bind.FilterOpts{Start: block, End: &block, Context: ctx})
	if err != nil {
		return types.ContractConfig{}, err
	}
	defer found.Close()
	var last *ocr2aggregator.OCR2AggregatorConfigSet
	for found.Next() {
		last = found.Event
	}
	if err := found.Error(); err != nil {
		return types.ContractConfig{}, err
	}
	if last == nil {
		return types.ContractConfig{}, fmt.Errorf("no ConfigSet in block %d", block)
	}
	return evmutil.ContractConfigFromConfigSetEvent(*last), nil
}

func (c *Contract) LatestBlockHeight(ctx context.Context) (uint64, error) {
	return c.client.BlockNumber(ctx)
}

func (c *Contract) LatestTransmissionDetails(ctx context.Context) (types.ConfigDigest, uint32, uint8, *big.Int, time.Time, error) {
	// From nobody: the contract answers only where sender and origin are the same.
	details, err := c.aggregator.LatestTransmissionDetails(&bind.CallOpts{Context: ctx, From: common.Address{}})
	if err != nil {
		return types.ConfigDigest{}, 0, 0, nil, time.Time{}, err
	}
	return details.ConfigDigest, details.Epoch, details.Round, details.LatestAnswer, time.Unix(int64(details.LatestTimestamp), 0), nil
}

// Blocks that a development chain may take back: searched again each time.
const reorganisedBlocksMax = 64

// LatestRoundRequested remembers what it has searched, so that a call costs a short range of logs. It may answer with an
// older request than lookback asks for, which the plugin allows.
func (c *Contract) LatestRoundRequested(ctx context.Context, _ time.Duration) (types.ConfigDigest, uint32, uint8, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	head, err := c.client.BlockNumber(ctx)
	if err != nil {
		return types.ConfigDigest{}, 0, 0, err
	}
	found, err := c.aggregator.FilterRoundRequested(&bind.FilterOpts{Start: c.searched, Context: ctx}, nil)
	if err != nil {
		return types.ConfigDigest{}, 0, 0, err
	}
	defer found.Close()
	for found.Next() {
		c.request = roundRequest{found.Event.ConfigDigest, found.Event.Epoch, found.Event.Round}
	}
	if err := found.Error(); err != nil {
		return types.ConfigDigest{}, 0, 0, err
	}
	if head > reorganisedBlocksMax {
		c.searched = max(c.searched, head-reorganisedBlocksMax)
	}
	return c.request.digest, c.request.epoch, c.request.round, nil
}
