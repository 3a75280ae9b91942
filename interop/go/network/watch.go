package network

import (
	"context"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi/bind"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/smartcontractkit/libocr/gethwrappers2/ocr2aggregator"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/seat"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// Watch emits every transmission that the contract accepted since its creation, and ends after so many.
func Watch(ctx context.Context, dir string, transmissions int, events *seat.Events) error {
	plan, _, err := Read(dir)
	if err != nil {
		return err
	}
	client, err := ethclient.DialContext(ctx, plan.Chain.HTTPURL)
	if err != nil {
		return err
	}
	defer client.Close()
	aggregator, err := ocr2aggregator.NewOCR2Aggregator(plan.Chain.Aggregator, client)
	if err != nil {
		return err
	}
	next, seen := plan.Chain.DeployedBlock, 0
	for {
		head, err := client.BlockNumber(ctx)
		if err != nil {
			return fmt.Errorf("after %d transmissions: %w", seen, err)
		}
		if head >= next {
			found, err := aggregator.FilterNewTransmission(&bind.FilterOpts{Start: next, End: &head, Context: ctx}, nil)
			if err != nil {
				return fmt.Errorf("after %d transmissions: %w", seen, err)
			}
			for found.Next() {
				seen++
				t := found.Event
				events.Emit("transmission", seat.Fields{
					"round_id": t.AggregatorRoundId, "answer": t.Answer.String(), "transmitter": t.Transmitter,
					"tx": t.Raw.TxHash.Hex(), "block": t.Raw.BlockNumber, "digest": types.ConfigDigest(t.ConfigDigest).Hex(),
					"epoch": t.EpochAndRound.Uint64() >> 8, "round": t.EpochAndRound.Uint64() & 255, "observers": fmt.Sprintf("%x", t.Observers),
				})
			}
			if err := found.Error(); err != nil {
				return err
			}
			next = head + 1
		}
		if transmissions > 0 && seen >= transmissions {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("only %d transmissions: %w", seen, ctx.Err())
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// RequestRound asks the contract for a round, as its owner may.
func RequestRound(ctx context.Context, dir string, events *seat.Events) error {
	plan, secrets, err := Read(dir)
	if err != nil {
		return err
	}
	client, err := ethclient.DialContext(ctx, plan.Chain.HTTPURL)
	if err != nil {
		return err
	}
	defer client.Close()
	key, err := crypto.ToECDSA(secrets.Owner[:])
	if err != nil {
		return err
	}
	owner, err := newOwner(ctx, client, key)
	if err != nil {
		return err
	}
	aggregator, err := ocr2aggregator.NewOCR2Aggregator(plan.Chain.Aggregator, client)
	if err != nil {
		return err
	}
	if err := owner.sent(aggregator.RequestNewRound(owner.opts(ctx))); err != nil {
		return err
	}
	block, _, err := owner.mined(ctx)
	if err == nil {
		events.Emit("round_requested", seat.Fields{"block": block})
	}
	return err
}
