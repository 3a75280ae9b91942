// Seat runs oracles of the reference in seats that somebody prepared: seat [flags] FILE...
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/internal/process"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/seat"
)

func main() {
	node := process.NodeFlags()
	lie := flag.String("lie", "", fmt.Sprintf("be dishonest in one way: %s", strings.Join(seat.Lies, ", ")))
	delay := flag.Duration("signer-delay", 0, "a report signature takes up to so much longer, as with a signer on another machine")
	flag.Parse()
	if flag.NArg() == 0 {
		process.Fail(2, fmt.Errorf("usage: seat [flags] FILE..."))
	}
	options, err := node.Options()
	if err != nil {
		process.Fail(2, err)
	}
	options.Lie, options.SignerDelay = *lie, *delay
	files := make([]seat.File, flag.NArg())
	for i, path := range flag.Args() {
		if files[i], err = seat.Read(path); err != nil {
			process.Fail(2, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", path, seat.Warning)
	}
	ctx, cancel := context.WithCancel(node.UntilEnd())
	defer cancel()
	failures := make(chan error, len(files))
	var seats sync.WaitGroup
	for i, file := range files {
		seats.Add(1)
		go func() {
			defer seats.Done()
			if err := seat.Run(ctx, file, node.Database(flag.Arg(i)), options); err != nil {
				failures <- fmt.Errorf("seat %d: %w", file.Seat, err)
				cancel() // one that cannot run ends the others too
			}
		}()
	}
	seats.Wait()
	select {
	case err := <-failures:
		process.Fail(1, err)
	default:
	}
}
