// Package trial runs a network that is all Go, each oracle a process, and judges what its oracles say: what a mixed
// network is compared with, and the proof that this module works.
package trial

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ethereum/go-ethereum/ethclient"
)

// Wishes say what to run. Bin holds the commands of this module.
type Wishes struct {
	Bin, Dir      string
	RPC, Anvil    string // a chain that runs, or an anvil to start
	N             int
	Generation    string
	Transmissions int
	Faults        bool // kill and restart an oracle, and change the configuration, on the way
	KnowAll       bool // every seat knows every address; else the bootstrap node tells
}

// Run returns what is wrong, or nil. Its report goes to out.
func Run(ctx context.Context, w Wishes, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rpc := w.RPC
	if w.Anvil != "" {
		chain, address, err := startAnvil(ctx, w.Anvil)
		if err != nil {
			return err
		}
		defer chain.end()
		rpc = address
	}
	market, err := startMarket()
	if err != nil {
		return err
	}
	defer market.Close()

	made := []string{
		"make", w.Dir, "--rpc", rpc, "--n", strconv.Itoa(w.N), "--generation", w.Generation, "--r-max", "3",
		fmt.Sprintf("--know-all=%v", w.KnowAll), "--spares", "1", "--alpha-accept-infinite",
		"--source", fmt.Sprintf(`{"url":"http://%s/{oracle}","path":["result",0],"scale_digits":8}`, market.Addr()),
	}
	if err := w.network(ctx, made...); err != nil {
		return err
	}
	events, err := os.Create(filepath.Join(w.Dir, "events.jsonl"))
	if err != nil {
		return err
	}
	defer events.Close()
	committee := newObserver(events)
	var running []*process
	defer func() {
		for _, p := range running {
			p.kill()
		}
	}()
	start := func(command string, args ...string) (*process, error) {
		p, err := startProcess(ctx, filepath.Join(w.Bin, command), committee.line, append([]string{"--database", "file", "--until-stdin-closes"}, args...)...)
		if err == nil {
			running = append(running, p)
		}
		return p, err
	}
	if _, err := start("bootstrap", filepath.Join(w.Dir, "bootstrap.json")); err != nil {
		return err
	}
	seats := make([]*process, w.N)
	for i := range seats {
		if seats[i], err = start("seat", w.seat(i)); err != nil {
			return err
		}
	}
	watch := func(count int) error {
		return w.network(ctx, "watch", w.Dir, "--transmissions", strconv.Itoa(count), "--timeout", "180s")
	}
	began := time.Now()
	if err := watch(1); err != nil {
		return err
	}
	fmt.Fprintf(out, "first transmission after %.1f s\n", time.Since(began).Seconds())
	if err := watch(w.Transmissions); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d transmissions after %.1f s\n", w.Transmissions, time.Since(began).Seconds())
	if w.Faults {
		seats[1].kill()
		if err := watch(w.Transmissions + 3); err != nil {
			return fmt.Errorf("with oracle 1 killed: %w", err)
		}
		if seats[1], err = start("seat", w.seat(1)); err != nil {
			return err
		}
		// Oracle 0 leaves, the spare takes its place, the timers change.
		places := []string{strconv.Itoa(w.N)}
		for i := 1; i < w.N; i++ {
			places = append(places, strconv.Itoa(i))
		}
		if err := w.network(ctx, "configure", w.Dir, "--committee", strings.Join(places, ","), "--r-max", "4", "--delta-grace", "50ms"); err != nil {
			return err
		}
		seats[0].signal()
		if err := seats[0].clean(); err != nil {
			return fmt.Errorf("the oracle that left: %w", err)
		}
		if seats[0], err = start("seat", w.seat(w.N)); err != nil {
			return err
		}
		if err := committee.await(ctx, 60*time.Second, func(o *observer) bool { return len(o.digests) == 2 && o.finals[1] >= 3 }); err != nil {
			return fmt.Errorf("after the change of configuration: %w", err)
		}
		fmt.Fprintf(out, "an oracle killed and restarted, another replaced, %.1f s\n", time.Since(began).Seconds())
	}
	committee.freeze() // what ends, warns
	for _, p := range running {
		p.signal()
	}
	for i, p := range seats {
		if err := p.clean(); err != nil {
			return fmt.Errorf("seat %d: %w", i, err)
		}
	}
	return committee.judge(out)
}

func (w Wishes) seat(oracle int) string {
	return filepath.Join(w.Dir, "seats", fmt.Sprintf("%d.json", oracle))
}

func (w Wishes) network(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, filepath.Join(w.Bin, "network"), args...)
	var said bytes.Buffer
	command.Stderr = &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("network %s: %w\n%s", args[0], err, said.String())
	}
	return nil
}

// market serves a price that rises, a little different to each oracle.
type market struct{ net.Listener }

func startMarket() (market, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return market{}, err
	}
	began := time.Now()
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
			oracle, _ := strconv.Atoi(request.URL.Path[1:])
			fmt.Fprintf(answer, `{"result":["%.4f"]}`, 20_000+10*time.Since(began).Seconds()+float64(oracle)/100)
		}))
	}()
	return market{listener}, nil
}

type process struct {
	command *exec.Cmd
	stdin   io.Closer
	errors  bytes.Buffer
	done    chan struct{}
	failed  error
}

func startProcess(ctx context.Context, path string, line func([]byte), args ...string) (*process, error) {
	p := &process{command: exec.CommandContext(ctx, path, args...), done: make(chan struct{})}
	p.command.Stderr = &p.errors
	stdin, err := p.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		reader := bufio.NewReader(stdout)
		for {
			text, err := reader.ReadBytes('\n')
			if err != nil {
				break
			}
			line(text)
		}
		p.failed = p.command.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *process) signal() { _ = p.command.Process.Signal(syscall.SIGTERM) }

func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.done
}

// clean waits for an end that was asked for, and wants it soon and with code 0.
func (p *process) clean() error {
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		p.kill()
		return fmt.Errorf("did not end on SIGTERM")
	}
	if p.failed != nil {
		return fmt.Errorf("%w\n%s", p.failed, p.errors.String())
	}
	return nil
}

func (p *process) end() {
	p.signal()
	_ = p.clean()
}

func startAnvil(ctx context.Context, path string) (*process, string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	_ = listener.Close()
	chain, err := startProcess(ctx, path, func([]byte) {}, "--host", "127.0.0.1", "--port", port, "--block-time", "1", "--silent")
	if err != nil {
		return nil, "", err
	}
	address := "http://127.0.0.1:" + port
	for range 100 {
		if client, err := ethclient.DialContext(ctx, address); err == nil {
			_, err = client.ChainID(ctx)
			client.Close()
			if err == nil {
				return chain, address, nil
			}
		}
		select {
		case <-chain.done:
			return nil, "", fmt.Errorf("anvil ended: %v\n%s", chain.failed, chain.errors.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
	chain.kill()
	return nil, "", fmt.Errorf("anvil does not answer at %s", address)
}

// observer compares what the oracles of a network say.
type observer struct {
	events   io.Writer // everything they say
	mu       sync.Mutex
	changed  chan struct{}
	frozen   bool
	digests  []string
	current  map[any]string // by seat
	finals   map[int]int    // by index in digests
	leaders  map[string]float64
	orders   map[string]string
	led      map[float64]int
	signed   map[float64]map[float64]int // by leader and signer
	warnings map[string]int
	wrong    []string
}

func newObserver(events io.Writer) *observer {
	return &observer{
		events:  events,
		changed: make(chan struct{}, 1), current: map[any]string{}, finals: map[int]int{}, leaders: map[string]float64{},
		orders: map[string]string{}, led: map[float64]int{}, signed: map[float64]map[float64]int{}, warnings: map[string]int{},
	}
}

func (o *observer) line(text []byte) {
	var event map[string]any
	if err := json.Unmarshal(text, &event); err != nil {
		o.fault("not an event: %s", text)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = o.events.Write(text)
	if o.frozen {
		return
	}
	seat := event["seat"]
	place := fmt.Sprint(o.current[seat], " ", event["epoch"])
	round := fmt.Sprint(place, " ", event["round"])
	switch event["event"] {
	case "config":
		digest := event["digest"].(string)
		o.current[seat] = digest
		if !slices.Contains(o.digests, digest) {
			o.digests = append(o.digests, digest)
		}
	case "epoch":
		leader := event["leader"].(float64)
		if known, is := o.leaders[place]; is && known != leader {
			o.wrong = append(o.wrong, fmt.Sprintf("seat %v says %v leads %s, another said %v", seat, leader, place, known))
		}
		o.leaders[place] = leader
	case "schedule":
		order := fmt.Sprint(event["delays_ns"])
		if known, is := o.orders[round]; is && known != order {
			o.wrong = append(o.wrong, fmt.Sprintf("seat %v says %s is transmitted as %s, another said %s", seat, round, order, known))
		}
		o.orders[round] = order
	case "led":
		if leader, known := o.leaders[place]; !known || leader != seat {
			o.wrong = append(o.wrong, fmt.Sprintf("seat %v led %s, whose leader is %v", seat, round, leader))
		}
		o.led[seat.(float64)]++
		o.finals[slices.Index(o.digests, o.current[seat])]++
		for _, signer := range event["signers"].([]any) {
			if o.signed[seat.(float64)] == nil {
				o.signed[seat.(float64)] = map[float64]int{}
			}
			o.signed[seat.(float64)][signer.(float64)]++
		}
	case "refused", "transmission_failed", "close_failed", "unreadable_telemetry":
		o.wrong = append(o.wrong, string(text))
	case "warning":
		message := event["message"].(string)
		o.warnings[message] = max(o.warnings[message], int(event["count"].(float64)))
		if event["usual"] == nil {
			o.wrong = append(o.wrong, string(text))
		}
	}
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

func (o *observer) fault(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wrong = append(o.wrong, fmt.Sprintf(format, args...))
}

func (o *observer) freeze() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.frozen = true
}

func (o *observer) await(ctx context.Context, atMost time.Duration, happened func(*observer) bool) error {
	deadline := time.After(atMost)
	for {
		o.mu.Lock()
		is := happened(o)
		o.mu.Unlock()
		if is {
			return nil
		}
		select {
		case <-o.changed:
		case <-deadline:
			return fmt.Errorf("not within %s", atMost)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (o *observer) judge(out io.Writer) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintf(out, "configurations %d, epochs %d, rounds led by seat %v, signatures by leader %v, most warnings of one oracle %v\n",
		len(o.digests), len(o.leaders), o.led, o.signed, o.warnings)
	if len(o.wrong) > 0 {
		return fmt.Errorf("%d wrong, the first: %s", len(o.wrong), o.wrong[0])
	}
	return nil
}
