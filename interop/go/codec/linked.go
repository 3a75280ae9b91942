package codec

import (
	_ "unsafe" // for go:linkname

	"github.com/smartcontractkit/libocr/networking/ragedisco"
	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/config"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/config/ocr2config"
	_ "github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/protocol"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
	_ "github.com/smartcontractkit/libocr/ragep2p"
	ragetypes "github.com/smartcontractkit/libocr/ragep2p/types"
)

// The reference's own functions that it does not export.

//go:linkname observationDigest github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/protocol.signedObservationWireMessage
func observationDigest(types.ReportTimestamp, types.Query, types.Observation) []byte

//go:linkname extraHash github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/protocol.reportContextHash
func extraHash(types.Query, []types.AttributedObservation) [32]byte

//go:linkname publicConfig github.com/smartcontractkit/libocr/offchainreporting2plus/internal/config/ocr2config.publicConfigFromContractConfig
func publicConfig(skipResourceChecks bool, change types.ContractConfig) (ocr2config.PublicConfig, config.SharedSecretEncryptions, error)

//go:linkname parseObservation github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median.parseAttributedObservation
func parseObservation(types.AttributedObservation) (median.ParsedAttributedObservation, error)

//go:linkname decodeDiscovery github.com/smartcontractkit/libocr/networking/ragedisco.fromProtoWrappedBytes
func decodeDiscovery([]byte) (ragedisco.WrappableMessage, error)

//go:linkname encodeDiscovery github.com/smartcontractkit/libocr/networking/ragedisco.toBytesWrapped
func encodeDiscovery(ragedisco.WrappableMessage) ([]byte, error)

//go:linkname verifyAnnouncement github.com/smartcontractkit/libocr/networking/ragedisco.Announcement.verify
func verifyAnnouncement(ragedisco.Announcement) error

//go:linkname wellFormedAnnouncement github.com/smartcontractkit/libocr/networking/ragedisco.Announcement.checkWellFormed
func wellFormedAnnouncement(ragedisco.Announcement) error

//go:linkname validAddress github.com/smartcontractkit/libocr/networking/ragedisco.isValidForAnnouncement
func validAddress(ragetypes.Address) bool

// Of the same layout as the old generation's own type, which has no name outside.
type oldHeader struct {
	Type          uint8
	StreamID      [32]byte
	PayloadLength uint32
}

//go:linkname decodeOldHeader github.com/smartcontractkit/libocr/ragep2p.decodeFrameHeader
func decodeOldHeader([]byte) (oldHeader, error)

//go:linkname encodeOldHeader github.com/smartcontractkit/libocr/ragep2p.frameHeader.Encode
func encodeOldHeader(oldHeader) []byte
