package seat

import (
	"crypto/ed25519"
	"crypto/sha512"
	"math/big"
	"slices"
)

// Arithmetic of edwards25519 with big integers: slow, short, and only for a signature that nobody should accept.
var (
	prime, _  = new(big.Int).SetString("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed", 16)
	order, _  = new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
	curveD    = times(big.NewInt(-121665), new(big.Int).ModInverse(big.NewInt(121666), prime))
	basePoint = withY(times(big.NewInt(4), new(big.Int).ModInverse(big.NewInt(5), prime)))
	// A point of order 8.
	smallPoint = withY(fromLittleEndian([]byte{
		0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
	}))
)

type point struct{ x, y *big.Int }

func times(a, b *big.Int) *big.Int {
	product := new(big.Int).Mul(a, b)
	return product.Mod(product, prime)
}

// withY is the point of this y whose x is even.
func withY(y *big.Int) point {
	square := times(y, y)
	below := new(big.Int).Add(times(curveD, square), big.NewInt(1))
	x := new(big.Int).ModSqrt(times(new(big.Int).Sub(square, big.NewInt(1)), new(big.Int).ModInverse(below, prime)), prime)
	if x.Bit(0) == 1 {
		x.Sub(prime, x)
	}
	return point{x, y}
}

func (p point) plus(q point) point {
	cross := times(curveD, times(times(p.x, q.x), times(p.y, q.y)))
	one := big.NewInt(1)
	x := times(new(big.Int).Add(times(p.x, q.y), times(p.y, q.x)), new(big.Int).ModInverse(new(big.Int).Add(one, cross), prime))
	y := times(new(big.Int).Add(times(p.y, q.y), times(p.x, q.x)), new(big.Int).ModInverse(times(one, new(big.Int).Sub(one, cross)), prime))
	return point{x, y}
}

func (p point) by(scalar *big.Int) point {
	sum := point{big.NewInt(0), big.NewInt(1)}
	for i := scalar.BitLen() - 1; i >= 0; i-- {
		sum = sum.plus(sum)
		if scalar.Bit(i) == 1 {
			sum = sum.plus(p)
		}
	}
	return sum
}

func (p point) bytes() []byte {
	encoded := littleEndian(p.y)
	encoded[31] |= byte(p.x.Bit(0)) << 7
	return encoded
}

func littleEndian(value *big.Int) []byte {
	bytes := value.FillBytes(make([]byte, 32))
	slices.Reverse(bytes)
	return bytes
}

func fromLittleEndian(bytes []byte) *big.Int {
	bytes = slices.Clone(bytes)
	slices.Reverse(bytes)
	return new(big.Int).SetBytes(bytes)
}

func hashed(parts ...[]byte) *big.Int {
	hash := sha512.Sum512(slices.Concat(parts...))
	return new(big.Int).Mod(fromLittleEndian(hash[:]), order)
}

// torsion signs message so that the equation holds when it is multiplied by the cofactor 8, and not without: R has a
// component of small order. Whoever verifies in batches or with the cofactor would accept it.
func torsion(key ed25519.PrivateKey, message []byte) []byte {
	expanded := sha512.Sum512(key.Seed())
	expanded[0] &= 248
	expanded[31] = expanded[31]&127 | 64
	secret := fromLittleEndian(expanded[:32])
	nonce := hashed(expanded[32:], message)
	commitment := basePoint.by(nonce).plus(smallPoint).bytes()
	response := new(big.Int).Mul(hashed(commitment, key.Public().(ed25519.PublicKey), message), secret)
	response.Mod(response.Add(response, nonce), order)
	return append(commitment, littleEndian(response)...)
}
