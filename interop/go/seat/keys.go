package seat

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"golang.org/x/crypto/curve25519"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/chains/evmutil"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
	ragetypes "github.com/smartcontractkit/libocr/ragep2p/types"
)

// NewKeys draws the secrets of a new oracle.
func NewKeys() (Keys, error) {
	var k Keys
	for _, secret := range []*Secret{&k.Peer, &k.Offchain, &k.Config, &k.Onchain, &k.Transmitter} {
		if _, err := rand.Read(secret[:]); err != nil {
			return Keys{}, err
		}
	}
	_, err := k.Identity() // one in 2^128 is no scalar of secp256k1
	return k, err
}

// Identity is what others know of these keys.
func (k Keys) Identity() (Identity, error) {
	peer, err := PeerID(k.Peer)
	if err != nil {
		return Identity{}, err
	}
	offchain, err := NewOffchainKeyring(k.Offchain, k.Config)
	if err != nil {
		return Identity{}, err
	}
	onchain, err := crypto.ToECDSA(k.Onchain[:])
	if err != nil {
		return Identity{}, fmt.Errorf("onchain key: %w", err)
	}
	transmitter, err := crypto.ToECDSA(k.Transmitter[:])
	if err != nil {
		return Identity{}, fmt.Errorf("transmitter key: %w", err)
	}
	signing, sealing := offchain.OffchainPublicKey(), offchain.ConfigEncryptionPublicKey()
	return Identity{
		PeerID:            peer,
		OffchainPublicKey: hex.EncodeToString(signing[:]),
		ConfigPublicKey:   hex.EncodeToString(sealing[:]),
		OnchainAddress:    crypto.PubkeyToAddress(onchain.PublicKey),
		Transmitter:       crypto.PubkeyToAddress(transmitter.PublicKey),
	}, nil
}

// PeerID is the text form of a peer's public key.
func PeerID(seed Secret) (string, error) {
	id, err := ragetypes.PeerIDFromPrivateKey(ed25519.NewKeyFromSeed(seed[:]))
	return id.String(), err
}

// OffchainKeyring signs observations and opens the shared secret.
type OffchainKeyring struct {
	signing ed25519.PrivateKey
	opening [32]byte
	public  types.ConfigEncryptionPublicKey
}

var _ types.OffchainKeyring = OffchainKeyring{}

func NewOffchainKeyring(signing, opening Secret) (OffchainKeyring, error) {
	k := OffchainKeyring{signing: ed25519.NewKeyFromSeed(signing[:]), opening: opening}
	public, err := curve25519.X25519(opening[:], curve25519.Basepoint)
	copy(k.public[:], public)
	return k, err
}

func (k OffchainKeyring) OffchainSign(message []byte) ([]byte, error) {
	return ed25519.Sign(k.signing, message), nil
}

func (k OffchainKeyring) ConfigDiffieHellman(point [32]byte) (shared [32]byte, err error) {
	raw, err := curve25519.X25519(k.opening[:], point[:])
	copy(shared[:], raw)
	return shared, err
}

func (k OffchainKeyring) OffchainPublicKey() (public types.OffchainPublicKey) {
	copy(public[:], k.signing.Public().(ed25519.PublicKey))
	return public
}

func (k OffchainKeyring) ConfigEncryptionPublicKey() types.ConfigEncryptionPublicKey { return k.public }

// OnchainKeyring signs reports as the EVM contract verifies them. The reference has none of its own.
type OnchainKeyring struct{ key *ecdsa.PrivateKey }

var _ types.OnchainKeyring = OnchainKeyring{}

func NewOnchainKeyring(secret Secret) (OnchainKeyring, error) {
	key, err := crypto.ToECDSA(secret[:])
	return OnchainKeyring{key}, err
}

func (k OnchainKeyring) PublicKey() types.OnchainPublicKey {
	return crypto.PubkeyToAddress(k.key.PublicKey).Bytes()
}

func (k OnchainKeyring) MaxSignatureLength() int { return crypto.SignatureLength }

func (k OnchainKeyring) Sign(context types.ReportContext, report types.Report) ([]byte, error) {
	return crypto.Sign(ReportHash(context, report), k.key)
}

func (k OnchainKeyring) Verify(signer types.OnchainPublicKey, context types.ReportContext, report types.Report, signature []byte) bool {
	return VerifyReport(signer, ReportHash(context, report), signature)
}

// ReportHash is what the contract recovers signers from: keccak of the report's keccak and the three context words.
func ReportHash(context types.ReportContext, report types.Report) []byte {
	hashed := crypto.Keccak256(report)
	for _, word := range evmutil.RawReportContext(context) {
		hashed = append(hashed, word[:]...)
	}
	return crypto.Keccak256(hashed)
}

// VerifyReport recovers the signer of hash; nothing else counts as verification on an EVM chain.
func VerifyReport(signer []byte, hash, signature []byte) bool {
	if len(signer) != common.AddressLength || len(hash) != 32 {
		return false
	}
	public, err := crypto.SigToPub(hash, signature)
	return err == nil && bytes.Equal(crypto.PubkeyToAddress(*public).Bytes(), signer)
}
