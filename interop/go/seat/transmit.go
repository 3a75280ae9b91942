package seat

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/smartcontractkit/libocr/gethwrappers2/ocr2aggregator"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/chains/evmutil"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

const (
	// Above what a transmit of 31 oracles costs, below what small development blocks hold.
	transmitGas = 1_500_000
	// A transaction that is not mined by then is sent again under the same nonce for a quarter more.
	resendAfter = 20 * time.Second
	receiptPoll = 500 * time.Millisecond
)

// Transmitter brings reports to the contract in transactions of its own key.
type Transmitter struct {
	*Contract
	key     *ecdsa.PrivateKey
	account common.Address
	running context.Context // receipts are awaited as long as the seat runs
	waiting sync.WaitGroup

	nonceMu sync.Mutex
	nonce   uint64
	known   bool
}

var _ types.ContractTransmitter = (*Transmitter)(nil)

func NewTransmitter(running context.Context, contract *Contract, secret Secret) (*Transmitter, error) {
	key, err := crypto.ToECDSA(secret[:])
	if err != nil {
		return nil, err
	}
	return &Transmitter{Contract: contract, key: key, account: crypto.PubkeyToAddress(key.PublicKey), running: running}, nil
}

func (t *Transmitter) FromAccount(context.Context) (types.Account, error) {
	return types.Account(t.account.Hex()), nil
}

func (t *Transmitter) LatestConfigDigestAndEpoch(ctx context.Context) (types.ConfigDigest, uint32, error) {
	digest, epoch, _, _, _, err := t.LatestTransmissionDetails(ctx)
	return digest, epoch, err
}

// Transmit sends one transaction and leaves waiting for its receipt to another goroutine.
func (t *Transmitter) Transmit(ctx context.Context, context types.ReportContext, report types.Report, signatures []types.AttributedOnchainSignature) error {
	data, err := transmitCalldata(context, report, signatures)
	if err != nil {
		return err
	}
	t.nonceMu.Lock()
	defer t.nonceMu.Unlock()
	tx, err := t.send(ctx, data)
	if err != nil {
		t.known = false // ask the chain again
		t.events.Emit("transmission_failed", Fields{"epoch": context.Epoch, "round": context.Round, "error": err.Error()})
		return err
	}
	t.events.Emit("transmission", Fields{"epoch": context.Epoch, "round": context.Round, "tx": tx.Hash().Hex(), "nonce": tx.Nonce()})
	t.waiting.Add(1)
	go func() {
		defer t.waiting.Done()
		t.follow(tx, context.Epoch, context.Round)
	}()
	return nil
}

func transmitCalldata(context types.ReportContext, report types.Report, signatures []types.AttributedOnchainSignature) ([]byte, error) {
	var rs, ss [][32]byte
	var vs [32]byte
	for i, signature := range signatures {
		r, s, v, err := evmutil.SplitSignature(signature.Signature)
		if err != nil {
			return nil, err
		}
		rs, ss, vs[i] = append(rs, r), append(ss, s), v
	}
	contract, err := ocr2aggregator.OCR2AggregatorMetaData.GetAbi()
	if err != nil {
		return nil, err
	}
	return contract.Pack("transmit", evmutil.RawReportContext(context), []byte(report), rs, ss, vs)
}

func (t *Transmitter) send(ctx context.Context, data []byte) (*gethtypes.Transaction, error) {
	if !t.known {
		nonce, err := t.client.PendingNonceAt(ctx, t.account)
		if err != nil {
			return nil, err
		}
		t.nonce, t.known = nonce, true
	}
	head, err := t.client.HeaderByNumber(ctx, nil)
	if err != nil {
		return nil, err
	}
	tip := big.NewInt(1_000_000_000)
	fee := new(big.Int).Set(tip)
	if head.BaseFee != nil {
		fee.Add(fee, new(big.Int).Mul(head.BaseFee, big.NewInt(2)))
	}
	tx, err := t.sign(t.nonce, tip, fee, data)
	if err != nil {
		return nil, err
	}
	if err := t.client.SendTransaction(ctx, tx); err != nil {
		return nil, err
	}
	t.nonce++
	return tx, nil
}

func (t *Transmitter) sign(nonce uint64, tip, fee *big.Int, data []byte) (*gethtypes.Transaction, error) {
	chain := new(big.Int).SetUint64(uint64(t.chain.ChainID))
	return gethtypes.SignNewTx(t.key, gethtypes.LatestSignerForChainID(chain), &gethtypes.DynamicFeeTx{
		ChainID: chain, Nonce: nonce, GasTipCap: tip, GasFeeCap: fee, Gas: transmitGas, To: &t.chain.Aggregator, Data: data,
	})
}

// follow waits for a receipt of tx, or of what replaces it.
func (t *Transmitter) follow(tx *gethtypes.Transaction, epoch uint32, round uint8) {
	sent := []*gethtypes.Transaction{tx}
	resend := time.NewTimer(resendAfter)
	defer resend.Stop()
	poll := time.NewTicker(receiptPoll)
	defer poll.Stop()
	for {
		select {
		case <-t.running.Done():
			return
		case <-resend.C:
			last := sent[len(sent)-1]
			quarterMore := func(x *big.Int) *big.Int { return new(big.Int).Div(new(big.Int).Mul(x, big.NewInt(5)), big.NewInt(4)) }
			next, err := t.sign(last.Nonce(), quarterMore(last.GasTipCap()), quarterMore(last.GasFeeCap()), last.Data())
			if err == nil {
				err = t.client.SendTransaction(t.running, next)
			}
			if err == nil {
				sent = append(sent, next)
				t.events.Emit("replacement", Fields{"epoch": epoch, "round": round, "tx": next.Hash().Hex(), "nonce": next.Nonce()})
			} else if !strings.Contains(err.Error(), "nonce too low") { // that one means: mined meanwhile
				t.events.Emit("transmission_failed", Fields{"epoch": epoch, "round": round, "error": fmt.Sprintf("replacing %s: %v", last.Hash(), err)})
			}
			resend.Reset(resendAfter)
		case <-poll.C:
			for _, tx := range sent {
				receipt, err := t.client.TransactionReceipt(t.running, tx.Hash())
				if errors.Is(err, ethereum.NotFound) || t.running.Err() != nil {
					continue
				}
				if err != nil {
					t.events.Emit("transmission_failed", Fields{"epoch": epoch, "round": round, "error": fmt.Sprintf("receipt of %s: %v", tx.Hash(), err)})
					continue
				}
				t.events.Emit("receipt", Fields{"epoch": epoch, "round": round, "tx": tx.Hash().Hex(), "accepted": receipt.Status == 1, "block": receipt.BlockNumber.Uint64(), "gas_used": receipt.GasUsed})
				return
			}
		}
	}
}
