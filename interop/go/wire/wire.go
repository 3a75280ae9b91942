// Package wire opens the reference's transport to the module above. It is a module of its own because Go judges by
// import path who may use internal packages, and those of the transport need another path than those of the protocol.
package wire

import (
	"crypto/ed25519"
	"errors"

	"github.com/smartcontractkit/libocr/internal/peerkeyringhelper"
	"github.com/smartcontractkit/libocr/ragep2p/internal/knock"
	"github.com/smartcontractkit/libocr/ragep2p/internal/mtls"
	"github.com/smartcontractkit/libocr/ragep2p/ragep2pnew/internal/frame"
	"github.com/smartcontractkit/libocr/ragep2p/ragep2pnew/internal/internaltypes"
	"github.com/smartcontractkit/libocr/ragep2p/types"
)

// Header is a frame header of the new generation. RequestID is empty where the type has none.
type Header struct {
	Type          int
	StreamID      [32]byte
	PayloadLength int
	RequestID     []byte
	HeaderLength  int
}

// ErrIncomplete says that more bytes are needed.
var ErrIncomplete = errors.New("incomplete")

// DecodeHeader reads one header from the beginning of encoded, as a connection would.
func DecodeHeader(encoded []byte) (Header, error) {
	read, short := 0, false
	reader := frame.MakeFrameHeaderReader(func(buffer []byte) bool {
		if len(encoded)-read < len(buffer) {
			short = true
			return false
		}
		read += copy(buffer, encoded[read:])
		return true
	})
	header, err := reader.ReadFrameHeader()
	if short {
		return Header{}, ErrIncomplete
	}
	if err != nil {
		return Header{}, err
	}
	h := Header{Type: int(header.GetType()), StreamID: header.GetStreamID(), PayloadLength: header.GetPayloadSize(), HeaderLength: read}
	switch header := header.(type) {
	case frame.MessageRequestFrameHeader:
		h.RequestID = header.RequestID[:]
	case frame.MessageResponseFrameHeader:
		h.RequestID = header.RequestID[:]
	}
	return h, nil
}

// Encode is the reference's own encoding; a type that it does not know gives nothing.
func (h Header) Encode() []byte {
	var request internaltypes.RequestID
	copy(request[:], h.RequestID)
	switch frame.FrameType(h.Type) {
	case frame.FrameTypeOpenStream:
		return frame.OpenStreamFrameHeader{StreamID: h.StreamID, PayloadSize: h.PayloadLength}.Encode()
	case frame.FrameTypeCloseStream:
		return frame.CloseStreamFrameHeader{StreamID: h.StreamID}.Encode()
	case frame.FrameTypeMessagePlain:
		return frame.MessagePlainFrameHeader{StreamID: h.StreamID, PayloadSize: h.PayloadLength}.Encode()
	case frame.FrameTypeMessageRequest:
		return frame.MessageRequestFrameHeader{StreamID: h.StreamID, PayloadSize: h.PayloadLength, RequestID: request}.Encode()
	case frame.FrameTypeMessageResponse:
		return frame.MessageResponseFrameHeader{StreamID: h.StreamID, PayloadSize: h.PayloadLength, RequestID: request}.Encode()
	default:
		return nil
	}
}

// StreamID is that of both generations.
func StreamID(a, b types.PeerID, name string) [32]byte { return internaltypes.MakeStreamID(a, b, name) }

// VerifyKnock returns who knocks at listener.
func VerifyKnock(listener types.PeerID, bytes []byte) (types.PeerID, error) {
	dialer, err := knock.VerifyKnock(listener, bytes)
	if err != nil {
		return types.PeerID{}, err
	}
	return *dialer, nil
}

// BuildKnock is how the owner of seed knocks at listener.
func BuildKnock(seed [32]byte, listener types.PeerID) ([]byte, error) {
	key := ed25519.NewKeyFromSeed(seed[:])
	keyring, err := peerkeyringhelper.NewPeerKeyringWithPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return knock.BuildKnock(listener, types.PeerIDFromKeyring(keyring), keyring)
}

// VerifyCertificate is what a handshake asks of a peer's chain.
func VerifyCertificate(chain [][]byte, expected [32]byte) error {
	return mtls.VerifyCertMatchesPubKey(expected)(chain, nil)
}
