package seat

import (
	"bytes"
	"crypto/ed25519"
	"math/big"
	"testing"
)

func TestTheArithmeticIsThatOfEd25519(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	small := smallPoint
	smallPoint = point{big.NewInt(0), big.NewInt(1)} // without it the signature is an ordinary one
	signature := torsion(key, []byte("message"))
	smallPoint = small
	if !bytes.Equal(signature, ed25519.Sign(key, []byte("message"))) {
		t.Fatalf("%x is not the signature of the standard library", signature)
	}
}

func TestASignatureWithTorsionHoldsOnlyWithTheCofactor(t *testing.T) {
	if eight := smallPoint.by(big.NewInt(8)); eight.x.Sign() != 0 || eight.y.Cmp(big.NewInt(1)) != 0 {
		t.Fatal("the small point is not of order 8")
	}
	if four := smallPoint.by(big.NewInt(4)); four.x.Sign() == 0 && four.y.Cmp(big.NewInt(1)) == 0 {
		t.Fatal("the small point is of a smaller order")
	}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	if ed25519.Verify(key.Public().(ed25519.PublicKey), []byte("message"), torsion(key, []byte("message"))) {
		t.Fatal("Go accepts it")
	}
}
