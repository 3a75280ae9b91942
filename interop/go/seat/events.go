package seat

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// Fields are an event's own fields; README.md lists them.
type Fields map[string]any

// Lines writes JSON objects, one a line, from any number of seats.
type Lines struct {
	mu  sync.Mutex
	out io.Writer
}

func NewLines(out io.Writer) *Lines { return &Lines{out: out} }

func (l *Lines) write(object Fields) {
	text, err := json.Marshal(object)
	if err != nil {
		text, _ = json.Marshal(Fields{"event": "unprintable", "error": err.Error()})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.out.Write(append(text, '\n'))
}

// Events tells a driver what one seat does, and counts it.
type Events struct {
	lines *Lines
	name  Fields // "seat": i, or "bootstrap": peer id

	mu     sync.Mutex
	counts map[string]int
	logged map[logKey]int
}

type logKey struct{ level, message string }

func NewEvents(lines *Lines, name Fields) *Events {
	return &Events{lines: lines, name: name, counts: map[string]int{}, logged: map[logKey]int{}}
}

// Emit writes one event.
func (e *Events) Emit(event string, fields Fields) {
	line := Fields{"event": event, "unix_ms": time.Now().UnixMilli()}
	maps.Copy(line, e.name)
	maps.Copy(line, fields)
	e.count(event)
	e.lines.write(line)
}

func (e *Events) count(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.counts[what]++
}

// Summary is the last event: how often each event happened, and how often each message was logged.
func (e *Events) Summary() {
	e.mu.Lock()
	counts := maps.Clone(e.counts)
	byLevel := map[string]map[string]int{}
	for key, count := range e.logged {
		if byLevel[key.level] == nil {
			byLevel[key.level] = map[string]int{}
		}
		byLevel[key.level][key.message] = count
	}
	e.mu.Unlock()
	e.Emit("summary", Fields{"counts": counts, "logged": byLevel})
}

// sortedKeys gives maps of the reference an order.
func sortedKeys[K ~uint64, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
