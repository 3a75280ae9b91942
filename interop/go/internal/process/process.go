// Package process holds what the commands share: their flags, their ends, their exit codes.
package process

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/smartcontractkit/libocr/offchainreporting2plus/dodona/seat"
)

// Node are the flags of a command that runs until it is told to end.
type Node struct {
	level, log, generation, database string
	messages, development, stdin     bool
	poll                             time.Duration
}

func NodeFlags() *Node {
	n := &Node{}
	flag.StringVar(&n.generation, "generation", "", "old or new ragep2p; overrides the file")
	flag.StringVar(&n.database, "database", "memory", "memory, or file: what an oracle must remember is then kept in FILE.db.json")
	flag.StringVar(&n.log, "log", "", "append the log to this file instead of stderr")
	flag.StringVar(&n.level, "log-level", "warn", "trace, debug, info, warn, error or critical")
	flag.BoolVar(&n.messages, "messages", false, "make every protocol message an event")
	flag.BoolVar(&n.development, "development-mode", false, "lift the reference's bounds on local settings and smallest timers")
	flag.BoolVar(&n.stdin, "until-stdin-closes", false, "end when stdin does, so that no process outlives its driver")
	flag.DurationVar(&n.poll, "poll-interval", time.Second, "how often the contract is asked for its configuration")
	return n
}

// Options opens the log.
func (n *Node) Options() (seat.Options, error) {
	var log io.Writer = os.Stderr
	if n.log != "" {
		file, err := os.OpenFile(n.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return seat.Options{}, err
		}
		log = file
	}
	if n.database != "memory" && n.database != "file" {
		return seat.Options{}, fmt.Errorf("--database %q is neither memory nor file", n.database)
	}
	return seat.Options{
		LogLevel: n.level, Log: seat.NewLines(log), Events: seat.NewLines(os.Stdout), Messages: n.messages,
		DevelopmentMode: n.development, PollInterval: n.poll, Generation: n.generation,
	}, nil
}

// Database is the file beside path, or empty for memory.
func (n *Node) Database(path string) string {
	if n.database == "file" {
		return path + ".db.json"
	}
	return ""
}

// UntilEnd is done on SIGTERM, SIGINT, or the end of stdin if that was asked for. A second signal kills.
func (n *Node) UntilEnd() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop)
	if n.stdin {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
	}
	return ctx
}

// Fail ends the process: 2 for what the caller got wrong, 1 for the rest.
func Fail(code int, err error) {
	fmt.Fprintln(os.Stderr, "error:", err)
	os.Exit(code)
}
