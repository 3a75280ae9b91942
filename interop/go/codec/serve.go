// Package codec answers questions with the reference's own code: one JSON object a line in, one out. README.md lists the
// operations. It is what a differential fuzzer asks.
package codec

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
)

// Hex is bytes, in hex without 0x.
type Hex []byte

func (h Hex) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

func (h *Hex) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(bytes.TrimPrefix(text, []byte("0x"))))
	return err
}

// Hex32 is exactly 32 of them.
type Hex32 [32]byte

func (h Hex32) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

func (h *Hex32) UnmarshalText(text []byte) error { return exactly(h[:], text) }

// Hex16 is exactly 16.
type Hex16 [16]byte

func (h Hex16) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

func (h *Hex16) UnmarshalText(text []byte) error { return exactly(h[:], text) }

func exactly(into, text []byte) error {
	var raw Hex
	if err := raw.UnmarshalText(text); err != nil {
		return err
	}
	if len(raw) != len(into) {
		return fmt.Errorf("wanted %d bytes in hex, got %d", len(into), len(raw))
	}
	copy(into, raw)
	return nil
}

// U64 and I64 are integers in decimal strings, because JSON's numbers lose digits; a plain number is understood too.
type (
	U64 uint64
	I64 int64
)

func (u U64) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(u), 10), nil }
func (i I64) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(i), 10), nil }

func (u *U64) UnmarshalJSON(text []byte) error {
	value, err := strconv.ParseUint(string(bytes.Trim(text, `"`)), 10, 64)
	*u = U64(value)
	return err
}

func (i *I64) UnmarshalJSON(text []byte) error {
	value, err := strconv.ParseInt(string(bytes.Trim(text, `"`)), 10, 64)
	*i = I64(value)
	return err
}

// Big is an integer of any size in a decimal string.
type Big struct{ *big.Int }

func (b Big) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(b.Int.String())), nil }

func (b *Big) UnmarshalJSON(text []byte) error {
	value, ok := new(big.Int).SetString(string(bytes.Trim(text, `"`)), 10)
	if !ok {
		return fmt.Errorf("%s is not an integer", text)
	}
	b.Int = value
	return nil
}

// Answer is what an operation found out; a refusal by the reference is an error instead.
type Answer map[string]any

type operation func(request []byte) (Answer, error)

// badRequest is the caller's mistake, not a refusal.
type badRequest struct{ error }

// op reads the request's fields into In.
func op[In any](run func(In) (Answer, error)) operation {
	return func(request []byte) (Answer, error) {
		var in In
		if err := json.Unmarshal(request, &in); err != nil {
			return nil, badRequest{err}
		}
		return run(in)
	}
}

// Serve answers until in ends.
func Serve(in io.Reader, out io.Writer) error {
	reader, writer := bufio.NewReaderSize(in, 1<<20), bufio.NewWriterSize(out, 1<<16)
	for {
		line, err := reader.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := json.NewEncoder(writer).Encode(answer(line)); err != nil {
				return err
			}
		}
		if err == nil && reader.Buffered() > 0 {
			continue // more questions are here already
		}
		if flushed := writer.Flush(); flushed != nil {
			return flushed
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func answer(line []byte) (result Answer) {
	var head struct {
		Op  string          `json:"op"`
		Tag json.RawMessage `json:"tag"`
	}
	defer func() {
		if broken := recover(); broken != nil {
			result = Answer{"ok": false, "panic": fmt.Sprint(broken)}
		}
		if head.Tag != nil {
			result["tag"] = head.Tag
		}
	}()
	if err := json.Unmarshal(line, &head); err != nil {
		return Answer{"ok": false, "bad_request": err.Error()}
	}
	run, known := operations[head.Op]
	if !known {
		return Answer{"ok": false, "bad_request": fmt.Sprintf("no operation %q", head.Op)}
	}
	found, err := run(line)
	var bad badRequest
	switch {
	case errors.As(err, &bad):
		return Answer{"ok": false, "bad_request": bad.Error()}
	case err != nil:
		return Answer{"ok": false, "why": err.Error()}
	}
	if found == nil {
		found = Answer{}
	}
	found["ok"] = true
	return found
}

var operations = map[string]operation{
	"message":                op(message),
	"config_digest":          op(configDigest),
	"offchain_config":        op(offchainConfig),
	"offchain_config_encode": op(offchainConfigEncode),
	"offchain_config_oracle": op(offchainConfigOracle),
	"shared_secret":          op(sharedSecret),
	"leaders":                op(leaders),
	"schedule":               op(schedule),
	"limits":                 op(transportLimits),
	"script":                 op(script),
	"ed25519":                op(ed25519Verify),
	"secp256k1":              op(secp256k1Verify),
	"observation_signature":  op(observationSignature),
	"extra_hash":             op(extraHashOf),
	"report_signature":       op(reportSignature),
	"attested_one":           op(attestedOne),
	"attested_many":          op(attestedMany),
	"median_observation":     op(medianObservation),
	"median_report":          op(medianReport),
	"median_order":           op(medianOrder),
	"median_decode":          op(medianDecode),
	"median_deviates":        op(medianDeviates),
	"median_offchain_config": op(medianOffchainConfig),
	"median_onchain_config":  op(medianOnchainConfig),
	"median_value":           op(medianValue),
	"peer_id":                op(peerID),
	"frame":                  op(frameHeader),
	"stream_id":              op(streamID),
	"knock":                  op(knockVerify),
	"knock_build":            op(knockBuild),
	"certificate":            op(certificate),
	"discovery":              op(discovery),
	"announcement":           op(announcement),
	"announcement_address":   op(announcementAddress),
}
