package report_test

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
)

// hostile are names as hosts could send them.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title></style></svg><script>alert(2)</script>`, `javascript:alert(1)`,
	`{{.Table}}`, "a\x00b\x1b[31m", `&lt;b&gt;`, strings.Repeat("very-long.", 100), `';alert(3);//`, "",
}

// hostilePage is the page of records with hostile names, and of instances with such.
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
	name := file(t, t.TempDir(), asText(all))
	a, err := report.Run(t.Context(), report.Config{Files: []string{name}, Memory: 1 << 20, Plots: true}, top(t, "bytes", 0, "name", "instance"))
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, a.WriteHTML(&b))
	return b.Bytes()
}

// TestPageIsSelfContained: the page loads nothing and runs nothing, and what names would begin is escaped.
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
				assert.Equal(t, "data:,", a.Val, "that of the icon, so that none is asked for")
			}
		}
	}
	require.ErrorIs(t, tokens.Err(), io.EOF)
	assert.NotRegexp(t, `(?i)url\(|@import|https?://`, page)
	assert.Contains(t, page, "&lt;script&gt;alert(1)&lt;/script&gt;")
	assert.NotContains(t, page, "\x1b")
}

// TestPageWithoutRecords: a report of nothing has a page too.
func TestPageWithoutRecords(t *testing.T) {
	a, err := report.Run(t.Context(), report.Config{Files: []string{file(t, t.TempDir(), nil)}, Memory: 1 << 20, Plots: true}, report.Names(0))
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, a.WriteHTML(&b))
	assert.Contains(t, b.String(), "no records were found")
	assert.NotContains(t, b.String(), "<svg")
}

// chromium runs a headless browser over a page, away from the network, and returns what it wrote to both outputs.
func chromium(t *testing.T, page string, args ...string) (stdout, stderr string) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("no Chromium here to look at the page with")
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

// consoleLine is how Chromium logs what a page's console says: errors of scripts, what a policy forbids, what cannot be loaded.
const consoleLine = ":CONSOLE"

// TestPageInChromium: a browser says nothing on its console, draws the plots, and takes no name for markup.
func TestPageInChromium(t *testing.T) {
	dir := t.TempDir()
	control := filepath.Join(dir, "control.html")
	require.NoError(t, os.WriteFile(control, []byte(`<script>console.error("seen")</script>`), 0o644))
	_, log := chromium(t, control, "--dump-dom")
	require.Contains(t, log, consoleLine, "this browser does not log its console")

	page, picture := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.png")
	require.NoError(t, os.WriteFile(page, hostilePage(t), 0o644))
	dom, log := chromium(t, page, "--dump-dom")
	assert.NotContains(t, log, consoleLine)
	assert.NotContains(t, dom, "<script")
	assert.NotContains(t, dom, "<img")
	assert.Equal(t, 2, strings.Count(dom, "<svg"))
	assert.Equal(t, 67, strings.Count(dom, `class="step"`), "a bar a minute")
	assert.Equal(t, len(hostile), strings.Count(dom, `class="track"`), "a bar a name, that without one by its address")
	assert.GreaterOrEqual(t, strings.Count(dom, `class="band`), 20)

	_, log = chromium(t, page, "--screenshot="+picture)
	assert.NotContains(t, log, consoleLine)
	inked := pixels(t, picture)
	assert.Greater(t, inked["#2f6690"], 20_000, "bars of times and names")
	assert.Greater(t, inked["#9cc3dc"], 5_000, "what reached the interfaces")
	assert.Greater(t, inked["#1b1f24"], 1_000, "blocks of the chart")
}

// pixels counts a picture's pixels by colour.
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
