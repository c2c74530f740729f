package message

import (
	"encoding/json"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// maxSlack is the length to which the text of a Slack section is cut: the API takes 3,000 characters.
const maxSlack = 2900

// Slack returns an alert as a message for an incoming webhook of Slack. Names are shown as code, so that they are no links.
func Slack(a *alert.Alert, s *Sink) []byte {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'").Replace
	text := "*" + escape(a.Rule) + "* " + a.State.String() + "\n```" + cut(escape(Body(a, s)), maxSlack) + "```"
	out, err := json.Marshal(map[string]any{
		"text":   escape(title(a)),
		"blocks": []any{map[string]any{"type": "section", "text": map[string]string{"type": "mrkdwn", "text": text}}},
	})
	if err != nil {
		panic(err) // strings always marshal
	}
	return out
}
