package send

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
	"github.com/mirrorsink/mirrorsink/sessions/awssdk"
)

// callTimeout bounds one call. A receiver that takes longer is tried again.
const callTimeout = 15 * time.Second

// poster posts JSON to one address.
type poster struct {
	client *http.Client
	url    string
	agent  string
}

func newPoster(url string, sink *message.Sink) *poster {
	client := &http.Client{
		Timeout:       callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // it would become a GET without a body
	}
	return &poster{client, url, strings.TrimSuffix("mirrorsink/"+sink.Version, "/")}
}

// parseURL returns an address of HTTP, with its name for messages: without what may be a secret.
func parseURL(text string) (u *url.URL, name string, err error) {
	u, err = url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, "", fmt.Errorf("want an address such as https://alerts.example.com/in")
	}
	return u, u.Scheme + "://" + u.Host, nil
}

// post posts a body. headers are pairs of a name and a value.
func (p *poster) post(ctx context.Context, body []byte, headers ...string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return &spool.Failure{Class: spool.Refused, Text: "the address is no address", Err: err}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", p.agent)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return &spool.Failure{Class: spool.Unreachable, Text: "no answer: " + awssdk.Cause(err), Err: err}
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // it is for the message alone
	if answer.StatusCode/100 == 2 {
		return nil
	}
	return &spool.Failure{
		Class: classOfStatus(answer.StatusCode), Wait: retryAfter(answer.Header.Get("Retry-After"), time.Now()),
		Text: strings.TrimSuffix(fmt.Sprintf("HTTP status %d: %s", answer.StatusCode, message.Printable(awssdk.OneLine(string(text)))), ": "),
	}
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 512

// classOfStatus returns what an answer with a status other than 2xx means. What a person can change without the program is tried again.
func classOfStatus(status int) spool.Class {
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return spool.Throttled
	case status >= 500:
		return spool.Fault
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return spool.Denied
	case status == http.StatusNotFound, status == http.StatusGone, status == http.StatusMethodNotAllowed:
		return spool.Missing
	case status/100 == 3:
		return spool.Misplaced
	default:
		return spool.Refused
	}
}

// maxRetryAfter bounds what a server may ask for.
const maxRetryAfter = 10 * time.Minute

// retryAfter returns how long a server wants no further calls: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
func retryAfter(text string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
