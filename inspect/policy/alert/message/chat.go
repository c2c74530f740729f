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
	return slack("*"+slackEscape(a.Rule)+"* "+a.State.String(), title(a), Body(a, s))
}

var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'").Replace

// slack returns a message with a heading in Slack's mark-up, a title for notifications and a text.
func slack(heading, title, body string) []byte {
	text := heading + "\n```" + cut(slackEscape(body), maxSlack) + "```"
	out, err := json.Marshal(map[string]any{
		"text":   slackEscape(title),
		"blocks": []any{map[string]any{"type": "section", "text": map[string]string{"type": "mrkdwn", "text": text}}},
	})
	if err != nil {
		panic(err) // strings always marshal
	}
	return out
}
