// Codec answers questions with the reference's own code: JSON lines on stdin, JSON lines on stdout. README.md lists the
// operations.
package main

import (
	"os"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/codec"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/internal/process"
)

func main() {
	if err := codec.Serve(os.Stdin, os.Stdout); err != nil {
		process.Fail(1, err)
	}
}
