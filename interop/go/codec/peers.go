package codec

import (
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/smartcontractkit/libocr/networking/ragedisco"
	wire "github.com/smartcontractkit/libocr/ragep2p/ragep2pnew/dodona"
	ragetypes "github.com/smartcontractkit/libocr/ragep2p/types"
)

func marshal(message proto.Message) ([]byte, error) { return proto.Marshal(message) }

// peerID parses a text, or makes one of a public key.
func peerID(in struct {
	Text      *string `json:"text"`
	PublicKey *Hex32  `json:"public_key"`
}) (Answer, error) {
	var id ragetypes.PeerID
	switch {
	case in.Text != nil && in.PublicKey == nil:
		if err := id.UnmarshalText([]byte(*in.Text)); err != nil {
			return nil, err
		}
	case in.PublicKey != nil && in.Text == nil:
		id = ragetypes.PeerID(*in.PublicKey)
	default:
		return nil, badRequest{errors.New("wanted text or public_key")}
	}
	binary, err := id.MarshalBinary()
	return Answer{"text": id.String(), "public_key": Hex(id[:]), "binary": Hex(binary)}, err
}

// frameHeader reads the header at the beginning of bytes and encodes it again. The old generation's own decoder wants
// exactly the 37 bytes of a header, and leaves judging lengths to its reader.
func frameHeader(in struct {
	Generation string `json:"generation"`
	Bytes      Hex    `json:"bytes"`
}) (Answer, error) {
	switch in.Generation {
	case "old":
		const size = 37
		if len(in.Bytes) < size {
			return Answer{"incomplete": true}, nil
		}
		header, err := decodeOldHeader(in.Bytes[:size])
		if err != nil {
			return nil, err
		}
		return Answer{
			"type": header.Type, "stream_id": Hex32(header.StreamID), "payload_length": header.PayloadLength,
			"header_length": size, "reencoded": Hex(encodeOldHeader(header)),
		}, nil
	case "new":
		header, err := wire.DecodeHeader(in.Bytes)
		if errors.Is(err, wire.ErrIncomplete) {
			return Answer{"incomplete": true}, nil
		}
		if err != nil {
			return nil, err
		}
		answer := Answer{
			"type": header.Type, "stream_id": Hex32(header.StreamID), "payload_length": header.PayloadLength,
			"header_length": header.HeaderLength, "reencoded": Hex(header.Encode()),
		}
		if header.RequestID != nil {
			answer["request_id"] = Hex(header.RequestID)
		}
		return answer, nil
	default:
		return nil, badRequest{fmt.Errorf("generation %q", in.Generation)}
	}
}

func streamID(in struct {
	A    Hex32  `json:"a"`
	B    Hex32  `json:"b"`
	Name string `json:"name"`
}) (Answer, error) {
	return Answer{"stream_id": Hex32(wire.StreamID(ragetypes.PeerID(in.A), ragetypes.PeerID(in.B), in.Name))}, nil
}

func knockVerify(in struct {
	Listener Hex32 `json:"listener_public_key"`
	Knock    Hex   `json:"knock"`
}) (Answer, error) {
	dialer, err := wire.VerifyKnock(ragetypes.PeerID(in.Listener), in.Knock)
	return Answer{"dialer_public_key": Hex32(dialer)}, err
}

func knockBuild(in struct {
	Seed     Hex32 `json:"dialer_seed"`
	Listener Hex32 `json:"listener_public_key"`
}) (Answer, error) {
	built, err := wire.BuildKnock(in.Seed, ragetypes.PeerID(in.Listener))
	return Answer{"knock": Hex(built)}, err
}

// certificate judges a peer's chain as the reference does in a handshake.
func certificate(in struct {
	Chain    []Hex `json:"chain"`
	Expected Hex32 `json:"expected_public_key"`
}) (Answer, error) {
	chain := [][]byte{}
	for _, one := range in.Chain {
		chain = append(chain, one)
	}
	return verdict(wire.VerifyCertificate(chain, in.Expected)), nil
}

// discovery decodes a message of the discovery stream and encodes it again; each announcement has a verdict of its own.
func discovery(in struct {
	Bytes Hex `json:"bytes"`
}) (Answer, error) {
	decoded, err := decodeDiscovery(in.Bytes)
	if err != nil {
		return nil, err
	}
	kind, announcements := "announcement", []ragedisco.Announcement{}
	if one, is := decoded.(*ragedisco.Announcement); is {
		announcements = append(announcements, *one)
	} else { // the other type has no name outside, but its field has
		kind = "reconcile"
		announcements = reflect.ValueOf(decoded).Elem().FieldByName("Anns").Interface().([]ragedisco.Announcement)
	}
	reencoded, err := encodeDiscovery(decoded)
	if err != nil {
		return nil, err
	}
	described := []Answer{}
	answer := Answer{"message": kind, "reencoded": Hex(reencoded)}
	if kind == "reconcile" && len(announcements) > ragedisco.MaxOracles {
		answer["not_well_formed"] = fmt.Sprintf("%d announcements", len(announcements))
	}
	for _, announcement := range announcements {
		described = append(described, describeAnnouncement(announcement))
		if err := wellFormedAnnouncement(announcement); err != nil && kind == "reconcile" && answer["not_well_formed"] == nil {
			answer["not_well_formed"] = err.Error() // one is enough to ignore them all
		}
	}
	answer["announcements"] = described
	return answer, nil
}

func describeAnnouncement(announcement ragedisco.Announcement) Answer {
	addresses, raw, printable := []string{}, []Hex{}, true
	for _, address := range announcement.Addrs {
		addresses, raw = append(addresses, string(address)), append(raw, Hex(address))
		printable = printable && utf8.ValidString(string(address))
	}
	answer := Answer{
		"counter": U64(announcement.Counter), "public_key": Hex(announcement.PublicKey), "sig": Hex(announcement.Sig), "ok": true,
	}
	if printable {
		answer["addrs"] = addresses
	} else {
		answer["addrs_hex"] = raw
	}
	if err := verifyAnnouncement(announcement); err != nil {
		answer["ok"], answer["why"] = false, err.Error()
	}
	return answer
}

// announcement judges one that is given by its fields; a missing sig is absent.
func announcement(in struct {
	Addrs     []string `json:"addrs"`
	Counter   U64      `json:"counter"`
	PublicKey Hex      `json:"public_key"`
	Sig       *Hex     `json:"sig"`
}) (Answer, error) {
	judged := ragedisco.Announcement{PublicKey: []byte(in.PublicKey)}
	judged.Counter = uint64(in.Counter)
	for _, address := range in.Addrs {
		judged.Addrs = append(judged.Addrs, ragetypes.Address(address))
	}
	if in.Sig != nil {
		judged.Sig = *in.Sig
	}
	return verdict(verifyAnnouncement(judged)), nil
}

func announcementAddress(in struct {
	Text string `json:"text"`
}) (Answer, error) {
	return Answer{"valid": validAddress(ragetypes.Address(in.Text))}, nil
}
