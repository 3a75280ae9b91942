// Bytecode writes a contract of the reference, creation bytecode and ABI, as a Foundry-style JSON file:
// bytecode [--contract NAME] PATH. It is taken from the module and must not be committed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/ethereum/go-ethereum/accounts/abi/bind"

	"github.com/smartcontractkit/libocr/gethwrappers/accesscontrolledoffchainaggregator"
	"github.com/smartcontractkit/libocr/gethwrappers/offchainaggregator"
	"github.com/smartcontractkit/libocr/gethwrappers2/accesscontrolledocr2aggregator"
	"github.com/smartcontractkit/libocr/gethwrappers2/link_token_interface"
	"github.com/smartcontractkit/libocr/gethwrappers2/ocr2aggregator"
	"github.com/smartcontractkit/libocr/gethwrappers2/testocr2aggregator"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/internal/process"
)

var contracts = map[string]*bind.MetaData{
	"OCR2Aggregator":                     ocr2aggregator.OCR2AggregatorMetaData,
	"AccessControlledOCR2Aggregator":     accesscontrolledocr2aggregator.AccessControlledOCR2AggregatorMetaData,
	"OffchainAggregator":                 offchainaggregator.OffchainAggregatorMetaData,
	"AccessControlledOffchainAggregator": accesscontrolledoffchainaggregator.AccessControlledOffchainAggregatorMetaData,
	"LinkToken":                          {ABI: link_token_interface.LinkTokenABI, Bin: link_token_interface.LinkTokenBin},
	"SimpleWriteAccessController":        testocr2aggregator.SimpleWriteAccessControllerMetaData,
}

func main() {
	name := flag.String("contract", "OCR2Aggregator", "OCR2Aggregator, AccessControlledOCR2Aggregator, OffchainAggregator (OCR1), AccessControlledOffchainAggregator, LinkToken or SimpleWriteAccessController")
	flag.Parse()
	contract, known := contracts[*name]
	if flag.NArg() != 1 || !known {
		process.Fail(2, fmt.Errorf("usage: bytecode [--contract NAME] PATH"))
	}
	text, err := json.Marshal(map[string]any{
		"contractName": *name,
		"abi":          json.RawMessage(contract.ABI),
		"bytecode":     map[string]any{"object": contract.Bin, "linkReferences": map[string]any{}},
	})
	if err != nil {
		process.Fail(1, err)
	}
	if err := os.WriteFile(flag.Arg(0), append(text, '\n'), 0o644); err != nil {
		process.Fail(1, err)
	}
}
