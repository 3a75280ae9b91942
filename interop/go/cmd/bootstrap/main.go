// Bootstrap runs a bootstrap node of the reference: bootstrap [flags] FILE
package main

import (
	"flag"
	"fmt"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/internal/process"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/seat"
)

func main() {
	node := process.NodeFlags()
	flag.Parse()
	if flag.NArg() != 1 {
		process.Fail(2, fmt.Errorf("usage: bootstrap [flags] FILE"))
	}
	options, err := node.Options()
	if err != nil {
		process.Fail(2, err)
	}
	path := flag.Arg(0)
	file, err := seat.ReadBootstrap(path)
	if err != nil {
		process.Fail(2, err)
	}
	if err := seat.RunBootstrap(node.UntilEnd(), file, node.Database(path), options); err != nil {
		process.Fail(1, err)
	}
}
