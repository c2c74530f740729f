package page_test

import (
	"bytes"
	"fmt"
	"image/png"
	"io"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report"
	"github.com/mirrorsink/mirrorsink/inspect/report/inputtest"
	"github.com/mirrorsink/mirrorsink/inspect/report/page"
)

// hostile are names that hosts could send.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title></style></svg><script>alert(2)</script>`, `javascript:alert(1)`,
	`{{.Table}}`, "a\x00b\x1b[31m", `&lt;b&gt;`, strings.Repeat("very-long.", 100), `';alert(3);//`, "",
}

// hostilePage returns the page of records with hostile names and instances.
func hostilePage(t *testing.T) []byte {
	var all []flowlog.Record
	for i := range 400 {
		all = append(all, flowlog.Record{
			InterfaceID: "eni-1", InstanceID: fmt.Sprintf("i-%d%s", i%5, hostile[i%3]), FlowDirection: []string{"egress", "ingress"}[i%2],
			SrcAddr: netip.MustParseAddr("10.0.0.1"), DstAddr: netip.MustParseAddr("203.0.113.9"), SrcPort: 40000, DstPort: 443, Protocol: 6,
			Packets: 10, Bytes: uint64(1000 * (1 + i%13)), Start: 1764057600 + int64(i)*10, End: 1764057610 + int64(i)*10, LogStatus: flowlog.OK,
			Name: hostile[i%len(hostile)], Completeness: math.NaN(),
		})
	}
	return pageOf(t, all, "name", "instance")
}

// pageOf returns the page of the report top over records.
func pageOf(t *testing.T, all []flowlog.Record, columns ...string) []byte {
	query, err := report.Top("bytes", columns, 0)
	require.NoError(t, err)
	a, err := report.Run(t.Context(), report.Config{Files: []string{"-"}, Stdin: bytes.NewReader(inputtest.Lines(all)), Memory: 1 << 20, Plots: true}, query)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, page.Write(&b, a))
	return b.Bytes()
}

// TestPageIsSelfContained: the page loads nothing and runs nothing, and markup in names is escaped.
func TestPageIsSelfContained(t *testing.T) {
	page := string(hostilePage(t))
	forbidden := regexp.MustCompile(`^(script|img|iframe|object|embed|image|use|foreignobject|a|form|base|frame|video|audio)$`)
	tokens := html.NewTokenizer(strings.NewReader(page))
	for tokens.Next() != html.ErrorToken {
		token := tokens.Token()
		if token.Type == html.TextToken {
			continue
		}
		assert.NotRegexp(t, forbidden, token.Data)
		for _, a := range token.Attr {
			assert.NotRegexp(t, `^(on.*|src|srcdoc|xlink:href)$`, a.Key, token)
			if a.Key == "href" {
				assert.Equal(t, "data:,", a.Val, "an empty icon, so that the browser requests none")
			}
		}
	}
	require.ErrorIs(t, tokens.Err(), io.EOF)
	assert.NotRegexp(t, `(?i)url\(|@import|https?://`, page)
	assert.Contains(t, page, "&lt;script&gt;alert(1)&lt;/script&gt;")
	assert.NotContains(t, page, "\x1b")
}

// TestPageWithoutRecords: an empty answer has a page without plots.
func TestPageWithoutRecords(t *testing.T) {
	page := string(pageOf(t, nil, "name"))
	assert.Contains(t, page, "no records were found")
	assert.NotContains(t, page, "<svg")
}

// chromium opens a page in a headless browser without a network, and returns both of its outputs.
func chromium(t *testing.T, page string, args ...string) (stdout, stderr string) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("Chromium is not installed")
	}
	args = append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-dev-shm-usage", "--user-data-dir=" + t.TempDir(), "--enable-logging=stderr", "--hide-scrollbars", "--window-size=1180,1900",
	}, args...)
	cmd := exec.CommandContext(t.Context(), browser, append(args, "file://"+page)...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	require.NoError(t, cmd.Run(), log.String())
	return out.String(), log.String()
}

// consoleLine marks the messages of a page's console in Chromium's log: script errors, policy violations, failed loads.
const consoleLine = ":CONSOLE"

// TestPageInChromium: a browser logs nothing to its console, draws the plots, and takes no name for markup.
func TestPageInChromium(t *testing.T) {
	dir := t.TempDir()
	control := filepath.Join(dir, "control.html")
	require.NoError(t, os.WriteFile(control, []byte(`<script>console.error("seen")</script>`), 0o644))
	_, log := chromium(t, control, "--dump-dom")
	require.Contains(t, log, consoleLine, "this browser does not log its console")

	name, picture := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.png")
	require.NoError(t, os.WriteFile(name, hostilePage(t), 0o644))
	dom, log := chromium(t, name, "--dump-dom")
	assert.NotContains(t, log, consoleLine)
	assert.NotContains(t, dom, "<script")
	assert.NotContains(t, dom, "<img")
	assert.Equal(t, 2, strings.Count(dom, "<svg"))
	assert.Equal(t, 67, strings.Count(dom, `class="step"`), "one bar per minute")
	assert.Equal(t, len(hostile), strings.Count(dom, `class="track"`), "one bar per name, or address for records without a name")
	assert.GreaterOrEqual(t, strings.Count(dom, `class="band`), 20)

	_, log = chromium(t, name, "--screenshot="+picture)
	assert.NotContains(t, log, consoleLine)
	inked := pixels(t, picture)
	assert.Greater(t, inked["#2f6690"], 20_000, "bars of times and names")
	assert.Greater(t, inked["#9cc3dc"], 5_000, "incoming bytes")
	assert.Greater(t, inked["#1b1f24"], 1_000, "blocks of the chart")
}

// pixels counts the pixels of a picture by colour.
func pixels(t *testing.T, name string) map[string]int {
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	picture, err := png.Decode(f)
	require.NoError(t, err)
	count := map[string]int{}
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			r, g, b, _ := picture.At(x, y).RGBA()
			count[fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)]++
		}
	}
	return count
}

// FuzzWrite: the page of any name and instance has no element that runs or loads anything.
func FuzzWrite(f *testing.F) {
	for _, name := range hostile {
		f.Add(name, "i-1")
	}
	forbidden := regexp.MustCompile(`(?i)<(script|img|iframe|object|embed|a|form|base)\b`)
	f.Fuzz(func(t *testing.T, name, instance string) {
		r := flowlog.Record{
			Name: name, InstanceID: instance, SrcAddr: netip.MustParseAddr("10.0.0.1"), DstAddr: netip.MustParseAddr("203.0.113.9"),
			Packets: 1, Bytes: 5, LogStatus: flowlog.OK, Completeness: math.NaN(),
		}
		require.NotRegexp(t, forbidden, string(pageOf(t, []flowlog.Record{r}, "name", "instance")))
	})
}
