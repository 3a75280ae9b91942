package network

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi/bind"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/params"

	"github.com/smartcontractkit/libocr/gethwrappers2/link_token_interface"
	"github.com/smartcontractkit/libocr/gethwrappers2/ocr2aggregator"
	"github.com/smartcontractkit/libocr/gethwrappers2/testocr2aggregator"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/chains/evmutil"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/confighelper"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// owner sends the transactions of whoever owns the contracts, in order, and waits for them in batches: one block a batch.
type owner struct {
	client  *ethclient.Client
	chainID *big.Int
	key     *ecdsa.PrivateKey
	address common.Address
	nonce   uint64
	waiting []*gethtypes.Transaction
}

func newOwner(ctx context.Context, client *ethclient.Client, key *ecdsa.PrivateKey) (*owner, error) {
	chainID, err := client.ChainID(ctx)
	if err != nil {
		return nil, err
	}
	o := &owner{client: client, chainID: chainID, key: key, address: crypto.PubkeyToAddress(key.PublicKey)}
	o.nonce, err = client.PendingNonceAt(ctx, o.address)
	return o, err
}

func (o *owner) opts(ctx context.Context) *bind.TransactOpts {
	opts, err := bind.NewKeyedTransactorWithChainID(o.key, o.chainID)
	if err != nil {
		panic(err) // only for a nil chain id
	}
	opts.Context = ctx
	opts.Nonce = new(big.Int).SetUint64(o.nonce)
	return opts
}

// sent takes what a binding returned.
func (o *owner) sent(tx *gethtypes.Transaction, err error) error {
	if err != nil {
		return err
	}
	o.nonce++
	o.waiting = append(o.waiting, tx)
	return nil
}

// pay sends plain coins.
func (o *owner) pay(ctx context.Context, to common.Address, wei *big.Int) error {
	head, err := o.client.HeaderByNumber(ctx, nil)
	if err != nil {
		return err
	}
	tip := big.NewInt(params.GWei)
	fee := new(big.Int).Set(tip)
	if head.BaseFee != nil {
		fee.Add(fee, new(big.Int).Mul(head.BaseFee, big.NewInt(2)))
	}
	tx, err := gethtypes.SignNewTx(o.key, gethtypes.LatestSignerForChainID(o.chainID), &gethtypes.DynamicFeeTx{
		ChainID: o.chainID, Nonce: o.nonce, GasTipCap: tip, GasFeeCap: fee, Gas: params.TxGas, To: &to, Value: wei,
	})
	if err != nil {
		return err
	}
	return o.sent(tx, o.client.SendTransaction(ctx, tx))
}

// mined waits for everything sent, and returns the first and the last of their blocks.
func (o *owner) mined(ctx context.Context) (first, last uint64, err error) {
	for _, tx := range o.waiting {
		receipt, err := receiptOf(ctx, o.client, tx.Hash())
		if err != nil {
			return 0, 0, err
		}
		if receipt.Status != gethtypes.ReceiptStatusSuccessful {
			return 0, 0, fmt.Errorf("transaction %s reverted", tx.Hash())
		}
		block := receipt.BlockNumber.Uint64()
		if first == 0 || block < first {
			first = block
		}
		last = max(last, block)
	}
	o.waiting = nil
	return first, last, nil
}

func receiptOf(ctx context.Context, client *ethclient.Client, hash common.Hash) (*gethtypes.Receipt, error) {
	for {
		receipt, err := client.TransactionReceipt(ctx, hash)
		if !errors.Is(err, ethereum.NotFound) {
			return receipt, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for %s: %w", hash, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// fund gives the owner coins from funder, or, without one, from an account that the node keeps unlocked.
func (o *owner) fund(ctx context.Context, funder *ecdsa.PrivateKey, wei *big.Int) error {
	if funder != nil {
		rich, err := newOwner(ctx, o.client, funder)
		if err != nil {
			return err
		}
		if err := rich.pay(ctx, o.address, wei); err != nil {
			return err
		}
		_, _, err = rich.mined(ctx)
		return err
	}
	var accounts []common.Address
	if err := o.client.Client().CallContext(ctx, &accounts, "eth_accounts"); err != nil {
		return err
	}
	if len(accounts) == 0 {
		return errors.New("the node keeps no account unlocked: give --funder-key-file or --funder-key-env")
	}
	var hash common.Hash
	err := o.client.Client().CallContext(ctx, &hash, "eth_sendTransaction", map[string]any{
		"from": accounts[0], "to": o.address, "value": (*hexutil.Big)(wei),
	})
	if err != nil {
		return err
	}
	_, err = receiptOf(ctx, o.client, hash)
	return err
}

// deploy makes LINK, the two access controllers and the aggregator, each from the reference's own bytecode.
func (o *owner) deploy(ctx context.Context, minAnswer, maxAnswer *big.Int, decimals uint8) (link, aggregator common.Address, block uint64, err error) {
	link, tx, _, err := link_token_interface.DeployLinkToken(o.opts(ctx), o.client)
	if err := o.sent(tx, err); err != nil {
		return link, aggregator, 0, fmt.Errorf("link token: %w", err)
	}
	billing, tx, _, err := testocr2aggregator.DeploySimpleWriteAccessController(o.opts(ctx), o.client)
	if err := o.sent(tx, err); err != nil {
		return link, aggregator, 0, fmt.Errorf("billing access controller: %w", err)
	}
	requester, tx, _, err := testocr2aggregator.DeploySimpleWriteAccessController(o.opts(ctx), o.client)
	if err := o.sent(tx, err); err != nil {
		return link, aggregator, 0, fmt.Errorf("requester access controller: %w", err)
	}
	aggregator, tx, _, err = ocr2aggregator.DeployOCR2Aggregator(
		o.opts(ctx), o.client, link, minAnswer, maxAnswer, billing, requester, decimals, "interop")
	if err := o.sent(tx, err); err != nil {
		return link, aggregator, 0, fmt.Errorf("aggregator: %w", err)
	}
	first, _, err := o.mined(ctx)
	return link, aggregator, first, err
}

// setConfig brings the plan's configuration on chain. Unless unchecked, what the reference would refuse is not sent.
func (o *owner) setConfig(ctx context.Context, plan Plan, unchecked bool) (types.ConfigDigest, error) {
	config := plan.Config
	committee := make([]confighelper.OracleIdentityExtra, 0, len(plan.Committee))
	stages := config.S
	for _, oracle := range plan.Committee {
		identity, err := identityOf(plan.Oracles[oracle].Identity)
		if err != nil {
			return types.ConfigDigest{}, err
		}
		committee = append(committee, identity)
		if len(config.S) == 0 {
			stages = append(stages, 1)
		}
	}
	plugin, onchain, err := config.plugin(ctx)
	if err != nil {
		return types.ConfigDigest{}, err
	}
	if config.RMax > 255 {
		return types.ConfigDigest{}, fmt.Errorf("r-max %d is not a byte", config.RMax)
	}
	initialization := time.Duration(config.MaxDurationInitialization)
	signers, transmitters, f, onchain, version, offchain, err := confighelper.ContractSetConfigArgsForTestsWithAuxiliaryArgs(
		time.Duration(config.DeltaProgress), time.Duration(config.DeltaResend), time.Duration(config.DeltaRound),
		time.Duration(config.DeltaGrace), time.Duration(config.DeltaStage), uint8(config.RMax), stages, committee, plugin,
		&initialization, time.Duration(config.MaxDurationQuery), time.Duration(config.MaxDurationObservation),
		time.Duration(config.MaxDurationReport), time.Duration(config.MaxDurationShouldAcceptFinalizedReport),
		time.Duration(config.MaxDurationShouldTransmitAcceptedReport), config.F, onchain, confighelper.AuxiliaryArgs{},
	)
	if err != nil {
		return types.ConfigDigest{}, err
	}
	if !unchecked {
		_, err := confighelper.PublicConfigFromContractConfig(false, types.ContractConfig{
			ConfigCount: 1, Signers: signers, Transmitters: transmitters, F: f,
			OnchainConfig: onchain, OffchainConfigVersion: version, OffchainConfig: offchain,
		})
		if err != nil {
			return types.ConfigDigest{}, fmt.Errorf("the reference refuses this configuration: %w", err)
		}
	}
	var signerAddresses, transmitterAddresses []common.Address
	for i := range signers {
		signerAddresses = append(signerAddresses, common.BytesToAddress(signers[i]))
		transmitterAddresses = append(transmitterAddresses, common.HexToAddress(string(transmitters[i])))
	}
	aggregator, err := ocr2aggregator.NewOCR2Aggregator(plan.Chain.Aggregator, o.client)
	if err != nil {
		return types.ConfigDigest{}, err
	}
	tx, err := aggregator.SetConfig(o.opts(ctx), signerAddresses, transmitterAddresses, f, onchain, version, offchain)
	if err := o.sent(tx, err); err != nil {
		return types.ConfigDigest{}, fmt.Errorf("setConfig: %w", err)
	}
	if _, _, err := o.mined(ctx); err != nil {
		return types.ConfigDigest{}, err
	}
	details, err := aggregator.LatestConfigDetails(&bind.CallOpts{Context: ctx})
	if err != nil {
		return types.ConfigDigest{}, err
	}
	// The contract's digest must be the one that the reference computes off chain.
	computed, err := (evmutil.EVMOffchainConfigDigester{ChainID: uint64(plan.Chain.ChainID), ContractAddress: plan.Chain.Aggregator}).
		ConfigDigest(ctx, types.ContractConfig{
			ConfigCount: uint64(details.ConfigCount), Signers: signers, Transmitters: transmitters, F: f,
			OnchainConfig: onchain, OffchainConfigVersion: version, OffchainConfig: offchain,
		})
	if err == nil && computed != details.ConfigDigest {
		err = fmt.Errorf("the contract says config digest %x, the reference %s", details.ConfigDigest, computed)
	}
	return details.ConfigDigest, err
}

// billing gives the aggregator LINK and prices, and every oracle of the committee a payee, so that accounting runs too.
func (o *owner) billing(ctx context.Context, plan Plan) error {
	link, err := link_token_interface.NewLinkToken(plan.Link, o.client)
	if err != nil {
		return err
	}
	thousand := new(big.Int).Mul(big.NewInt(1000), big.NewInt(params.Ether))
	if err := o.sent(link.Transfer(o.opts(ctx), plan.Chain.Aggregator, thousand)); err != nil {
		return fmt.Errorf("link transfer: %w", err)
	}
	aggregator, err := ocr2aggregator.NewOCR2Aggregator(plan.Chain.Aggregator, o.client)
	if err != nil {
		return err
	}
	if err := o.sent(aggregator.SetBilling(o.opts(ctx), 1000, 100, 5, 10, big.NewInt(20_000))); err != nil {
		return fmt.Errorf("setBilling: %w", err)
	}
	var transmitters []common.Address
	for _, oracle := range plan.Oracles {
		transmitters = append(transmitters, oracle.Identity.Transmitter)
	}
	if err := o.sent(aggregator.SetPayees(o.opts(ctx), transmitters, transmitters)); err != nil {
		return fmt.Errorf("setPayees: %w", err)
	}
	return nil
}
