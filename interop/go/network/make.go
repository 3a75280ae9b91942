package network

import (
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/params"

	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/confighelper"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/seat"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// Wishes are what Make is asked for beyond the plan's own fields.
type Wishes struct {
	RPC        string
	Funder     *ecdsa.PrivateKey // nil: an account that the node keeps unlocked
	N, Spares  int               // spares have keys but no seat
	Generation string            // old, new, or alternate
	BasePort   int               // 0: free ports
	Bootstrap  bool              // a bootstrap node will run
	// KnowAll lists every oracle's address in every seat, so that nobody has to be discovered.
	KnowAll        bool
	DeltaDial      Duration
	DeltaReconcile Duration
	Confirmations  uint16
	Decimals       uint8
	Unchecked      bool
}

// Make deploys, configures and funds a network and writes it to dir.
func Make(ctx context.Context, dir string, plan Plan, wishes Wishes) (Plan, types.ConfigDigest, error) {
	none := types.ConfigDigest{}
	if wishes.N < 1 || wishes.N > 31 || wishes.Spares < 0 || wishes.N+wishes.Spares > 62 {
		return plan, none, fmt.Errorf("a committee has 1 to 31 oracles, not %d (and %d spares)", wishes.N, wishes.Spares)
	}
	if wishes.DeltaReconcile == 0 {
		wishes.DeltaReconcile = Duration(seat.DeltaReconcile(wishes.N))
	}
	client, err := ethclient.DialContext(ctx, wishes.RPC)
	if err != nil {
		return plan, none, err
	}
	defer client.Close()
	secrets, err := plan.people(wishes)
	if err != nil {
		return plan, none, err
	}
	key, err := crypto.ToECDSA(secrets.Owner[:])
	if err != nil {
		return plan, none, err
	}
	owner, err := newOwner(ctx, client, key)
	if err != nil {
		return plan, none, fmt.Errorf("chain %s: %w", wishes.RPC, err)
	}
	if err := owner.fund(ctx, wishes.Funder, ether(10+2*(wishes.N+wishes.Spares))); err != nil {
		return plan, none, fmt.Errorf("funding the owner: %w", err)
	}
	minAnswer, maxAnswer, err := plan.Config.answers()
	if err != nil {
		return plan, none, err
	}
	link, aggregator, block, err := owner.deploy(ctx, minAnswer, maxAnswer, wishes.Decimals)
	if err != nil {
		return plan, none, err
	}
	plan.Link = link
	plan.Chain = seat.Chain{
		HTTPURL: wishes.RPC, ChainID: seat.Decimal(owner.chainID.Uint64()), Confirmations: wishes.Confirmations,
		Aggregator: aggregator, DeployedBlock: block,
	}
	for _, oracle := range plan.Oracles {
		if err := owner.pay(ctx, oracle.Identity.Transmitter, ether(1)); err != nil {
			return plan, none, fmt.Errorf("funding %s: %w", oracle.Identity.Transmitter, err)
		}
	}
	if err := owner.billing(ctx, plan); err != nil {
		return plan, none, err
	}
	digest, err := owner.setConfig(ctx, plan, wishes.Unchecked)
	if err != nil {
		return plan, none, err
	}
	if err := Write(dir, plan, secrets); err != nil {
		return plan, none, err
	}
	if secrets.Bootstrap != nil {
		file := seat.BootstrapFile{Chain: plan.Chain}
		address := strings.SplitN(plan.Bootstrappers[0], "@", 2)[1]
		file.Network = seat.Network{
			Generation: plan.Oracles[0].Network.Generation, Listen: address, Announce: address, Bootstrappers: []string{},
			DeltaDialMs: plan.Oracles[0].Network.DeltaDialMs, DeltaReconcileMs: plan.Oracles[0].Network.DeltaReconcileMs,
		}
		file.Keys.Peer = *secrets.Bootstrap
		if err := seat.WritePrivate(bootstrapPath(dir), file); err != nil {
			return plan, none, err
		}
	}
	return plan, digest, nil
}

// Configure sets the plan's configuration anew (it may have changed) and writes the seats of its committee.
func Configure(ctx context.Context, dir string, plan Plan, secrets Secrets, unchecked bool) (types.ConfigDigest, error) {
	client, err := ethclient.DialContext(ctx, plan.Chain.HTTPURL)
	if err != nil {
		return types.ConfigDigest{}, err
	}
	defer client.Close()
	key, err := crypto.ToECDSA(secrets.Owner[:])
	if err != nil {
		return types.ConfigDigest{}, err
	}
	owner, err := newOwner(ctx, client, key)
	if err != nil {
		return types.ConfigDigest{}, err
	}
	digest, err := owner.setConfig(ctx, plan, unchecked)
	if err != nil {
		return types.ConfigDigest{}, err
	}
	return digest, Write(dir, plan, secrets)
}

// people draws everybody's keys and addresses into the plan.
func (p *Plan) people(wishes Wishes) (Secrets, error) {
	drawn, err := seat.NewKeys()
	if err != nil {
		return Secrets{}, err
	}
	secrets := Secrets{Owner: drawn.Onchain}
	ports := ports{next: wishes.BasePort}
	if wishes.Bootstrap {
		secrets.Bootstrap = &drawn.Peer
		id, err := seat.PeerID(drawn.Peer)
		if err != nil {
			return Secrets{}, err
		}
		address, err := ports.address()
		if err != nil {
			return Secrets{}, err
		}
		p.Bootstrappers = []string{id + "@" + address}
	}
	for i := range wishes.N + wishes.Spares {
		keys, err := seat.NewKeys()
		if err != nil {
			return Secrets{}, err
		}
		identity, err := keys.Identity()
		if err != nil {
			return Secrets{}, err
		}
		address, err := ports.address()
		if err != nil {
			return Secrets{}, err
		}
		generation := wishes.Generation
		if generation == "alternate" {
			generation = []string{"old", "new"}[i%2]
		}
		secrets.Oracles = append(secrets.Oracles, keys)
		p.Oracles = append(p.Oracles, Oracle{identity, seat.Network{
			Generation: generation, Listen: address, Announce: address,
			DeltaDialMs: milliseconds(wishes.DeltaDial), DeltaReconcileMs: milliseconds(wishes.DeltaReconcile),
		}})
		if i < wishes.N {
			p.Committee = append(p.Committee, i)
		}
	}
	for i := range p.Oracles {
		known := append([]string{}, p.Bootstrappers...)
		for j, other := range p.Oracles {
			if wishes.KnowAll && i != j {
				known = append(known, other.Identity.PeerID+"@"+other.Network.Announce)
			}
		}
		p.Oracles[i].Network.Bootstrappers = known
	}
	return secrets, nil
}

// ports gives loopback addresses, ascending from a base or free ones.
type ports struct{ next int }

func (p *ports) address() (string, error) {
	if p.next != 0 {
		p.next++
		return fmt.Sprintf("127.0.0.1:%d", p.next-1), nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func identityOf(identity seat.Identity) (confighelper.OracleIdentityExtra, error) {
	extra := confighelper.OracleIdentityExtra{OracleIdentity: confighelper.OracleIdentity{
		OnchainPublicKey: identity.OnchainAddress.Bytes(),
		PeerID:           identity.PeerID,
		TransmitAccount:  types.Account(identity.Transmitter.Hex()),
	}}
	for text, into := range map[string][]byte{
		identity.OffchainPublicKey: extra.OffchainPublicKey[:],
		identity.ConfigPublicKey:   extra.ConfigEncryptionPublicKey[:],
	} {
		raw, err := hex.DecodeString(text)
		if err != nil || copy(into, raw) != len(into) {
			return extra, fmt.Errorf("%q is not a public key of 32 bytes in hex", text)
		}
	}
	return extra, nil
}

func (c Config) answers() (minAnswer, maxAnswer *big.Int, err error) {
	minAnswer, ok := new(big.Int).SetString(c.MinAnswer, 10)
	maxAnswer, ok2 := new(big.Int).SetString(c.MaxAnswer, 10)
	if !ok || !ok2 {
		return nil, nil, errors.New("min-answer and max-answer are decimal integers")
	}
	return minAnswer, maxAnswer, nil
}

// plugin encodes the median plugin's two configurations.
func (c Config) plugin(ctx context.Context) (offchain, onchain []byte, err error) {
	minAnswer, maxAnswer, err := c.answers()
	if err != nil {
		return nil, nil, err
	}
	onchain, err = median.StandardOnchainConfigCodec{}.Encode(ctx, median.OnchainConfig{Min: minAnswer, Max: maxAnswer})
	return median.OffchainConfig{
		AlphaReportInfinite: c.AlphaReportInfinite, AlphaReportPPB: c.AlphaReportPPB,
		AlphaAcceptInfinite: c.AlphaAcceptInfinite, AlphaAcceptPPB: c.AlphaAcceptPPB,
		DeltaC: time.Duration(c.DeltaC),
	}.Encode(), onchain, err
}

// sourcesOf replaces {oracle} in the addresses, so that each can have a market of its own.
func sourcesOf(sources []seat.Source, oracle int) []seat.Source {
	own := slices.Clone(sources)
	for i := range own {
		own[i].URL = strings.ReplaceAll(own[i].URL, "{oracle}", strconv.Itoa(oracle))
	}
	return own
}

// ReadKey reads a secp256k1 key in hex from a file or a variable of the environment; both empty: none.
func ReadKey(file, env string) (*ecdsa.PrivateKey, error) {
	var text string
	switch {
	case file != "":
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		text = string(raw)
	case env != "":
		text = os.Getenv(env)
	default:
		return nil, nil
	}
	key, err := crypto.HexToECDSA(strings.TrimPrefix(strings.TrimSpace(text), "0x"))
	if err != nil {
		return nil, errors.New("wanted a secp256k1 key of 32 bytes in hex") // the text itself must not be repeated
	}
	return key, nil
}

func ether(coins int) *big.Int {
	return new(big.Int).Mul(big.NewInt(int64(coins)), big.NewInt(params.Ether))
}

func milliseconds(d Duration) uint64 { return uint64(time.Duration(d).Milliseconds()) }
