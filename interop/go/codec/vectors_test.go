package codec

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/protocol"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/internal/ocr2/serialization"
)

type vector map[string]any

// ask sends a case through the server's own front door.
func ask(t *testing.T, op string, request vector) vector {
	t.Helper()
	sent := vector{"op": op, "tag": 7}
	for key, value := range request {
		sent[key] = value
	}
	line, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(answer(line))
	if err != nil {
		t.Fatal(err)
	}
	var got vector
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got["bad_request"] != nil || got["panic"] != nil || got["tag"] != 7.0 {
		t.Fatalf("%s\n answered %s", line, text)
	}
	return got
}

// same compares texts without case, because addresses have a checksum in theirs, and rates with the last bits open.
func same(want, got any) bool {
	switch want := want.(type) {
	case string:
		got, isText := got.(string)
		if !isText {
			return false
		}
		if a, err := strconv.ParseFloat(want, 64); err == nil && (strings.ContainsAny(want, ".Ie") && len(want) < 30) {
			b, err := strconv.ParseFloat(got, 64)
			return err == nil && (a == b || math.Abs(a-b) <= 1e-12*math.Abs(a))
		}
		return strings.EqualFold(want, got)
	case []any:
		got, isList := got.([]any)
		if !isList || len(got) != len(want) {
			return false
		}
		for i := range want {
			if !same(want[i], got[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		got, isObject := got.(map[string]any)
		if !isObject {
			return false
		}
		for key := range want {
			if key != "reason" && key != "why" && !same(want[key], got[key]) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(want, got)
	}
}

func TestTheServerAnswersAsTheVectorsSay(t *testing.T) {
	for _, c := range []struct {
		file, kind string // kind: that of the case's "kind" or "type", or any
		op         string
		compared   string // fields of the case that the answer must repeat
		renamed    map[string]string
		ask        vector
	}{
		{file: "ocr2/messages.json", op: "message", compared: "decoded size_ok reencoded",
			ask: vector{"limits": vector{"max_query_length": 64, "max_observation_length": 92, "max_report_length": 1152}}},
		{file: "ocr2/config_digest.json", op: "config_digest", compared: "digest"},
		{file: "ocr2/offchain_config.json", kind: "public", op: "offchain_config", compared: "decoded"},
		{file: "ocr2/offchain_config.json", kind: "oracle", op: "offchain_config_oracle", compared: "oracle_id shared_secret"},
		{file: "ocr2/leaders.json", op: "leaders", compared: "leaders leader_selection_key", ask: vector{"count": 200}},
		{file: "ocr2/schedule.json", op: "schedule", compared: "delays"},
		{file: "ocr2/limits.json", op: "limits", compared: "max_message_length messages_rate messages_capacity bytes_rate bytes_capacity"},
		{file: "ocr2/signatures.json", kind: "observation", op: "observation_signature", compared: "digest valid"},
		{file: "ocr2/signatures.json", kind: "extra_hash", op: "extra_hash", compared: "extra_hash"},
		{file: "ocr2/signatures.json", kind: "report", op: "report_signature", compared: "report_context sighash valid"},
		{file: "ocr2/signatures.json", kind: "attested_one", op: "attested_one", compared: "valid"},
		{file: "ocr2/signatures.json", kind: "attested_many", op: "attested_many", compared: "valid"},
		{file: "ocr2/median_observation.json", op: "median_observation", compared: "decoded"},
		{file: "ocr2/median_report.json", op: "median_report", compared: "report median juels_per_fee_coin"},
		{file: "ocr2/median_sort.json", op: "median_order", compared: "observers report_keccak"},
		{file: "ocr2/median_decode.json", op: "median_decode", compared: "median"},
		{file: "ocr2/median_deviates.json", op: "median_deviates", compared: "deviates"},
		{file: "ocr2/median_config.json", kind: "offchain", op: "median_offchain_config", compared: "decoded reencoded"},
		{file: "ocr2/median_config.json", kind: "onchain", op: "median_onchain_config", compared: "decoded"},
		{file: "p2p/peer_id.json", kind: "parse", op: "peer_id", compared: "public_key text"},
		{file: "p2p/frames.json", kind: "stream_id", op: "stream_id", compared: "stream_id", renamed: map[string]string{"stream_id": "id"}},
		{file: "p2p/frames.json", kind: "decode", op: "frame", compared: "type stream_id payload_length header_length request_id incomplete"},
		{file: "p2p/knock.json", kind: "verify", op: "knock", compared: "dialer_public_key"},
		{file: "p2p/knock.json", kind: "build", op: "knock_build", compared: "knock"},
		{file: "p2p/tls_cert.json", kind: "verify", op: "certificate", compared: "valid", renamed: map[string]string{"valid": "ok"}},
		{file: "p2p/announcement.json", kind: "wire", op: "discovery", compared: "message announcements"},
		{file: "p2p/announcement.json", kind: "verify", op: "announcement", compared: "valid", renamed: map[string]string{"valid": "ok"}},
		{file: "p2p/announcement.json", kind: "address", op: "announcement_address", compared: "valid", renamed: map[string]string{"valid": "ok"}},
	} {
		t.Run(c.op, func(t *testing.T) {
			asked := 0
			for _, want := range cases(t, c.file) {
				kind := want["kind"]
				if kind == nil {
					kind = want["type"]
				}
				if c.kind != "" && kind != c.kind {
					continue
				}
				request := vector{}
				for key, value := range want {
					request[key] = value
				}
				for key, value := range c.ask {
					request[key] = value
				}
				if c.op == "peer_id" {
					request = vector{"text": want["text"]}
				}
				asked++
				got := ask(t, c.op, request)
				accepted := true
				if value, says := want["accept"].(bool); says {
					accepted = value
				} else if value, says := want["ok"].(bool); says && c.renamed == nil {
					accepted = value
				}
				if got["ok"] != accepted {
					t.Errorf("%v %v: wanted ok = %v, got %v", want["name"], want["what"], accepted, got)
					continue
				}
				for _, field := range strings.Fields(c.compared) {
					named := field
					if c.renamed[field] != "" {
						named = c.renamed[field]
					}
					if expected, says := want[named]; says && accepted && !same(expected, got[field]) {
						t.Errorf("%v %v: %s: wanted %v, got %v", want["name"], want["what"], field, expected, got[field])
					}
				}
			}
			if asked < 3 {
				t.Errorf("only %d cases of %s", asked, c.file)
			}
		})
	}
}

func TestAConfigurationIsEncodedToTheVectorsBytes(t *testing.T) {
	encoded := 0
	for _, want := range cases(t, "ocr2/offchain_config.json") {
		if want["secrets"] == nil {
			continue
		}
		encoded++
		got := ask(t, "offchain_config_encode", vector{"decoded": want["decoded"], "secrets": want["secrets"]})
		if bytes := want["input"].(map[string]any)["offchain_config"]; got["offchain_config"] != bytes {
			t.Errorf("%v: wanted %v, got %v", want["name"], bytes, got)
		}
		secrets := want["secrets"].(map[string]any)
		sks := secrets["config_encryption_sks"].([]any)
		opened := ask(t, "shared_secret", vector{
			"dh_point": secrets["dh_point"], "shared_secret_hash": secrets["shared_secret_hash"], "encryptions": secrets["encryptions"],
			"oracle_id": len(sks) - 1, "config_encryption_sk": sks[len(sks)-1],
		})
		if opened["shared_secret"] != secrets["shared_secret"] {
			t.Errorf("%v: opened %v", want["name"], opened)
		}
	}
	if encoded < 10 {
		t.Errorf("only %d cases", encoded)
	}
}

func cases(t *testing.T, file string) []vector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../spec/vectors", file))
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Cases []vector `json:"cases"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors.Cases
}

func TestAScriptOfAFollowerGivesTheVectorsBytes(t *testing.T) {
	for _, want := range cases(t, "ocr2/follower.json") {
		request := vector{"contract_digest_equal": true}
		for key, value := range want {
			request[key] = value
		}
		got := ask(t, "script", request)
		if !same(want["start"], got["start"]) {
			t.Errorf("%v: start: wanted %v, got %v", want["name"], want["start"], got["start"])
		}
		for i, step := range want["steps"].([]any) {
			step, took := step.(map[string]any), got["steps"].([]any)[i].(map[string]any)
			if !same(step["out"], took["out"]) {
				t.Errorf("%v: %v: wanted %v, got %v", want["name"], step["name"], step["out"], took["out"])
			}
		}
	}
}

func TestAScriptOfAPacemakerEntersTheVectorsEpochs(t *testing.T) {
	for _, want := range cases(t, "ocr2/pacemaker.json") {
		request := vector{
			"config_digest": strings.Repeat("01", 32), "shared_secret": strings.Repeat("00", 16), // its leaders are not the vector's
			"report_quorum": 1, "r_max": 5, "delta_round": "60000000000", "offchain_seed": strings.Repeat("02", 32), "onchain_sk": strings.Repeat("03", 32),
			"n": want["n"], "f": want["f"], "id": want["id"], "contract_epoch": want["contract_epoch"],
			"contract_digest_equal": want["contract_digest_equal"], "restored_state": want["restored_state"],
		}
		oracles, steps := []any{}, []any{}
		for range int(want["n"].(float64)) {
			oracles = append(oracles, vector{"address": strings.Repeat("04", 20), "offchain_pk": strings.Repeat("05", 32)})
		}
		for _, step := range want["steps"].([]any) {
			step := step.(map[string]any)
			steps = append(steps, vector{"from": step["from"], "bytes": newEpoch(uint32(step["epoch"].(float64)))})
		}
		request["oracles"], request["steps"] = oracles, steps
		got := ask(t, "script", request)
		if sent := newEpochs(t, got["start"]); !reflect.DeepEqual(sent, want["start_broadcasts"]) {
			t.Errorf("%v: start: wanted %v, got %v", want["name"], want["start_broadcasts"], sent)
		}
		for i, step := range want["steps"].([]any) {
			step, took := step.(map[string]any), got["steps"].([]any)[i].(map[string]any)
			if sent := newEpochs(t, took["out"]); !reflect.DeepEqual(sent, step["broadcasts"]) {
				t.Errorf("%v: step %d: wanted %v, got %v", want["name"], i, step["broadcasts"], sent)
			}
			wanted, entered := step["entered"].([]any), took["entered"].([]any)
			for k := range max(len(wanted), len(entered)) {
				if len(wanted) != len(entered) || wanted[k].([]any)[0] != entered[k].([]any)[0] {
					t.Errorf("%v: step %d: wanted to enter %v, entered %v", want["name"], i, wanted, entered)
				}
			}
		}
	}
}

func newEpoch(epoch uint32) string {
	bytes, _, err := serialization.Serialize(protocol.MessageNewEpoch{Epoch: epoch})
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(bytes)
}

// newEpochs are the epochs of the NewEpoch messages among out.
func newEpochs(t *testing.T, out any) any {
	t.Helper()
	epochs := []any{}
	for _, sent := range out.([]any) {
		decoded := ask(t, "message", vector{"bytes": sent.(map[string]any)["bytes"]})["decoded"].(map[string]any)
		if message, is := decoded["NewEpoch"].(map[string]any); is {
			epochs = append(epochs, message["epoch"])
		}
	}
	return epochs
}
