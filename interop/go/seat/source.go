package seat

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/smartcontractkit/libocr/offchainreporting2/reportingplugin/median"
	"github.com/smartcontractkit/libocr/offchainreporting2plus/types"
)

// An answer longer than this is not a price.
const answerBytesMax = 1 << 20

// market observes the median of its sources, each scaled, cut to an integer at the end.
type market struct {
	sources []Source
	least   int
	timeout time.Duration // 0: only the protocol's own
	events  *Events
}

var _ median.DataSource = market{}

func (m market) Observe(ctx context.Context, ts types.ReportTimestamp) (*big.Int, error) {
	if m.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, m.timeout)
		defer cancel()
	}
	type answer struct {
		value *big.Rat
		err   error
	}
	answers := make(chan answer, len(m.sources))
	for _, source := range m.sources {
		go func() {
			value, err := source.fetch(ctx)
			answers <- answer{value, err}
		}()
	}
	var values []*big.Rat
	var failed error
	for range m.sources {
		if a := <-answers; a.err == nil {
			values = append(values, a.value)
		} else {
			failed = a.err
		}
	}
	if len(values) < m.least {
		return nil, fmt.Errorf("%d of %d sources answered, wanted %d; the last failure: %w", len(values), len(m.sources), m.least, failed)
	}
	value := middle(values)
	m.events.Emit("observation", Fields{"epoch": ts.Epoch, "round": ts.Round, "value": value.String()})
	return value, nil
}

// middle is the median, the mean of the two in the middle where their number is even, rounded toward zero.
func middle(values []*big.Rat) *big.Int {
	slices.SortFunc(values, (*big.Rat).Cmp)
	low, high := values[(len(values)-1)/2], values[len(values)/2]
	mean := new(big.Rat).Add(low, high)
	mean.Quo(mean, big.NewRat(2, 1))
	return new(big.Int).Quo(mean.Num(), mean.Denom())
}

func (s Source) fetch(ctx context.Context) (*big.Rat, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", s.URL, response.Status)
	}
	decoder := json.NewDecoder(io.LimitReader(response.Body, answerBytesMax))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("%s: %w", s.URL, err)
	}
	for _, step := range s.Path {
		if value, err = descend(value, step); err != nil {
			return nil, fmt.Errorf("%s: %w", s.URL, err)
		}
	}
	return scaled(value, s.ScaleDigits)
}

func descend(value any, step any) (any, error) {
	switch step := step.(type) {
	case string:
		if object, ok := value.(map[string]any); ok {
			if field, ok := object[step]; ok {
				return field, nil
			}
		}
	case json.Number:
		index, err := step.Int64()
		if list, ok := value.([]any); ok && err == nil && 0 <= index && index < int64(len(list)) {
			return list[index], nil
		}
	}
	return nil, fmt.Errorf("no %v in the answer", step)
}

// Bounded, because big.Rat would spend all memory on 1e999999999.
var decimal = regexp.MustCompile(`^-?[0-9]{1,80}(\.[0-9]{1,80})?([eE][+-]?[0-9]{1,2})?$`)

func scaled(value any, digits int) (*big.Rat, error) {
	text := fmt.Sprint(value)
	switch value.(type) {
	case json.Number, string:
	default:
		return nil, fmt.Errorf("wanted a number or a decimal string, got %T", value)
	}
	if !decimal.MatchString(text) {
		return nil, fmt.Errorf("%.100q is not a decimal number", text)
	}
	number, _ := new(big.Rat).SetString(text)
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	return number.Mul(number, new(big.Rat).SetInt(scale)), nil
}

// constant is what juels per fee coin and the gas price are here.
type constant struct{ value *big.Int }

func (c constant) Observe(context.Context, types.ReportTimestamp) (*big.Int, error) {
	return c.value, nil
}
